import { onTestFinished } from 'vitest'
import type { Clock } from '../../../src/util/clock.ts'
import { type DatagramPeer, udpPeer } from '../../conformance/datagram-peers.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'

/** A running proxy whose script raises events when it gets a request, and a UDP subscriber. */
export interface EventRig {
  readonly proxy: ProxyUnderTest
  readonly peer: DatagramPeer
  /** Sends an OPTIONS to a user; gives the status answered. */
  request(user?: string, headers?: string): Promise<number>
  /** Everything raised so far has had its outcome. */
  settled(): Promise<void>
  /** What the script logged by `xlog("said …")`, from there on. */
  logged(): string[]
  /** Payloads that arrived, once there are so many. */
  payloads(count: number): Promise<string[]>
}

const HEAD = `
log_level=3
loadmodule "sl.so"
loadmodule "sipmsgops.so"
loadmodule "event_datagram.so"
loadmodule "event_flatstore.so"
loadmodule "event_xmlrpc.so"
loadmodule "event_rabbitmq.so"
loadmodule "event_virtual.so"
`

/**
 * Starts a proxy for one test. In the script `@UDP@` is the socket of the subscriber. `head` replaces the modules; `settings`
 * stand before them.
 */
export async function eventRig(
  script: string,
  { clock, settings = '', head = HEAD }: { clock?: Clock; settings?: string; head?: string } = {},
): Promise<EventRig> {
  const peer = await udpPeer()
  onTestFinished(() => peer.close())
  const text = `${settings}\n${head}\n${script}`.replaceAll('@UDP@', peer.socket)
  const proxy = await startProxy(text, clock === undefined ? {} : { clock })
  onTestFinished(async () => {
    // What waits for an absent subscriber would be waited for until the end.
    await proxy.proxy.stop(AbortSignal.timeout(100))
    await proxy.stop()
  })
  const { bus } = proxy.proxy.host
  return {
    proxy,
    peer,
    request: async (user = 'x', headers = '') => {
      const ua = await SipUa.open('script')
      ua.request('OPTIONS', proxy.port, { uri: `sip:${user}@127.0.0.1`, headers })
      await expectReply(ua)
      return ua.received[0]?.status ?? 0
    },
    settled: async () => {
      await Promise.all(bus.subscriptions().map(subscription => subscription.whenIdle()))
    },
    logged: () => proxy.log.flatMap(line => /\] \w+:said (.*)$/s.exec(line.trimEnd())?.[1] ?? []),
    payloads: async count => {
      await peer.arrived(count)
      return peer.payloads.map(String)
    },
  }
}

async function expectReply(ua: SipUa): Promise<void> {
  while (ua.received.length === 0) await new Promise(resolve => setTimeout(resolve, 1))
}
