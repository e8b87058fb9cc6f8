import { describe, expect, it, onTestFinished } from 'vitest'
import { eventRig } from '../../interop/events/event-rig.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { HttpPeer } from './http-peer.ts'

const HEAD = `
loadmodule "sl.so"
loadmodule "sipmsgops.so"
loadmodule "event_http.so"
loadmodule "event_virtual.so"
`
const script = (socket: string): string => `
startup_route { subscribe_event("E_X", "${socket}"); }
route { $avp(v) = "a"; raise_event("E_X", , $avp(v)); sl_send_reply(200, "OK"); }`

async function peerWith(...options: Parameters<typeof HttpPeer.open>): Promise<HttpPeer> {
  const peer = await HttpPeer.open(...options)
  onTestFinished(() => peer.close())
  return peer
}

describe('a script that loads event_http', () => {
  it('posts events to a plain URL', async () => {
    const peer = await peerWith()
    const rig = await eventRig(script(`http://127.0.0.1:${peer.port}/hook`), { head: HEAD })
    expect(await rig.request()).toBe(200)
    await rig.settled()
    const [request] = peer.requests.all
    expect(request?.body).toBe('{"jsonrpc":"2.0","method":"E_X","params":["a"]}')
    const [subscription] = rig.proxy.proxy.host.bus.subscriptions()
    expect(subscription?.counters).toMatchObject({ delivered: 1, failed: 0, retried: 0 })
  })

  it('tries again what the receiver was too busy for, after the time it asked for', async () => {
    const askedMs: number[] = []
    const peer = await peerWith(response => {
      const isFirst = askedMs.push(performance.now()) === 1
      response.writeHead(isFirst ? 503 : 200, isFirst ? { 'retry-after': '1' } : {}).end()
    })
    const rig = await eventRig(script(peer.socket), { head: HEAD })
    await rig.request()
    await rig.settled()
    // Only the least is certain.
    const [firstMs = 0, secondMs = 0] = askedMs
    expect(secondMs - firstMs).toBeGreaterThan(990)
    const ids = peer.requests.all.map(({ headers }) => headers['webhook-id'])
    expect(ids).toEqual([ids[0], ids[0]])
    const [subscription] = rig.proxy.proxy.host.bus.subscriptions()
    expect(subscription?.counters).toMatchObject({ delivered: 1, retried: 1, maybeDuplicate: 0 })
  })

  it('keeps what a receiver refuses for good as a dead letter', async () => {
    const peer = await peerWith(response => void response.writeHead(410).end())
    const rig = await eventRig(script(peer.socket), { head: HEAD })
    await rig.request()
    await rig.settled()
    const { bus } = rig.proxy.proxy.host
    expect(bus.subscriptions()[0]?.counters).toMatchObject({ delivered: 0, failed: 1 })
    expect(peer.requests.all).toHaveLength(1)
  })

  it('can have a second receiver for when the first fails', async () => {
    const [first, second] = [await peerWith(response => void response.writeHead(500).end()), await peerWith()]
    const rig = await eventRig(script(`virtual:FAILOVER ${first.socket} ${second.socket}`), { head: HEAD })
    await rig.request()
    await rig.settled()
    expect(second.requests.all).toHaveLength(1)
  })

  it('trusts whom its TLS domain trusts, and signs with a secret of its own', async () => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('receiver', 'IP:127.0.0.1')
    const peer = await peerWith(undefined, '#tls_domain=hook&secret=ours', { cert, key })
    const head = `${HEAD}
    loadmodule "proto_tls.so"
    loadmodule "tls_mgm.so"
    modparam("tls_mgm", "client_domain", "hook")
    modparam("tls_mgm", "verify_cert", "[hook]1")
    modparam("tls_mgm", "ca_list", "[hook]${authority.caFile}")
    modparam("event_http", "secret", "ours whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    modparam("event_http", "connect_timeout", 10000)`
    const rig = await eventRig(script(peer.socket), { head })
    await rig.request()
    await rig.settled()
    expect(peer.requests.all[0]?.headers['webhook-signature']).toMatch(/^v1,/)
    expect(rig.proxy.log.join('')).not.toContain('whsec_')
  })
})
