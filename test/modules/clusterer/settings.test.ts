import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CLUSTERER_TABLE } from '../../../src/modules/clusterer/node-table.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { freePort } from '../../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { tableFile, tableFolder } from '../../support/table-files.ts'
import { until } from '../../support/until.ts'

async function start(script: string): Promise<ProxyUnderTest> {
  const proxy = await startProxy(`${script}\nroute { exit; }`, { clock: new VirtualClock() })
  onTestFinished(() => proxy.stop())
  return proxy
}

const LOADED = 'loadmodule "proto_bin.so"\nloadmodule "clusterer.so"\n'
const set = (name: string, value: string | number): string =>
  `modparam("clusterer", "${name}", ${typeof value === 'number' ? value : `"${value}"`})\n`
const ALONE = set('db_mode', 0) + set('my_node_id', 1)
const SELF = set('my_node_info', 'cluster_id=1, url=bin:127.0.0.1:5566')

describe('parameters', () => {
  it.each([
    ['no number of this node', set('db_mode', 0) + SELF, /my_node_id: expected a number over 0/],
    ['no cluster', ALONE, /my_node_info must be set with db_mode 0/],
    ['no cluster_id', ALONE + set('my_node_info', 'url=bin:127.0.0.1'), /my_node_info .*cluster_id/],
    ['no url', ALONE + set('my_node_info', 'cluster_id=1'), /expected url=bin:host:port/],
    ['an url of another kind', ALONE + set('my_node_info', 'cluster_id=1, url=udp:1.2.3.4'), /expected url=bin/],
    ['an unknown property', ALONE + set('my_node_info', 'cluster_id=1, colour=red'), /"colour=red" is unknown/],
    ['one cluster twice', ALONE + SELF + SELF, /stands twice in one cluster/],
    ['a node without number', ALONE + SELF + set('neighbor_node_info', 'cluster_id=1, url=bin:h'), /node_id/],
    [
      'a node elsewhere',
      ALONE + SELF + set('neighbor_node_info', 'cluster_id=2, node_id=2, url=bin:h'),
      /not in cluster 2/,
    ],
    ['a tag without state', ALONE + SELF + set('sharing_tag', 'vip/1'), /expected name\/cluster=active/],
    ['a tag elsewhere', ALONE + SELF + set('sharing_tag', 'vip/9=backup'), /not in that cluster/],
    ['no ping interval', ALONE + SELF + set('ping_interval', 0), /ping_interval: expected at least 1/],
    ['no database', set('my_node_id', 1), /db_url is not set/],
  ])('%s is refused', async (_, params, message) => {
    await expect(start(LOADED + params)).rejects.toThrow(message)
  })

  it('the number of 2.x and blanks around properties are understood', async () => {
    const params =
      set('db_mode', 0) + set('current_id', 4) + set('my_node_info', ' cluster_id = 2 , url = bin:127.0.0.1 ')
    const proxy = await start(LOADED + params)
    expect(await proxy.proxy.host.mi.call('clusterer_list_topology', {})).toEqual({
      Clusters: [{ cluster_id: 2, Nodes: [{ node_id: 4, Neighbours: [] }] }],
    })
  })

  it('a bin socket without proto_bin is an error that says so', async () => {
    await expect(start('socket=bin:127.0.0.1:5566')).rejects.toThrow('loadmodule "proto_bin.so" missing')
  })

  it('clusterer without proto_bin is refused', async () => {
    await expect(start(`loadmodule "clusterer.so"\n${ALONE}${SELF}`)).rejects.toThrow('proto_bin')
  })

  it('a socket that others can reach without a secret is warned of', async () => {
    const port = await freePort()
    const proxy = await start(`socket=bin:0.0.0.0:${port}\n${LOADED}${ALONE}${SELF}`)
    expect(proxy.log.some(line => line.includes('other machines can pose as nodes'))).toBe(true)
  })
})

describe('nodes in a database', () => {
  const row = (cluster_id: number, node_id: number, port: number, more: object = {}): object => ({
    cluster_id,
    node_id,
    url: `bin:127.0.0.1:${port}`,
    state: 1,
    no_ping_retries: 3,
    priority: 50,
    ...more,
  })

  async function startStored(): Promise<{
    readonly nodes: readonly ProxyUnderTest[]
    readonly rewrite: (rows: readonly object[]) => void
    readonly ports: readonly number[]
  }> {
    const ports = [await freePort(), await freePort()]
    const { folder, write } = tableFolder()
    write('version', 'table_name(str) table_version(int)\nclusterer:4\n')
    const rewrite = (rows: readonly object[]): void =>
      write('clusterer', tableFile(CLUSTERER_TABLE, rows as Parameters<typeof tableFile>[1]))
    rewrite([row(1, 1, ports[0]!), row(1, 2, ports[1]!, { description: 'second' }), row(7, 9, 5)])
    const script = (id: number): string =>
      `socket=bin:127.0.0.1:${ports[id - 1]}\nloadmodule "db_text.so"\nmodparam("db_text", "db_mode", 1)\n${LOADED}` +
      set('my_node_id', id) +
      set('db_url', `text://${join(folder)}`)
    return { nodes: [await start(script(1)), await start(script(2))], rewrite, ports }
  }
  const up = (node: ProxyUnderTest): number => node.proxy.host.stats.find('clusterer_nodes_up')?.read() ?? 0
  const list = (node: ProxyUnderTest): Promise<unknown> => node.proxy.host.mi.call('clusterer_list', {})

  it('are met as the table says; clusters of others are not joined', async () => {
    const { nodes, ports } = await startStored()
    await until(() => nodes.every(node => up(node) === 1))
    expect(await list(nodes[0]!)).toEqual({
      Clusters: [
        {
          cluster_id: 1,
          Nodes: [
            {
              node_id: 2,
              db_id: expect.any(Number),
              url: `bin:127.0.0.1:${ports[1]}`,
              link_state: 'Up',
              state: 'enabled',
              next_hop: '2',
              description: 'second',
            },
          ],
        },
      ],
    })
  })

  it('reload takes nodes in and out; who is not in the table is not listened to', async () => {
    const { nodes, rewrite, ports } = await startStored()
    const [one, two] = nodes as [ProxyUnderTest, ProxyUnderTest]
    await until(() => up(one) === 1 && up(two) === 1)
    rewrite([row(1, 1, ports[0]!)])
    await one.proxy.host.mi.call('clusterer_reload', {})
    await until(() => up(one) === 0 && up(two) === 0)
    rewrite([row(1, 1, ports[0]!), row(1, 2, ports[1]!)])
    await one.proxy.host.mi.call('clusterer_reload', {})
    await until(() => up(one) === 1)
  })

  it('a node that is not in the table cannot start', async () => {
    const { folder, write } = tableFolder()
    write('version', 'table_name(str) table_version(int)\nclusterer:4\n')
    write('clusterer', tableFile(CLUSTERER_TABLE, []))
    const script = `loadmodule "db_text.so"\n${LOADED}${set('my_node_id', 3)}${set('db_url', `text://${folder}`)}`
    await expect(start(script)).rejects.toThrow('has no row with node 3')
  })
})
