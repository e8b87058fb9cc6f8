import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isShareOf } from '../../src/cluster/spread.ts'
import { GATEWAYS_TABLE, RULES_TABLE } from '../../src/modules/drouting/tables.ts'
import { LOAD_BALANCER_TABLE } from '../../src/modules/load_balancer/table-source.ts'
import { startNode, startPair, type TestNode } from '../modules/clusterer/rig.ts'
import { startProxy } from '../support/running-proxy.ts'
import { tableFile, tableFolder } from '../support/table-files.ts'
import { gateways } from '../support/table-proxy.ts'
import { until } from '../support/until.ts'

type Params = Readonly<Record<string, number | string>>

/** Modules on tables of their own, all in cluster 1. */
function script(addresses: readonly string[], params: Params): string {
  const { folder, write } = tableFolder()
  write('version', 'table_name(string) table_version(int)\nload_balancer:3\ndr_gateways:6\ndr_rules:4\n')
  write('list', addresses.map(address => `1 ${address}\n`).join(''))
  write(
    'load_balancer',
    tableFile(
      LOAD_BALANCER_TABLE,
      addresses.map(address => ({ group_id: 1, dst_uri: address, resources: 'pstn=5', probe_mode: 2 })),
    ),
  )
  write(
    'dr_gateways',
    tableFile(
      GATEWAYS_TABLE,
      addresses.map((address, i) => ({ gwid: `gw${i + 1}`, address, probe_mode: 2 })),
    ),
  )
  write('dr_rules', tableFile(RULES_TABLE, []))
  write('dr_carriers', 'id(int,auto) carrierid(string) gwlist(string) flags(int) state(int)\n')
  write('dr_groups', 'id(int,auto) username(string) domain(string) groupid(int)\n')
  const both = ['dispatcher', 'drouting']
  const given = Object.entries(params).flatMap(([name, value]) =>
    both.map(module => `modparam("${module}", "${name}", ${typeof value === 'string' ? `"${value}"` : value})`),
  )
  return `
modparam("clusterer", "sharing_tag", "vip/1=backup")
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "dialog.so"
loadmodule "db_text.so"
loadmodule "dispatcher.so"
loadmodule "load_balancer.so"
loadmodule "drouting.so"
modparam("load_balancer", "db_url", "text://${folder}")
modparam("drouting", "db_url", "text://${folder}")
modparam("dispatcher", "list_file", "${folder}/list")
modparam("dispatcher", "cluster_id", 1)
modparam("dispatcher", "ds_ping_interval", 10)
modparam("dispatcher", "ds_probing_mode", 1)
modparam("load_balancer", "cluster_id", 1)
modparam("load_balancer", "probing_interval", 0)
modparam("drouting", "cluster_id", 1)
modparam("drouting", "probing_interval", 0)
${given.join('\n')}`
}

/** The status events of a node from now on, without their cluster's. */
function eventsOf(node: TestNode): Record<string, unknown>[] {
  const events: Record<string, unknown>[] = []
  node.proxy.proxy.host.bus.tail((event, subscription) => {
    const names = event.names ?? []
    if (subscription === null && /_STATUS$/.test(event.name))
      events.push(Object.fromEntries(names.map((name, i) => [name, event.values[i]])))
  })
  return events
}

describe('work that several nodes share', () => {
  it('is spread over all of them, each piece to one', () => {
    const texts = Array.from({ length: 300 }, (_, i) => `sip:user${i}@192.0.2.1`)
    const shares = [1, 2, 7].map(node => {
      const others = [7, 1, 2].filter(other => other !== node)
      return texts.filter(text => isShareOf(node, others, text))
    })
    expect(shares.flat().toSorted()).toEqual(texts.toSorted())
    expect(shares.every(({ length }) => length > 50)).toBe(true)
  })
})

describe('states that the nodes of a cluster share', () => {
  it('what is switched off at one is at the other, with an event that says where from', async () => {
    const [gateway] = await gateways('gw')
    const address = gateway!.address
    const [one, two] = await startPair({ script: script([address], {}) })
    const events = eventsOf(two)
    await one.mi('ds_set_state', { state: 'i', group: '1', address })
    await one.mi('dr_gw_status', { gw_id: 'gw1', status: 0 })
    await one.mi('lb_status', { destination_id: 1, new_status: 0 })
    await until(() => events.length === 3)
    expect(events).toEqual([
      { group: 1, address, status: 'inactive', reason: 'replicated info' },
      { partition: 'Default', gwid: 'gw1', address, status: 'disabled MI', reason: 'replicated info' },
      { group: 1, uri: address, status: 'disabled' },
    ])
    expect(JSON.stringify([await two.mi('ds_list'), await two.mi('lb_list')])).toMatch(
      /"state":"Inactive".*"enabled":"no","auto-reenable":"off"/,
    )
    await two.mi('ds_set_state', { state: 'a', group: '1', address })
    while (JSON.stringify(await one.mi('ds_list')).includes('Inactive')) await turn()
    expect(events).toHaveLength(4)
  })

  it('a node that starts takes over what the others have found', async () => {
    const [gateway] = await gateways('gw')
    const text = script([gateway!.address], {})
    const seed = await startNode(1, { script: text, properties: ', flags=seed' })
    await seed.clock.advance(5_000)
    await seed.mi('ds_set_state', { state: 'i', group: '1', address: gateway!.address })
    const late = await startNode(2, { script: text, neighbours: [[1, seed.binPort]] })
    while (!JSON.stringify(await late.mi('ds_list')).includes('Inactive')) await turn()
  })

  it('each destination is probed by one node: its share, or that of the tag', async () => {
    const opened = await gateways(...Array.from({ length: 8 }, (_, i) => `gw${i}`))
    const addresses = opened.map(({ address }) => address)
    const probed = async (nodes: readonly TestNode[]) => {
      for (const node of nodes) await node.clock.advance(10_000)
      const probes = await Promise.all(opened.map(gateway => gateway.nextRequest('OPTIONS')))
      return probes.map(probe => probe.topVia?.port)
    }
    const spread = await startPair({ script: script(addresses, { cluster_probing_mode: 'distributed' }) })
    const ports = spread.map(({ proxy }) => proxy.port)
    expect((await probed(spread)).filter(port => port === undefined || !ports.includes(port))).toEqual([])
    expect(opened.map(gateway => gateway.count({ method: 'OPTIONS' }))).toEqual(opened.map(() => 1))
    for (const node of spread) await node.stop()
    const params = { cluster_probing_mode: 'by-shtag', cluster_sharing_tag: 'vip' }
    const tagged = await startPair({ script: script(addresses, params) })
    await tagged[1].mi('clusterer_shtag_set_active', { tag: 'vip/1' })
    expect(await probed(tagged)).toEqual(opened.map(() => tagged[1].proxy.port))
  })

  it.each([
    ['modparam("dispatcher", "cluster_id", 1)', 'is a loadmodule "clusterer.so" missing?'],
    ['modparam("dispatcher", "cluster_probing_mode", "some")', 'expected all, by-shtag, distributed'],
  ])('%s by itself stops the start', async (param, fault) => {
    const { folder, write } = tableFolder()
    write('list', '1 sip:127.0.0.1:5070\n')
    const alone = `loadmodule "tm.so"\nloadmodule "dispatcher.so"\nmodparam("dispatcher", "list_file", "${folder}/list")`
    await expect(startProxy(`${alone}\n${param}\nroute { exit; }`)).rejects.toThrow(fault)
  })
})
