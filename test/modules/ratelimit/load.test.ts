import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DEFAULT_GAINS, Feedback, ProcessorLoad } from '../../../src/modules/ratelimit/feedback.ts'
import { RateLimiter } from '../../../src/modules/ratelimit/rate-limiter.ts'
import { bytesIn, kernelAddress, waitingBytes } from '../../../src/modules/ratelimit/socket-backlog.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { recordingLog } from '../../sip/net/peers.ts'
import { listenSocket } from '../usrloc/module-rig.ts'

function rig(surroundings: { load?: number; backlog?: number }) {
  const clock = new VirtualClock()
  const log = recordingLog()
  const limiter = new RateLimiter({
    clock,
    log,
    intervalS: 1,
    limitPerInterval: false,
    expireS: 3600,
    windowMs: 10_000,
    slotMs: 200,
    sockets: () => [],
    readLoad: () => surroundings.load ?? 0,
    readBacklog: async () => surroundings.backlog ?? 0,
  })
  limiter.start()
  const passing = (limit: number, algorithm: 'NETWORK' | 'FEEDBACK', name = 'a'): number => {
    let passed = 0
    for (let i = 0; i < 100; i++) if (limiter.check(name, limit, algorithm) === 1) passed++
    return passed
  }
  return { clock, log, limiter, passing, surroundings }
}

describe('NETWORK', () => {
  it('lets nothing pass while more bytes waited at the last tick than the limit', async () => {
    const { clock, passing, surroundings } = rig({ backlog: 5000 })
    expect(passing(4999, 'NETWORK')).toBe(100)
    await clock.advance(1000)
    expect([passing(4999, 'NETWORK'), passing(5000, 'NETWORK')]).toEqual([0, 100])
    surroundings.backlog = 0
    await clock.advance(1000)
    expect(passing(4999, 'NETWORK')).toBe(100)
  })

  it('reads the receive queues of our sockets as the kernel lists them', () => {
    const ours = new Set(
      ['127.0.0.1:5060', '[2001:db8::1]:5061'].map(text => kernelAddress(listenSocket(`udp:${text}`))),
    )
    expect([...ours]).toEqual(['0100007F:13C4', 'B80D0120000000000000000001000000:13C5'])
    const table = `
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   1: 0100007F:13C4 00000000:0000 07 00000000:00000200 00:00000000 00000000 0 0 1 2 3 0
   2: 0100007F:13C4 00000000:0000 0A 00000000:00000080 00:00000000 00000000 0 0 1 2 3 0
   3: 0200007F:13C4 00000000:0000 07 00000000:00000F00 00:00000000 00000000 0 0 1 2 3 0
   4: B80D0120000000000000000001000000:13C5 0:0 07 00000000:00000010 00:00000000 00000000 0 0 1 2 3 0
`
    expect(bytesIn(table, ours)).toBe(0x210)
    expect(bytesIn('', ours)).toBe(0)
  })

  it.runIf(process.platform === 'linux')('sees what waits on a real connection', async () => {
    const server = createServer({ pauseOnConnect: true })
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const accepted = new Promise<Socket>(resolve => void server.once('connection', resolve))
    const client = connect(port, '127.0.0.1', () => void client.write('hello'))
    const connection = await accepted
    onTestFinished(() => {
      client.destroy()
      connection.destroy()
      server.close()
    })
    const sockets = [listenSocket(`tcp:127.0.0.1:${port}`)]
    while ((await waitingBytes(sockets)) === 0);
    expect(await waitingBytes(sockets)).toBe(5)
    expect(await waitingBytes([listenSocket(`tcp:127.0.0.2:${port}`)])).toBe(0)
  })
})

describe('FEEDBACK', () => {
  it('refuses more and more while the load is above the target, and less when it falls', async () => {
    const { clock, passing, surroundings } = rig({ load: 0.9 })
    expect(passing(50, 'FEEDBACK')).toBe(100)
    await clock.advance(1000)
    expect(passing(50, 'FEEDBACK')).toBe(90)
    await clock.advance(1000)
    expect(passing(50, 'FEEDBACK')).toBe(80)
    surroundings.load = 0
    await clock.advance(5000)
    expect(passing(50, 'FEEDBACK')).toBe(100)
  })

  it('does not save up what it could have let pass', () => {
    const feedback = new Feedback()
    for (let i = 0; i < 1000; i++) expect(feedback.update(0.5, 0.1)).toBe(0)
    expect(feedback.update(0.5, 1)).toBe(12.5)
    expect(DEFAULT_GAINS).toEqual({ ki: -25, kp: 0, kd: 0 })
  })

  it('never refuses more than everything', () => {
    const feedback = new Feedback()
    for (let i = 0; i < 1000; i++) feedback.update(0.01, 1)
    expect(feedback.update(0.01, 1)).toBe(100)
  })

  it.each([0, 100, -5])('with limit %i passes and complains', limit => {
    const { passing, log } = rig({ load: 1 })
    expect(passing(limit, 'FEEDBACK')).toBe(100)
    expect(log.lines[0]).toContain('expected 1…99 per cent')
  })

  it('has one target for all pipes', () => {
    const { passing, log } = rig({ load: 1 })
    expect([passing(50, 'FEEDBACK', 'a'), passing(60, 'FEEDBACK', 'b')]).toEqual([100, 100])
    expect(log.lines[0]).toContain('share one limit')
  })

  it('measures a load from 0 to 1', () => {
    const load = new ProcessorLoad()
    load.read()
    const value = load.read()
    expect(value >= 0 && value <= 1).toBe(true)
  })
})
