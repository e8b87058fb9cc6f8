import { describe, expect, it } from 'vitest'
import { NonInviteClient } from '../../../src/sip/tx/non-invite-client.ts'
import { Recorder } from './recorder.ts'

function start(reliable = false) {
  const recorder = new Recorder()
  const machine = new NonInviteClient<string>(recorder.setup(reliable), recorder.client)
  machine.start()
  return { recorder, machine, clock: recorder.clock }
}

describe('non-INVITE client transaction', () => {
  it('timer E repeats the request, doubling to T2, until timer F (RFC 3261 §17.1.2.2)', () => {
    const { recorder, machine, clock } = start()
    clock.advanceSync(40_000)
    expect(recorder.take()).toEqual([
      '0 transmit 0',
      '500 transmit 1',
      '1500 transmit 2',
      '3500 transmit 3',
      '7500 transmit 4',
      '11500 transmit 5',
      '15500 transmit 6',
      '19500 transmit 7',
      '23500 transmit 8',
      '27500 transmit 9',
      '31500 transmit 10',
      '32000 failed timeout',
      '32000 terminated',
    ])
    expect([machine.state, clock.pending]).toEqual(['terminated', 0])
  })

  it('timer E does not run on reliable transports, timer F does (RFC 3261 §17.1.2.2)', () => {
    const { recorder, clock } = start(true)
    clock.advanceSync(40_000)
    expect(recorder.take()).toEqual(['0 transmit 0', '32000 failed timeout', '32000 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('is over at once, without a call, when the request cannot be sent', () => {
    const recorder = new Recorder()
    recorder.isUnreachable = true
    const machine = new NonInviteClient<string>(recorder.setup(false), recorder.client)
    expect(machine.start()).toBe(false)
    expect([machine.state, recorder.clock.pending]).toEqual(['terminated', 0])
  })

  it('a transport error ends it in Trying (RFC 3261 §17.1.2.2)', () => {
    const { recorder, machine, clock } = start()
    machine.transportError()
    expect(recorder.take()).toEqual(['0 transmit 0', '0 failed transport', '0 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('a provisional response leads to Proceeding, where timer E runs every T2 and F goes on (RFC 3261 §17.1.2.2)', () => {
    const { recorder, machine, clock } = start()
    machine.receive(100, '100')
    expect(machine.state).toBe('proceeding')
    clock.advanceSync(40_000)
    expect(recorder.take()).toEqual([
      '0 transmit 0',
      '0 up 100',
      '500 transmit 1',
      '4500 transmit 2',
      '8500 transmit 3',
      '12500 transmit 4',
      '16500 transmit 5',
      '20500 transmit 6',
      '24500 transmit 7',
      '28500 transmit 8',
      '32000 failed timeout',
      '32000 terminated',
    ])
    expect(clock.pending).toBe(0)
  })

  it('a retransmission that cannot be sent in Proceeding ends it (RFC 3261 §17.1.2.2)', () => {
    const { recorder, machine, clock } = start()
    machine.receive(100, '100')
    recorder.take()
    recorder.isUnreachable = true
    clock.advanceSync(500)
    expect(recorder.take()).toEqual(['500 transmit 1', '500 failed transport', '500 terminated'])
    expect(clock.pending).toBe(0)
  })

  it.each([
    ['Trying', false],
    ['Proceeding', true],
  ])(
    'a final response leads from %s to Completed, which timer K ends (RFC 3261 §17.1.2.2)',
    (_name, hasProvisional) => {
      const { recorder, machine, clock } = start()
      if (hasProvisional) machine.receive(100, '100')
      recorder.take()
      machine.receive(200, '200')
      expect([machine.state, clock.pending]).toEqual(['completed', 1])
      clock.advanceSync(5000)
      expect(recorder.take()).toEqual(['0 up 200', '5000 terminated'])
      expect(clock.pending).toBe(0)
    },
  )

  it('timer K is zero on reliable transports (RFC 3261 §17.1.2.2)', () => {
    const { recorder, machine, clock } = start(true)
    machine.receive(404, '404')
    expect(recorder.take()).toEqual(['0 transmit 0', '0 up 404', '0 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('absorbs response retransmissions in Completed (RFC 3261 §17.1.2.2)', () => {
    const { recorder, machine, clock } = start()
    machine.receive(200, '200')
    recorder.take()
    machine.receive(200, '200')
    machine.receive(100, '100')
    machine.transportError()
    expect(recorder.take()).toEqual([])
    machine.stop()
    expect(clock.pending).toBe(0)
  })
})
