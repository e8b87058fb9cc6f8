import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SqliteDriver } from '../../../src/db/sqlite/sqlite-driver.ts'
import { DISPATCHER_TABLE } from '../../../src/modules/dispatcher/table-source.ts'
import { openDatabase } from '../../conformance/database.ts'
import { roundTrip } from '../../interop/scenarios/rig.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf, type SipUa } from '../../support/sip-ua.ts'
import { farm, type GatewayRow, gateways, tableOf } from './rig.ts'

const ROUTES = 'route { exit; }'
const status = (address: string, is: string, reason: string) =>
  `{"jsonrpc":"2.0","method":"E_DISPATCHER_STATUS","params":{"group":1,"address":"${address}","status":"${is}","reason":"${reason}"}}`

/** A farm of one gateway. */
async function single(params: Readonly<Record<string, string | number>>, row: Partial<GatewayRow> = {}, global = '') {
  const [gateway] = (await gateways('gateway')) as [Awaited<ReturnType<typeof gateways>>[number]]
  const proxy = await farm({
    rows: [{ uri: gateway.address, ...row }],
    params: { ds_ping_interval: 10, ...params },
    routes: ROUTES,
    global,
  })
  const state = async () => /"state":"(\w+)"/.exec(JSON.stringify(await proxy.mi('ds_list')))?.[1]
  const set = (letter: string) => proxy.mi('ds_set_state', [letter, '1', gateway.address])
  /** Lets the next round of probes come, answers the one of this gateway, and waits until the proxy has got the answer. */
  const round = async (code: number) => {
    await proxy.clock.advance(10_000)
    gateway.reply(await gateway.nextRequest('OPTIONS'), code, 'Whatever')
    await roundTrip(gateway, proxy.port)
  }
  return { ...proxy, gateway, state, set, round }
}
/** How many probes have come. */
const probes = (gateway: SipUa) => gateway.count({ method: 'OPTIONS' })

describe('probing', () => {
  it('in mode 0 asks only what failed, until it answers', async () => {
    const one = await single({ ds_probing_mode: 0, ds_probing_threshold: 1 })
    await one.clock.advance(30_000)
    expect(probes(one.gateway)).toBe(0)
    await one.set('p')
    expect(one.raised()).toEqual([status(one.gateway.address, 'inactive', 'MI command')])
    await one.round(500)
    await one.round(200)
    await expect.poll(one.state).toBe('Active')
    expect(one.raised()).toEqual([status(one.gateway.address, 'active', '200 OK probing reply')])
    await one.clock.advance(30_000)
    expect(probes(one.gateway)).toBe(2)
  })

  it('in mode 1 takes out of service at the threshold; a good answer in between starts the count again', async () => {
    const one = await single({ ds_probing_mode: 1, ds_probing_threshold: 2 })
    for (const code of [500, 200, 404, 200, 503]) await one.round(code)
    expect([await one.state(), one.raised()]).toEqual(['Active', []])
    await one.round(503)
    await expect.poll(one.state).toBe('Probing')
    expect(one.raised()).toEqual([status(one.gateway.address, 'inactive', 'negative probing reply')])
    await one.round(503)
    await one.round(200)
    await expect.poll(one.state).toBe('Active')
    expect(one.raised()).toHaveLength(1)
  })

  it('probe_mode 1 of a row does so for its destination', async () => {
    const one = await single({ ds_probing_mode: 0, ds_probing_threshold: 1 }, { probeMode: 1 })
    await one.round(500)
    await expect.poll(one.state).toBe('Probing')
  })

  it('options_reply_codes count as 200 does', async () => {
    const one = await single({ ds_probing_threshold: 1, options_reply_codes: '501, 404' }, { state: 2 })
    await one.round(404)
    await expect.poll(one.state).toBe('Active')
    expect(one.raised()).toEqual([status(one.gateway.address, 'active', '404 probing reply')])
  })

  it('nobody answering is a failure, and so is what cannot be sent', async () => {
    const silent = await single({ ds_probing_mode: 1, ds_probing_threshold: 1 })
    await silent.clock.advance(11_500)
    expect(silent.raised()).toEqual([status(silent.gateway.address, 'inactive', 'negative probing reply')])
    const address = 'sip:127.0.0.1:9;transport=tls'
    const proxy = await farm({
      rows: [{ uri: address }],
      params: { ds_ping_interval: 10, ds_probing_mode: 1, ds_probing_threshold: 1 },
      routes: ROUTES,
    })
    await proxy.clock.advance(10_000)
    expect(proxy.raised()).toEqual([status(address, 'inactive', 'failed to send probe')])
  })

  it('what is inactive is not asked, and an answer that comes late does not undo that', async () => {
    const one = await single({ ds_probing_mode: 1 })
    await one.clock.advance(10_000)
    const probe = await one.gateway.nextRequest('OPTIONS')
    await one.set('i')
    one.gateway.reply(probe, 200, 'OK')
    await roundTrip(one.gateway, one.port)
    await one.clock.advance(30_000)
    expect([await one.state(), probes(one.gateway)]).toEqual(['Inactive', 1])
    await one.set('p')
    expect(await one.state()).toBe('Inactive')
    expect(one.logged('is not set to probing')).toBe(1)
    expect(one.raised()).toHaveLength(1)
  })

  it('ds_probing_list limits it to some sets', async () => {
    const one = await single({ ds_probing_mode: 1, ds_probing_list: '2,3' })
    await one.clock.advance(30_000)
    expect(probes(one.gateway)).toBe(0)
  })

  it('sends what the parameters say', async () => {
    const one = await single({
      ds_probing_mode: 1,
      ds_ping_method: 'INFO',
      ds_ping_from: 'sip:me@here',
      ds_ping_maxfwd: 7,
    })
    await one.clock.advance(10_000)
    const probe = await one.gateway.nextRequest('INFO')
    expect(probe.requestUri).toBe(one.gateway.address)
    expect(headerOf(probe, 'From')).toMatch(/^<sip:me@here>;tag=./)
    expect(headerOf(probe, 'To')).toBe(`<${one.gateway.address}>`)
    expect(headerOf(probe, 'Max-Forwards')).toBe('7')
  })

  it('with era = 2.4 the event is one of 2.4', async () => {
    const one = await single({ ds_probing_threshold: 1 }, {}, 'era=2.4')
    await one.set('i')
    expect(JSON.parse(one.raised()[0] ?? '').params).toEqual({
      group: 1,
      address: one.gateway.address,
      status: 'inactive',
    })
  })

  it.each([
    ['ds_probing_sock', 'udp:10.9.8.7:5060', 'ds_probing_sock "udp:10.9.8.7:5060" is not one of the sockets'],
    ['ds_probing_list', '1,x', 'ds_probing_list "1,x": expected numbers divided by commas, got "x"'],
    ['options_reply_codes', 'ok', 'options_reply_codes "ok": expected numbers'],
  ])('%s = %s is refused', async (name, value, message) => {
    await expect(single({ [name]: value })).rejects.toThrow(message)
  })
})

