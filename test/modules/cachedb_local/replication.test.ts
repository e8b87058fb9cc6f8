import { describe, expect, it } from 'vitest'
import { freePort } from '../../support/ports.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { joined, startNode, startPair, type TestNode } from '../clusterer/rig.ts'

const SHARED = `
loadmodule "cachedb_local.so"
modparam("cachedb_local", "cluster_id", 1)
modparam("cachedb_local", "cache_collections", "common/r=5; own")
modparam("cachedb_local", "cachedb_url", "local:common:///common")
modparam("cachedb_local", "cachedb_url", "local:own:///own")
`

const store = (node: TestNode, attr: string, value: string, expire = 0, system = 'local:common'): Promise<unknown> =>
  node.mi('cache_store', { system, attr, value, ...(expire === 0 ? {} : { expire }) })
const values = async (node: TestNode, collection = 'common'): Promise<readonly string[]> => {
  const { keys } = (await node.mi('cache_fetch_chunk', { glob: '*', collection })) as {
    keys: readonly { name: string; value: string }[]
  }
  return keys.map(({ name, value }) => `${name}=${value}`)
}
/** Asks a node until it has these values. */
async function holds(node: TestNode, wanted: readonly string[]): Promise<void> {
  while ((await values(node)).join() !== wanted.join()) await new Promise(resolve => setImmediate(resolve))
}
const synced = async (node: TestNode): Promise<unknown> => JSON.stringify(await node.mi('clusterer_list_cap'))

describe('collections of a cluster', () => {
  it('what one node stores and removes the other has and has not; other collections are its own', async () => {
    const [one, two] = await startPair({ script: SHARED })
    await store(one, 'a', '1')
    await store(one, 'b', 'two: "x"')
    await store(one, 'c', '3', 0, 'local:own')
    await holds(two, ['a=1', 'b=two: "x"'])
    await two.mi('cache_remove', { system: 'local:common', attr: 'a' })
    await holds(one, ['b=two: "x"'])
    await one.mi('cache_remove_chunk', { glob: 'b*', collection: 'common' })
    await holds(two, [])
    expect(await values(two, 'own')).toEqual([])
  })

  it('values expire on every node', async () => {
    const [one, two] = await startPair({ script: SHARED })
    await store(one, 'short', 'x', 30)
    await store(one, 'long', 'y')
    await holds(two, ['short=x', 'long=y'])
    await two.clock.advance(30_000)
    expect(await values(two)).toEqual(['long=y'])
  })

  it('what both nodes add is added up', async () => {
    const script = `${SHARED}
      loadmodule "sl.so"
      route { cache_add("local:common", "n", 5, 0, $var(n)); sl_send_reply(200, "$var(n)"); }`
    const [one, two] = await startPair({ script })
    const ua = await SipUa.open('ua')
    for (const node of [one, two]) {
      ua.request('MESSAGE', node.proxy.port)
      await ua.nextReply(200)
    }
    await holds(one, ['n=10'])
    await holds(two, ['n=10'])
  })

  it('a node that starts gets what a seed node has, in many parts', async () => {
    const small = `${SHARED}modparam("clusterer", "sync_packet_size", 200)\n`
    const seed = await startNode(1, { script: small, properties: ', flags=seed' })
    const names = Array.from({ length: 100 }, (_, i) => `key${i}`)
    for (const name of names) await store(seed, name, `value of ${name}`)
    expect(await synced(seed)).toContain('not synced')
    await seed.clock.advance(5_000)
    expect(await synced(seed)).toContain('"state":"Ok"')
    const late = await startNode(2, { script: small, neighbours: [[1, seed.binPort]] })
    await joined(seed, late)
    await holds(
      late,
      names.map(name => `${name}=value of ${name}`),
    )
    while (!String(await synced(late)).includes('"state":"Ok"')) await new Promise(resolve => setImmediate(resolve))
  })

  it('a node that has nothing yet is not asked twice; it is when it has become a donor', async () => {
    const [first, second] = [await freePort(), await freePort()]
    const seed = await startNode(1, {
      script: SHARED,
      binPort: first,
      neighbours: [[2, second]],
      properties: ', flags=seed',
    })
    const other = await startNode(2, { script: SHARED, binPort: second, neighbours: [[1, first]] })
    await joined(seed, other)
    expect(await synced(other)).toContain('not synced')
    await seed.clock.advance(5_000)
    while (!String(await synced(other)).includes('"state":"Ok"')) await new Promise(resolve => setImmediate(resolve))
  })

  it('with cluster_persistency none a node begins empty', async () => {
    const script = `${SHARED}modparam("cachedb_local", "cluster_persistency", "none")\n`
    const [one, two] = await startPair({ script })
    expect(await synced(two)).toContain('"name":"cachedb-local-repl","state":"Ok"')
    await store(one, 'a', '1')
    await holds(two, ['a=1'])
  })

  it('a node whose capability is disabled shares nothing', async () => {
    const [one, two] = await startPair({ script: SHARED })
    const disable = { cluster_id: 1, capability: 'cachedb-local-repl', status: 0 }
    await one.mi('clusterer_set_cap_status', disable)
    await store(one, 'a', '1')
    await one.mi('clusterer_set_cap_status', { ...disable, status: 1 })
    await store(one, 'b', '2')
    await holds(two, ['b=2'])
  })

  it.each([
    ['without clusterer', SHARED, /clusterer.so/],
    [
      'without a marked collection',
      'loadmodule "cachedb_local.so"\nmodparam("cachedb_local", "cluster_id", 1)',
      /"\/r"/,
    ],
    ['in a cluster this node is not in', SHARED.replace('"cluster_id", 1', '"cluster_id", 3'), /cluster 3/],
    [
      'with another persistency',
      `${SHARED}modparam("cachedb_local", "cluster_persistency", "x")`,
      /cluster_persistency/,
    ],
  ])('%s it is refused', async (name, script, message) => {
    if (name === 'without clusterer') {
      await expect(startProxy(`${script}\nroute { exit; }`)).rejects.toThrow(message)
    } else await expect(startNode(1, { script })).rejects.toThrow(message)
  })
})
