import { describe, expect, it } from 'vitest'
import { NonInviteServer } from '../../../src/sip/tx/non-invite-server.ts'
import { Recorder } from './recorder.ts'

const bytes = (text: string) => Buffer.from(text)

function start(reliable = false) {
  const recorder = new Recorder()
  const machine = new NonInviteServer(recorder.setup(reliable), recorder.server)
  return { recorder, machine, clock: recorder.clock }
}

describe('non-INVITE server transaction', () => {
  it('discards retransmissions in Trying (RFC 3261 §17.2.2)', () => {
    const { recorder, machine, clock } = start()
    machine.receiveRequest()
    expect(recorder.take()).toEqual([])
    expect([machine.state, clock.pending]).toEqual(['trying', 0])
  })

  it('a provisional response leads to Proceeding and is sent again for a retransmission (RFC 3261 §17.2.2)', () => {
    const { recorder, machine } = start()
    machine.respond(182, bytes('182'))
    machine.respond(183, bytes('183'))
    machine.receiveRequest()
    expect(recorder.take()).toEqual(['0 transmit 182 0', '0 transmit 183 0', '0 transmit 183 0'])
    expect(machine.state).toBe('proceeding')
  })

  it.each([
    ['Trying', false],
    ['Proceeding', true],
  ])('a final response leads from %s to Completed, which timer J ends (RFC 3261 §17.2.2)', (_name, ringsFirst) => {
    const { recorder, machine, clock } = start()
    if (ringsFirst) machine.respond(182, bytes('182'))
    recorder.take()
    machine.respond(404, bytes('404'))
    expect(machine.state).toBe('completed')
    clock.advanceSync(5000)
    expect(recorder.take()).toEqual(['0 transmit 404 0', '5000 terminated'])
    expect([machine.state, clock.pending]).toEqual(['terminated', 0])
  })

  it('timer J is zero on reliable transports (RFC 3261 §17.2.2)', () => {
    const { recorder, machine, clock } = start(true)
    machine.respond(200, bytes('200'))
    expect(recorder.take()).toEqual(['0 transmit 200 0', '0 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('sends the final response again for a retransmission in Completed (RFC 3261 §17.2.2)', () => {
    const { recorder, machine } = start()
    machine.respond(200, bytes('200'))
    machine.receiveRequest()
    machine.receiveRequest()
    expect(recorder.take()).toEqual(['0 transmit 200 0', '0 transmit 200 0', '0 transmit 200 0'])
    machine.stop()
  })

  it('discards other final responses in Completed (RFC 3261 §17.2.2)', () => {
    const { recorder, machine, clock } = start()
    machine.respond(200, bytes('200'))
    expect(machine.respond(404, bytes('404'))).toBe(false)
    expect(recorder.take()).toEqual(['0 transmit 200 0'])
    machine.stop()
    expect(clock.pending).toBe(0)
  })

  it('tells its owner of a transport error in Proceeding and Completed, and stays (RFC 6026 §7.1)', () => {
    const { recorder, machine } = start()
    machine.transportError()
    machine.respond(182, bytes('182'))
    machine.transportError()
    machine.respond(200, bytes('200'))
    machine.transportError()
    expect(recorder.take()).toEqual([
      '0 transmit 182 0',
      '0 failed transport',
      '0 transmit 200 0',
      '0 failed transport',
    ])
    machine.stop()
  })

  it('that is abandoned ends when no retransmission is to be expected any more', () => {
    const { recorder, machine, clock } = start()
    machine.abandon()
    clock.advanceSync(5000)
    expect(recorder.take()).toEqual(['5000 terminated'])
    expect(clock.pending).toBe(0)
  })
})
