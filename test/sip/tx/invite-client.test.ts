import { describe, expect, it } from 'vitest'
import { InviteClient } from '../../../src/sip/tx/invite-client.ts'
import { Recorder } from './recorder.ts'

function start(reliable = false) {
  const recorder = new Recorder()
  const machine = new InviteClient<string>(recorder.setup(reliable), recorder.client)
  machine.start()
  return { recorder, machine, clock: recorder.clock }
}

describe('INVITE client transaction, Calling', () => {
  it('timer A repeats the INVITE, doubling to T2, until timer B (RFC 3261 §17.1.1.2)', () => {
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

  it('timer A does not run on reliable transports, timer B does (RFC 3261 §17.1.1.2)', () => {
    const { recorder, clock } = start(true)
    clock.advanceSync(40_000)
    expect(recorder.take()).toEqual(['0 transmit 0', '32000 failed timeout', '32000 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('is over at once, without a call, when the INVITE cannot be sent', () => {
    const recorder = new Recorder()
    recorder.isUnreachable = true
    const machine = new InviteClient<string>(recorder.setup(false), recorder.client)
    expect(machine.start()).toBe(false)
    expect(recorder.take()).toEqual(['0 transmit 0'])
    expect([machine.state, recorder.clock.pending]).toEqual(['terminated', 0])
  })

  it('a transport error ends it (RFC 3261 §17.1.1.2 and figure 5)', () => {
    const { recorder, machine, clock } = start()
    machine.transportError()
    expect(recorder.take()).toEqual(['0 transmit 0', '0 failed transport', '0 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('a retransmission that cannot be sent ends it (RFC 3261 figure 5)', () => {
    const { recorder, clock } = start()
    recorder.isUnreachable = true
    clock.advanceSync(500)
    expect(recorder.take()).toEqual(['0 transmit 0', '500 transmit 1', '500 failed transport', '500 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('a 2xx leads to Accepted (RFC 6026 §7.2)', () => {
    const { recorder, machine } = start()
    machine.receive(200, '200')
    expect(recorder.take()).toEqual(['0 transmit 0', '0 up 200'])
    expect(machine.state).toBe('accepted')
    machine.stop()
  })

  it('a 300–699 is acknowledged and passed up (RFC 3261 §17.1.1.2)', () => {
    const { recorder, machine } = start()
    machine.receive(302, '302')
    expect(recorder.take()).toEqual(['0 transmit 0', '0 ack 302', '0 up 302'])
    expect(machine.state).toBe('completed')
    machine.stop()
  })
})

describe('INVITE client transaction, Proceeding', () => {
  it('a provisional response stops timers A and B and is passed up (RFC 3261 §17.1.1.2)', () => {
    const { recorder, machine, clock } = start()
    machine.receive(100, '100')
    expect([machine.state, clock.pending]).toEqual(['proceeding', 0])
    clock.advanceSync(100_000)
    machine.receive(180, '180')
    expect(recorder.take()).toEqual(['0 transmit 0', '0 up 100', '100000 up 180'])
    machine.stop()
  })

  it('a 2xx leads to Accepted (RFC 6026 §7.2)', () => {
    const { recorder, machine } = start()
    machine.receive(180, '180')
    machine.receive(200, '200')
    expect(recorder.take()).toEqual(['0 transmit 0', '0 up 180', '0 up 200'])
    expect(machine.state).toBe('accepted')
    machine.stop()
  })

  it('a 300–699 is acknowledged and passed up (RFC 3261 §17.1.1.2)', () => {
    const { recorder, machine } = start()
    machine.receive(180, '180')
    machine.receive(486, '486')
    expect(recorder.take()).toEqual(['0 transmit 0', '0 up 180', '0 ack 486', '0 up 486'])
    expect(machine.state).toBe('completed')
    machine.stop()
  })

  it('a late transport error does not matter once a response has come (RFC 3261 figure 5)', () => {
    const { machine } = start()
    machine.receive(180, '180')
    machine.transportError()
    expect(machine.state).toBe('proceeding')
    machine.stop()
  })

  it('ends 64·T1 after its CANCEL when no final response comes (RFC 3261 §9.1)', () => {
    const { recorder, machine, clock } = start()
    machine.receive(180, '180')
    recorder.take()
    clock.advanceSync(1000)
    machine.cancelled()
    clock.advanceSync(32_000)
    expect(recorder.take()).toEqual(['33000 failed timeout', '33000 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('forgets the CANCEL when the 487 comes (RFC 3261 §9.1)', () => {
    const { recorder, machine, clock } = start()
    machine.receive(180, '180')
    machine.cancelled()
    recorder.take()
    machine.receive(487, '487')
    clock.advanceSync(60_000)
    expect(recorder.take()).toEqual(['0 ack 487', '0 up 487', '5000 terminated'])
    expect(clock.pending).toBe(0)
  })
})

describe('INVITE client transaction, Completed', () => {
  it('acknowledges each retransmission without passing it up, until timer D (RFC 3261 §17.1.1.2)', () => {
    const { recorder, machine, clock } = start()
    machine.receive(486, '486')
    recorder.take()
    clock.advanceSync(1000)
    machine.receive(486, '486')
    machine.receive(180, '180')
    machine.receive(200, '200')
    expect(recorder.take()).toEqual(['1000 ack 486'])
    clock.advanceSync(4000)
    expect(recorder.take()).toEqual(['5000 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('timer D is zero on reliable transports (RFC 3261 §17.1.1.2)', () => {
    const { recorder, machine, clock } = start(true)
    machine.receive(486, '486')
    expect(recorder.take()).toEqual(['0 transmit 0', '0 ack 486', '0 up 486', '0 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('an ACK that cannot be sent ends it and is told (RFC 3261 figure 5)', () => {
    const { recorder, machine, clock } = start()
    machine.receive(486, '486')
    recorder.take()
    machine.transportError()
    expect(recorder.take()).toEqual(['0 failed transport', '0 terminated'])
    expect(clock.pending).toBe(0)
  })
})

describe('INVITE client transaction, Accepted', () => {
  it.each([false, true])(
    'passes each 2xx up, never acknowledges, until timer M (RFC 6026 §7.2), reliable %s',
    reliable => {
      const { recorder, machine, clock } = start(reliable)
      machine.receive(200, '200')
      recorder.take()
      clock.advanceSync(1000)
      machine.receive(200, '200 again')
      machine.receive(180, '180')
      machine.receive(486, '486')
      machine.transportError()
      expect(recorder.take()).toEqual(['1000 up 200 again'])
      clock.advanceSync(4000)
      expect(recorder.take()).toEqual(['5000 terminated'])
      machine.receive(200, 'late')
      expect(recorder.take()).toEqual([])
      expect(clock.pending).toBe(0)
    },
  )
})
