import { describe, expect, it } from 'vitest'
import { jsonRpc } from '../../../src/events/json-rpc.ts'
import { parseReplica } from '../../../src/modules/usrloc/replica-message.ts'
import { freePort } from '../../support/ports.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'
import { joined, startNode, startPair, type TestNode } from '../clusterer/rig.ts'

const SHARED = `
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
modparam("usrloc", "location_cluster", 1)
modparam("usrloc", "working_mode_preset", "full-sharing-cluster")
modparam("usrloc", "nat_bflag", "NAT")
modparam("usrloc", "mi_dump_kv_store", 1)
modparam("nathelper", "natping_interval", 2)
modparam("nathelper", "sipping_bflag", "SIPPING")
modparam("nathelper", "sipping_from", "sip:pinger@example.org")
route {
  if ($rm == "REGISTER") { setbflag("NAT"); setbflag("SIPPING"); save("location", "", , $hdr(X-Tag)); exit; }
  if ($rm == "MESSAGE") { ul_add_key("location", "bob@127.0.0.1", "k", "v"); sl_send_reply(200, "OK"); exit; }
  if (lookup("location")) sl_send_reply(200, "$ru"); else sl_send_reply(404, "Nobody");
}`
const AOR = { table_name: 'location', aor: 'bob@127.0.0.1' }

interface Registering {
  readonly contact: string
  readonly cseq?: number
  readonly expires?: number
  readonly tag?: string
}

async function register(phone: SipUa, node: TestNode, { contact, cseq = 1, expires = 600, tag = '' }: Registering) {
  const headers = `X-Tag: ${tag}\r\nContact: <${contact}>;expires=${expires}\r\n`
  const text = phone
    .makeRequest('REGISTER', { callId: 'phone-1', cseq, headers })
    .replace(/Contact: <sip:bob@[^>]*>\r\n/, '')
  phone.send(text, node.proxy.port)
  await phone.nextReply(200)
}

/** The contacts of bob that a node lists. */
async function contacts(node: TestNode): Promise<readonly Record<string, unknown>[]> {
  try {
    return ((await node.mi('ul_show_contact', AOR)) as { Contacts: readonly Record<string, unknown>[] }).Contacts
  } catch {
    return []
  }
}
const uris = async (node: TestNode): Promise<string> => (await contacts(node)).map(({ Contact }) => Contact).join()
/** Asks a node until it has these contacts. */
async function holds(node: TestNode, wanted: string): Promise<void> {
  while ((await uris(node)) !== wanted) await new Promise(resolve => setImmediate(resolve))
}

/** The events of usrloc on a node from now on. */
function eventsOf(node: TestNode): string[] {
  const events: string[] = []
  node.proxy.proxy.host.bus.tail((event, subscription) => {
    if (subscription === null && event.name.startsWith('E_UL')) events.push(jsonRpc.encode(event).toString())
  })
  return events
}
const names = (events: readonly string[]): readonly string[] => events.map(event => JSON.parse(event).method)

