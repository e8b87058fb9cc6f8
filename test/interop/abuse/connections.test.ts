import { describe, expect, it } from 'vitest'
import { roundTrip, Stream, until } from '../scenarios/rig.ts'
import { startAbused } from './abuse-rig.ts'
import { expectAsBefore } from './census.ts'

const OPTIONS =
  'OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n' +
  'Call-ID: x\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n'

describe('TCP peers that do harm', () => {
  it('one byte a second: closed four seconds after the first byte, nothing answered, counted', async () => {
    const proxy = await startAbused()
    const stream = await Stream.open(proxy.sip)
    await until(() => proxy.proxy.host.network.connections.size === 1)
    const [connection] = proxy.proxy.host.network.connections.all()
    for (let at = 0; at < 4; at++) {
      stream.write(OPTIONS.charAt(at))
      await until(() => (connection?.receivedBytes ?? 0) > at)
      await proxy.clock.advance(1000)
    }
    await until(() => stream.isClosed)
    expect(stream.text).toBe('')
    expect(proxy.stat('net:tcp_broken')).toBe(1)
    expect(proxy.stat('rcv_requests')).toBe(0)
    await expectAsBefore(proxy, proxy.before)
  })

  it('one that never reads: what waits for it stays below a megabyte, then it is closed and counted', async () => {
    const proxy = await startAbused()
    const stream = await Stream.open(proxy.sip)
    stream.pause()
    const many = OPTIONS.repeat(500)
    let most = 0
    for (let round = 0; round < 400 && !stream.isClosed && proxy.stat('net:tcp_unread') === 0; round++) {
      const answered = proxy.stat('rcv_requests') ?? 0
      stream.write(many)
      await until(() => (proxy.stat('rcv_requests') ?? 0) > answered || proxy.stat('net:tcp_unread') === 1)
      most = Math.max(most, proxy.stat('net:waiting_tcp') ?? 0)
    }
    await until(() => proxy.stat('net:tcp_unread') === 1)
    expect(most).toBeLessThanOrEqual(1_048_576)
    stream.close()
    await expectAsBefore(proxy, proxy.before)
  })

  it('connections that stay silent: closed when idle, and no more than tcp_max_connections are let in', async () => {
    const proxy = await startAbused('', 'tcp_max_connections=20')
    const streams: Stream[] = []
    for (let i = 0; i < 25; i++) streams.push(await Stream.open(proxy.sip))
    await until(() => proxy.stat('net:tcp_refused') === 5)
    expect(proxy.proxy.host.network.connections.size).toBe(20)
    // Who comes over UDP is served meanwhile.
    await roundTrip(proxy.caller, proxy.sip)
    await proxy.clock.advance(120_000)
    await until(() => streams.every(stream => stream.isClosed))
    await expectAsBefore(proxy, proxy.before)
  })

  it('connections that come and go at once leave nothing', async () => {
    const proxy = await startAbused()
    for (let i = 0; i < 200; i++) {
      const stream = await Stream.open(proxy.sip)
      if (i % 2 === 0) stream.write(OPTIONS.slice(0, i))
      stream.close()
    }
    await expectAsBefore(proxy, proxy.before)
  })
})
