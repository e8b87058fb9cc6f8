import { describe, expect, it } from 'vitest'
import { InviteServer } from '../../../src/sip/tx/invite-server.ts'
import { Recorder } from './recorder.ts'

const bytes = (text: string) => Buffer.from(text)

function start(reliable = false) {
  const recorder = new Recorder()
  const machine = new InviteServer(recorder.setup(reliable), recorder.server)
  return { recorder, machine, clock: recorder.clock }
}

describe('INVITE server transaction, Proceeding', () => {
  it('absorbs retransmissions silently before any response (RFC 3261 §17.2.1)', () => {
    const { recorder, machine, clock } = start()
    machine.receiveRequest()
    expect(recorder.take()).toEqual([])
    expect([machine.state, clock.pending]).toEqual(['proceeding', 0])
  })

  it('sends the most recent provisional response again for a retransmission (RFC 3261 §17.2.1)', () => {
    const { recorder, machine, clock } = start()
    machine.respond(100, bytes('100'))
    machine.respond(180, bytes('180'))
    machine.receiveRequest()
    expect(recorder.take()).toEqual(['0 transmit 100 0', '0 transmit 180 0', '0 transmit 180 0'])
    expect([machine.state, clock.pending]).toEqual(['proceeding', 0])
  })

  it('does not take an ACK (RFC 3261 §17.2.1)', () => {
    const { machine } = start()
    expect(machine.receiveAck()).toBe(false)
  })

  it('tells its owner of a transport error and stays (RFC 6026 figure 7)', () => {
    const { recorder, machine } = start()
    machine.transportError()
    expect(recorder.take()).toEqual(['0 failed transport'])
    expect(machine.state).toBe('proceeding')
  })

  it('that is abandoned ends when no retransmission is to be expected any more', () => {
    const { recorder, machine, clock } = start()
    machine.abandon()
    clock.advanceSync(4999)
    expect(recorder.take()).toEqual([])
    clock.advanceSync(1)
    expect(recorder.take()).toEqual(['5000 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('that is abandoned lives on when a response comes after all', () => {
    const { recorder, machine, clock } = start()
    machine.abandon()
    machine.respond(180, bytes('180'))
    clock.advanceSync(60_000)
    expect(recorder.take()).toEqual(['0 transmit 180 0'])
    expect([machine.state, clock.pending]).toEqual(['proceeding', 0])
  })
})

describe('INVITE server transaction, Accepted', () => {
  it.each([false, true])('a 2xx starts timer L, whose end is the end (RFC 6026 §7.1), reliable %s', reliable => {
    const { recorder, machine, clock } = start(reliable)
    machine.respond(200, bytes('200'))
    expect([machine.state, clock.pending]).toEqual(['accepted', 1])
    clock.advanceSync(5000)
    expect(recorder.take()).toEqual(['0 transmit 200 0', '5000 terminated'])
    expect([machine.state, clock.pending]).toEqual(['terminated', 0])
  })

  it('absorbs retransmitted INVITEs without sending anything (RFC 6026 §7.1)', () => {
    const { recorder, machine } = start()
    machine.respond(200, bytes('200'))
    recorder.take()
    machine.receiveRequest()
    expect(recorder.take()).toEqual([])
    machine.stop()
  })

  it('transmits further 2xx and nothing else (RFC 6026 §7.1)', () => {
    const { recorder, machine, clock } = start()
    machine.respond(200, bytes('200'))
    recorder.take()
    expect(machine.respond(200, bytes('200b'))).toBe(true)
    expect(machine.respond(180, bytes('180'))).toBe(false)
    expect(machine.respond(486, bytes('486'))).toBe(false)
    expect(recorder.take()).toEqual(['0 transmit 200b 0'])
    machine.stop()
    expect(clock.pending).toBe(0)
  })

  it('leaves the ACK to its owner (RFC 6026 §7.1)', () => {
    const { machine } = start()
    machine.respond(200, bytes('200'))
    expect(machine.receiveAck()).toBe(false)
    expect(machine.state).toBe('accepted')
    machine.stop()
  })

  it('does not mind a transport error (RFC 6026 §7.1)', () => {
    const { recorder, machine } = start()
    machine.respond(200, bytes('200'))
    recorder.take()
    machine.transportError()
    expect(recorder.take()).toEqual([])
    expect(machine.state).toBe('accepted')
    machine.stop()
  })
})

describe('INVITE server transaction, Completed', () => {
  it('timer G repeats the response at T1, doubling to T2, until timer H (RFC 3261 §17.2.1)', () => {
    const { recorder, machine, clock } = start()
    machine.respond(486, bytes('486'))
    clock.advanceSync(40_000)
    expect(recorder.take()).toEqual([
      '0 transmit 486 0',
      '500 transmit 486 1',
      '1500 transmit 486 2',
      '3500 transmit 486 3',
      '7500 transmit 486 4',
      '11500 transmit 486 5',
      '15500 transmit 486 6',
      '19500 transmit 486 7',
      '23500 transmit 486 8',
      '27500 transmit 486 9',
      '31500 transmit 486 10',
      '32000 failed timeout',
      '32000 terminated',
    ])
    expect([machine.state, clock.pending]).toEqual(['terminated', 0])
  })

  it('on a reliable transport nothing is repeated, and timer H ends it (RFC 3261 §17.2.1)', () => {
    const { recorder, machine, clock } = start(true)
    machine.respond(486, bytes('486'))
    clock.advanceSync(40_000)
    expect(recorder.take()).toEqual(['0 transmit 486 0', '32000 failed timeout', '32000 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('a retransmitted INVITE gets the response again (RFC 3261 §17.2.1)', () => {
    const { recorder, machine } = start()
    machine.respond(486, bytes('486'))
    recorder.take()
    machine.receiveRequest()
    expect(recorder.take()).toEqual(['0 transmit 486 0'])
    machine.stop()
  })

  it('discards further responses (RFC 3261 §17.2.1)', () => {
    const { machine } = start()
    machine.respond(486, bytes('486'))
    expect(machine.respond(404, bytes('404'))).toBe(false)
    machine.stop()
  })

  it('tells its owner of a transport error and stays (RFC 6026 figure 7)', () => {
    const { recorder, machine } = start()
    machine.respond(486, bytes('486'))
    recorder.take()
    machine.transportError()
    expect(recorder.take()).toEqual(['0 failed transport'])
    expect(machine.state).toBe('completed')
    machine.stop()
  })

  it('an ACK leads to Confirmed and stops timers G and H (RFC 3261 §17.2.1)', () => {
    const { recorder, machine, clock } = start()
    machine.respond(486, bytes('486'))
    recorder.take()
    expect(machine.receiveAck()).toBe(true)
    expect(machine.state).toBe('confirmed')
    clock.advanceSync(4999)
    expect(recorder.take()).toEqual([])
    clock.advanceSync(1)
    expect(recorder.take()).toEqual(['5000 terminated'])
    expect(clock.pending).toBe(0)
  })
})

describe('INVITE server transaction, Confirmed', () => {
  it('absorbs further ACKs and INVITEs until timer I (RFC 3261 §17.2.1)', () => {
    const { recorder, machine, clock } = start()
    machine.respond(486, bytes('486'))
    machine.receiveAck()
    recorder.take()
    expect(machine.receiveAck()).toBe(true)
    machine.receiveRequest()
    machine.transportError()
    expect(machine.respond(200, bytes('200'))).toBe(false)
    expect(recorder.take()).toEqual([])
    clock.advanceSync(5000)
    expect(recorder.take()).toEqual(['5000 terminated'])
    expect(clock.pending).toBe(0)
  })

  it('timer I is zero on reliable transports: the ACK ends it (RFC 3261 §17.2.1)', () => {
    const { recorder, machine, clock } = start(true)
    machine.respond(486, bytes('486'))
    recorder.take()
    expect(machine.receiveAck()).toBe(true)
    expect(recorder.take()).toEqual(['0 terminated'])
    expect([machine.state, clock.pending]).toEqual(['terminated', 0])
  })

  it('takes nothing more once terminated', () => {
    const { recorder, machine } = start(true)
    machine.respond(486, bytes('486'))
    machine.receiveAck()
    recorder.take()
    machine.receiveRequest()
    machine.stop()
    expect(machine.receiveAck()).toBe(false)
    expect(machine.respond(200, bytes('200'))).toBe(false)
    expect(recorder.take()).toEqual([])
  })
})