describe('locations of a cluster', () => {
  it('what is registered at one node is found at the other, with its events; removals too', async () => {
    const [one, two] = await startPair({ script: SHARED })
    const events = eventsOf(two)
    const bob = await SipUa.open('bob')
    await register(bob, one, { contact: 'sip:bob@192.0.2.1', tag: 'vip' })
    await holds(two, 'sip:bob@192.0.2.1')
    bob.request('OPTIONS', two.proxy.port)
    expect((await bob.nextReply(200)).reason).toBe('sip:bob@192.0.2.1')
    const [[mine], [theirs]] = [await contacts(one), await contacts(two)]
    expect(theirs).toEqual({ ...mine, Socket: undefined })
    await register(bob, two, { contact: 'sip:bob@192.0.2.1', cseq: 2, expires: 0 })
    await holds(one, '')
    expect(names(events)).toEqual(['E_UL_AOR_INSERT', 'E_UL_CONTACT_INSERT', 'E_UL_CONTACT_DELETE', 'E_UL_AOR_DELETE'])
    expect(JSON.parse(events[1] ?? '').params).toMatchObject({ uri: 'sip:bob@192.0.2.1', bflags: 3, shtag: 'vip' })
  })

  it('a refresh at the other node is an update of the same contact, and its values go along', async () => {
    const [one, two] = await startPair({ script: SHARED })
    const events = eventsOf(one)
    const bob = await SipUa.open('bob')
    await register(bob, one, { contact: 'sip:bob@192.0.2.1' })
    await holds(two, 'sip:bob@192.0.2.1')
    await register(bob, two, { contact: 'sip:bob@192.0.2.1', cseq: 2, expires: 900 })
    bob.request('MESSAGE', two.proxy.port)
    await bob.nextReply(200, 'MESSAGE')
    await until(() => names(events).includes('E_UL_CONTACT_UPDATE'))
    expect(await contacts(one)).toMatchObject([
      { Cseq: 2, Expires: 900, ContactID: (await contacts(two))[0]?.['ContactID'] },
    ])
    while (!JSON.stringify(await one.mi('ul_show_contact', AOR)).includes('"KV":{"k":"v"}'))
      await new Promise(resolve => setImmediate(resolve))
  })

  it('contacts expire on each node by themselves', async () => {
    const [one, two] = await startPair({ script: SHARED })
    const bob = await SipUa.open('bob')
    await register(bob, one, { contact: 'sip:bob@192.0.2.1', expires: 60 })
    await holds(two, 'sip:bob@192.0.2.1')
    const events = eventsOf(two)
    await two.clock.advance(120_000)
    expect([names(events), await uris(one)]).toEqual([['E_UL_CONTACT_DELETE', 'E_UL_AOR_DELETE'], 'sip:bob@192.0.2.1'])
  })

  it('a node that starts gets the contacts there are; one that was cut off what it has missed', async () => {
    const [first, second] = [await freePort(), await freePort()]
    const seed = await startNode(1, {
      script: SHARED,
      binPort: first,
      properties: ', flags=seed',
      neighbours: [[2, second]],
    })
    const bob = await SipUa.open('bob')
    await register(bob, seed, { contact: 'sip:bob@192.0.2.1' })
    await seed.clock.advance(5_000)
    const late = await startNode(2, { script: SHARED, binPort: second, neighbours: [[1, first]] })
    await joined(seed, late)
    await holds(late, 'sip:bob@192.0.2.1')
    await late.mi('clusterer_set_status', { cluster_id: 1, status: 0 })
    await until(() => seed.up === 0 && late.up === 0)
    await register(bob, seed, { contact: 'sip:bob@192.0.2.2', cseq: 2 })
    await register(bob, seed, { contact: 'sip:bob@192.0.2.1', cseq: 3, expires: 0 })
    expect(await uris(late)).toBe('sip:bob@192.0.2.1')
    await late.mi('clusterer_set_status', { cluster_id: 1, status: 1 })
    await joined(seed, late)
    await holds(late, 'sip:bob@192.0.2.2')
    expect(await late.mi('ul_cluster_sync')).toBe('OK')
  })

  it('of two nodes each pings its part, or the one that owns the tag', async () => {
    const [one, two] = await startPair({ script: SHARED })
    const phones = await Promise.all(Array.from({ length: 8 }, (_, i) => SipUa.open(`bob${i}`)))
    for (const [i, phone] of phones.entries()) await register(phone, one, { contact: phone.uri, cseq: i + 1 })
    await holds(two, phones.map(({ uri }) => uri).join())
    await one.clock.advance(2_000)
    await two.clock.advance(2_000)
    const pings = await Promise.all(phones.map(phone => phone.nextRequest('OPTIONS')))
    const nodes = [one.proxy.port, two.proxy.port]
    expect(pings.filter(ping => !nodes.includes(ping.topVia?.port ?? 0))).toEqual([])
    expect(phones.map(phone => phone.count({ method: 'OPTIONS' }))).toEqual(phones.map(() => 1))
  })

  it('by ownership the node that is active for the tag of a contact pings it', async () => {
    const script = `modparam("clusterer", "sharing_tag", "vip/1=backup")
      ${SHARED}
      modparam("usrloc", "pinging_mode", "ownership")`
    const [one, two] = await startPair({ script })
    await two.mi('clusterer_shtag_set_active', { tag: 'vip/1' })
    const phones = await Promise.all(Array.from({ length: 4 }, (_, i) => SipUa.open(`bob${i}`)))
    for (const [i, phone] of phones.entries())
      await register(phone, one, { contact: phone.uri, cseq: i + 1, tag: 'vip' })
    await holds(two, phones.map(({ uri }) => uri).join())
    await one.clock.advance(2_000)
    await two.clock.advance(2_000)
    const pings = await Promise.all(phones.map(phone => phone.nextRequest('OPTIONS')))
    expect(pings.map(ping => ping.topVia?.port)).toEqual(phones.map(() => two.proxy.port))
  })

  it.each([
    [null],
    ['put'],
    [[]],
    [{ op: 'put', domain: 'location' }],
    [{ op: 'put', domain: 'location', aor: 'bob', id: 'x', uri: 'sip:a@b' }],
    [{ op: 'put', domain: 'location', aor: 'bob', id: 1 }],
    [{ op: 'key', domain: 'location', aor: 'bob' }],
    [{ op: 'other', domain: 'location', aor: 'bob' }],
  ])('%j of another node is passed over', body => {
    const names = { flagNames: () => '', flagMask: () => 0, findSocket: () => null }
    expect(parseReplica(body, names)).toBe(null)
  })

  it('sharing without clusterer, or without the number of the cluster, stops the start', async () => {
    const alone = `loadmodule "usrloc.so"\nmodparam("usrloc", "cluster_mode", "full-sharing")\nroute { exit; }`
    await expect(startProxy(alone)).rejects.toThrow('clusterer.so')
    const script = SHARED.replace('"location_cluster", 1', '"location_cluster", 0')
    await expect(startNode(1, { script })).rejects.toThrow('location_cluster')
  })
})