describe('states in the database', () => {
  const rows = [{ uri: 'sip:10.0.0.1' }, { uri: 'sip:10.0.0.2', state: 1 }, { uri: 'sip:10.0.0.3', state: 2 }]
  const states = (table: string) =>
    table
      .split('\n')
      .slice(1, -1)
      .map(line => line.replace('sip\\:', '').split(':')[4])

  it('are loaded, and written when they have changed, within 15 seconds', async () => {
    const proxy = await farm({ rows, routes: ROUTES })
    const table = () => readFileSync(join(proxy.folder, 'dispatcher'), 'utf8')
    expect(JSON.stringify(await proxy.mi('ds_list')).match(/"state":"\w+"/g)).toEqual([
      '"state":"Active"',
      '"state":"Inactive"',
      '"state":"Probing"',
    ])
    await proxy.mi('ds_set_state', ['i', '1', 'sip:10.0.0.1'])
    await proxy.mi('ds_set_state', ['a', '1', 'sip:10.0.0.3'])
    await proxy.clock.advance(15_000)
    await proxy.mi('dbt_dump')
    expect(states(table())).toEqual(['1', '1', '0'])
  })

  it('are not written with persistent_state 0', async () => {
    const proxy = await farm({ rows, routes: ROUTES, params: { persistent_state: 0 } })
    await proxy.mi('ds_set_state', ['i', '1', 'sip:10.0.0.1'])
    await proxy.stop()
    expect(states(readFileSync(join(proxy.folder, 'dispatcher'), 'utf8'))).toEqual(['0', '1', '2'])
  })

  it('are read from and written to SQLite as well', async () => {
    const { database, databases, url } = await openDatabase({
      driver: () => new SqliteDriver({ busyTimeoutMs: 0 }),
      url: folder => `sqlite://${folder}/os.db`,
    })
    await database.create(DISPATCHER_TABLE)
    const table = await database.table(DISPATCHER_TABLE)
    for (const uri of ['sip:10.0.0.1', 'sip:10.0.0.2'])
      await table.insert({ setid: 1, destination: uri, state: 2, probe_mode: 0, weight: '1', priority: 0 })
    const proxy = await startProxy(
      `db_default_url="${url}"\nloadmodule "tm.so"\nloadmodule "dispatcher.so"\nloadmodule "db_sqlite.so"\n${ROUTES}`,
    )
    onTestFinished(() => proxy.stop())
    await proxy.proxy.host.mi.call('ds_set_state', ['a', '1', 'sip:10.0.0.2'])
    await proxy.stop()
    const again = await (await databases.open(url)).table(DISPATCHER_TABLE)
    expect((await again.select()).map(({ destination, state }) => [destination, state])).toEqual([
      ['sip:10.0.0.1', 2],
      ['sip:10.0.0.2', 0],
    ])
  })

  it('are kept by ds_reload unless it says n', async () => {
    const proxy = await farm({ rows, routes: ROUTES, params: { persistent_state: 0 } })
    const listed = async () => JSON.stringify(await proxy.mi('ds_list')).match(/10\.0\.0\.\d","state":"\w+"/g)
    await proxy.mi('ds_set_state', ['i', '1', 'sip:10.0.0.1'])
    proxy.raised()
    writeFileSync(join(proxy.folder, 'dispatcher'), tableOf([...rows, { uri: 'sip:10.0.0.4', priority: 9 }]))
    await proxy.mi('dbt_reload')
    await proxy.mi('ds_reload')
    expect(await listed()).toEqual([
      '10.0.0.4","state":"Active"',
      '10.0.0.1","state":"Inactive"',
      '10.0.0.2","state":"Inactive"',
      '10.0.0.3","state":"Probing"',
    ])
    await proxy.mi('ds_reload', { inherit_state: 'n' })
    expect((await listed())?.[1]).toBe('10.0.0.1","state":"Active"')
    expect(proxy.raised()).toEqual([])
  })
})
