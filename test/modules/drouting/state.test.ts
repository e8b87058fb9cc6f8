import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CARRIERS_TABLE, GATEWAYS_TABLE, PARTITIONS_TABLE, RULES_TABLE } from '../../../src/modules/drouting/tables.ts'
import { until } from '../../interop/scenarios/rig.ts'
import { recordedCall, recordedEvents } from '../../support/recorded.ts'
import { tableFile } from '../../support/table-files.ts'
import { gateways } from '../../support/table-proxy.ts'
import { routing, routingTables, someGateways, told } from './rig.ts'

const RECORDED = {
  gateways: [
    { gwid: 'gw1', address: '127.0.0.1:5075', attrs: 'x', probe_mode: 2 },
    { gwid: 'gw2', address: '127.0.0.1:5076', probe_mode: 2 },
  ],
  carriers: [{ carrierid: 'cr1', gwlist: 'gw1,gw2', sort_alg: 'N' }],
  rules: [{ groupid: '0', prefix: '', gwlist: 'gw1' }],
  params: { probing_interval: 0 },
}

describe('management', () => {
  it.each([
    'dr_carrier_status_cr1_0',
    'dr_carrier_status_cr1_1',
    'dr_gw_status',
    'dr_gw_status_gw1',
    'dr_gw_status_gw1_1',
    'dr_reload',
  ])('%s answers, and raises events, as recorded', async name => {
    const { mi, raised } = await routing(RECORDED)
    if (name === 'dr_gw_status_gw1_1') await mi('dr_gw_status', { gw_id: 'gw1', status: 0 })
    raised()
    const { method, params, answer, events } = recordedCall(`lbdr/${name}`)
    expect(await mi(method, params)).toEqual(answer.result)
    expect(raised()).toEqual(events)
  })

  it('status reports are as recorded', async () => {
    const { mi } = await routing(RECORDED)
    const reports = (await mi('sr_list_reports', { group: 'drouting' })) as unknown
    expect(JSON.stringify(reports)).toContain(
      '2 gateways loaded (0 discarded), 1 carriers loaded (0 discarded), 1 rules loaded (0 discarded)',
    )
    expect(JSON.stringify(reports)).toContain('"Name":"Default;events"')
  })

  it('a change that is none raises nothing', async () => {
    const { mi, raised } = await routing(RECORDED)
    for (let i = 0; i < 2; i++) expect(await mi('dr_gw_status', { gw_id: 'gw1', status: 0 })).toBe('OK')
    expect(raised()).toEqual([
      '{"jsonrpc":"2.0","method":"E_DROUTING_STATUS","params":{"partition":"Default","gwid":"gw1",' +
        '"address":"127.0.0.1:5075","status":"disabled MI","reason":"MI command"}}',
    ])
  })

  it.each([
    ['dr_gw_status', { gw_id: 'none' }, 404, 'GW ID not found'],
    ['dr_carrier_status', { carrier_id: 'none' }, 404, 'Carrier ID not found'],
    ['dr_gw_status', { partition_name: 'none' }, 404, 'Partition not found'],
    ['dr_number_routing', { number: '1', group_id: 9 }, 404, 'No match'],
    ['dr_gw_status', ['gw1'], -32602, 'Invalid params'],
  ])('%s %j is refused', async (command, params, code, message) => {
    const { mi } = await routing(RECORDED)
    await expect(mi(command, params)).rejects.toMatchObject({ code, message })
  })

  it('a carrier that is disabled is not used', async () => {
    const { mi, ask } = await routing({
      ...RECORDED,
      rules: [{ groupid: '0', prefix: '', gwlist: '#cr1' }],
      route: told('"0"'),
    })
    expect(await ask('1')).toBe('1 sip:1@127.0.0.1:5075 gw1, gw2')
    await mi('dr_carrier_status', { carrier_id: 'cr1', status: 0 })
    expect(await mi('dr_carrier_status')).toEqual({ Carriers: [{ ID: 'cr1', Enabled: 'no' }] })
    expect(await ask('1')).toBe('-1 sip:1@127.0.0.1 <null>')
  })

  it('dr_number_routing tells the prefix and where it leads', async () => {
    const { mi } = await routing({
      ...RECORDED,
      rules: [{ groupid: '0', prefix: '49', gwlist: 'gw2,gw1,#cr1' }],
    })
    expect(await mi('dr_number_routing', { number: '4930' })).toEqual({
      'Matched Prefix': '49',
      'GW List': ['gw2', 'gw1'],
      'CARRIER List': ['cr1'],
    })
  })

  it('dr_reload_status tells when', async () => {
    const { mi } = await routing(RECORDED)
    expect(await mi('dr_reload_status')).toEqual({
      Date: expect.stringMatching(/^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/),
    })
  })

  it('a reload keeps states unless it is told not to, and keeps everything when a table cannot be read', async () => {
    const { mi, write, ask } = await routing({
      ...RECORDED,
      params: { probing_interval: 0, persistent_state: 0 },
      route: told('"0"'),
    })
    const state = async () => ((await mi('dr_gw_status', { gw_id: 'gw1' })) as { State: string }).State
    await mi('dr_gw_status', { gw_id: 'gw1', status: 0 })
    await mi('dr_reload')
    expect(await state()).toBe('Disabled MI')
    await mi('dr_reload', { inherit_state: 'n' })
    expect(await state()).toBe('Active')
    write('dr_rules', 'ruleid(int,auto) prefix(string)\n:4\n')
    await mi('db_text:reload')
    await expect(mi('dr_reload')).rejects.toMatchObject({ code: 500, data: expect.stringContaining('groupid') })
    expect(await ask('1')).toBe('1 sip:1@127.0.0.1:5075 gw1')
    write('dr_rules', tableFile(RULES_TABLE, [{ groupid: '0', prefix: '1', gwlist: 'gw2' }]))
    await mi('db_text:reload')
    await mi('dr_reload')
    expect(await ask('1')).toBe('1 sip:1@127.0.0.1:5076 gw2')
  })
})

describe('the tables', () => {
  it('rows that are wrong are left out, named with table, row and column; the others are used', async () => {
    const rule = { groupid: '0', prefix: '9', gwlist: 'g1' }
    const { log, ask, logged } = await routing({
      gateways: [
        ...someGateways(2),
        { gwid: 'g1', address: '10.0.0.3' },
        { gwid: 'g 4', address: '10.0.0.4' },
        { gwid: 'g5', address: 'sip:user@10.0.0.5' },
        { gwid: 'g6', address: '10.0.0.6', strip: -1 },
        { gwid: 'g7', address: '10.0.0.7', state: 3 },
        { gwid: 'g8', address: '10.0.0.8', probe_mode: 9 },
      ],
      carriers: [
        { carrierid: 'c1', gwlist: 'g1,#c1' },
        { carrierid: 'c2', gwlist: 'g1', sort_alg: 'Z' },
      ],
      rules: [
        { ...rule, groupid: 'x' },
        { ...rule, prefix: '9a' },
        { ...rule, timerec: 'whenever' },
        { ...rule, routeid: 'nowhere' },
        { ...rule, gwlist: 'g1=x' },
        { ...rule, sort_alg: 'Z' },
        { ...rule, prefix: '', gwlist: 'gone,g2,g5,#c1' },
      ],
      route: told('"0"'),
    })
    const faults = log.filter(line => line.includes('a row of a table is left out'))
    expect(
      faults.map(line => /table=(\w+) row=(\d+) \w+="?([\w ]+)"? column=(\w+)/.exec(line)?.slice(1).join(' ')),
    ).toEqual([
      'dr_gateways 3 g1 gwid',
      'dr_gateways 4 g 4 gwid',
      'dr_gateways 5 g5 address',
      'dr_gateways 6 g6 strip',
      'dr_gateways 7 g7 state',
      'dr_gateways 8 g8 probe_mode',
      'dr_carriers 1 c1 gwlist',
      'dr_carriers 2 c2 sort_alg',
      'dr_rules 1 1 groupid',
      'dr_rules 2 2 prefix',
      'dr_rules 3 3 timerec',
      'dr_rules 4 4 routeid',
      'dr_rules 5 5 gwlist',
      'dr_rules 6 6 sort_alg',
    ])
    expect(logged('a gateway or carrier that there is not')).toBe(3)
    expect(await ask('9')).toBe('1 sip:9@10.0.0.2 g2')
  })

  it('those of 2.x have no sort_alg: weights, and the first bit of the flags, stand for it', async () => {
    const columns = ['carrierid', 'gwlist', 'flags']
    const { ask, logged } = await routing({
      gateways: someGateways(3),
      tables: {
        version: 'table_name(string) table_version(int)\ndr_gateways:6\ndr_rules:3\ndr_carriers:2\ndr_groups:2\n',
        dr_carriers: tableFile(CARRIERS_TABLE, [{ carrierid: 'c', gwlist: 'g1=0,g2=9', flags: 3 }], columns),
        dr_rules: tableFile(
          RULES_TABLE,
          [
            { groupid: '0', prefix: '1', gwlist: 'g1=0,g2=5' },
            { groupid: '0', prefix: '2', gwlist: '#c' },
          ],
          ['groupid', 'prefix', 'gwlist'],
        ),
      },
      route: told('"0"'),
    })
    expect(await ask('1')).toBe('1 sip:1@10.0.0.2 g2, g1')
    expect(await ask('2')).toBe('1 sip:2@10.0.0.2 g2')
    expect(logged('another version')).toBe(0)
  })

  it('partitions have tables, AVPs and states of their own', async () => {
    const partition = (partition_name: string, drr_table: string, more = {}) => ({
      partition_name,
      db_url: 'text://@DB@',
      drr_table,
      ...more,
    })
    const rules = (gwlist: string, prefix = '') => tableFile(RULES_TABLE, [{ groupid: '0', prefix, gwlist }])
    const tables = (folder: string) => ({
      dr_partitions: tableFile(
        PARTITIONS_TABLE,
        [partition('east', 'rules_east', { gw_id_avp: '$avp(east)' }), partition('west', 'rules_west')].map(row => ({
          ...row,
          db_url: folder,
        })),
      ),
      rules_east: rules('g1', '1'),
      rules_west: rules('g2'),
    })
    const call = (where: string) =>
      `do_routing("0", , , , , , "${where}"); $var(rc) = $rc; send_reply(299, "$var(rc) $ru $avp(east) $var(p)");`
    const given = {
      gateways: someGateways(2),
      tables: tables('text://@DB@'),
      params: { use_partitions: 1, partition_id_pvar: '$var(p)' },
    }
    const east = await routing({ ...given, route: call('east') })
    expect(await east.ask('1')).toBe('1 sip:1@10.0.0.1 g1 <null>')
    const any = await routing({ ...given, route: call('*') })
    expect(await any.ask('2')).toBe('1 sip:2@10.0.0.2 <null> west')
    await any.mi('dr_gw_status', { partition_name: 'west', gw_id: 'g2', status: 0 })
    expect(any.raised().at(-1)).toContain('"partition":"west","gwid":"g2"')
    expect(await any.mi('dr_gw_status', { partition_name: 'east', gw_id: 'g2' })).toEqual({ State: 'Active' })
    expect(await any.mi('dr_reload_status')).toMatchObject({ Partitions: [{ name: 'east' }, { name: 'west' }] })
  })
})

describe('states', () => {
  it('probing takes gateways out of service and back, as recorded', async () => {
    const [a] = await gateways('a')
    const { clock, raised, mi } = await routing({
      gateways: [{ gwid: 'gw1', address: `127.0.0.1:${a?.port}`, probe_mode: 2 }],
      params: { probing_from: 'sip:me@127.0.0.1', probing_method: 'INFO' },
    })
    const seen: string[] = []
    const collect = () => {
      seen.push(...raised().filter(event => event.includes('DROUTING')))
      return seen.length
    }
    await mi('drouting:enable_probing', { status: 0 })
    expect(await mi('drouting:enable_probing')).toEqual({ Status: 0 })
    await clock.advance(2000)
    await mi('drouting:enable_probing', { status: 1 })
    await clock.advance(2000)
    const first = await a?.nextRequest('INFO')
    expect(first?.from?.uri).toBe('sip:me@127.0.0.1')
    await clock.advance(1500)
    await until(() => collect() > 0)
    expect(await mi('dr_gw_status', { gw_id: 'gw1' })).toEqual({ State: 'Inactive' })
    await clock.advance(500)
    let again = await a?.nextRequest('INFO')
    while (again?.callId === first?.callId) again = await a?.nextRequest('INFO')
    if (again !== undefined) a?.reply(again, 200, 'OK')
    await until(() => collect() > 1)
    const recorded = [...recordedEvents('lbdr/probing_down'), ...recordedEvents('lbdr/probing_up')]
    expect(seen).toEqual(
      recorded.filter(event => event.includes('DROUTING')).map(event => event.replace('5075', String(a?.port))),
    )
  })

  it('are written to the tables and read at the next start', async () => {
    const { mi, stop, folder } = await routing({ ...RECORDED, route: told('"0"') })
    await mi('dr_gw_status', { gw_id: 'gw1', status: 0 })
    await mi('dr_carrier_status', { carrier_id: 'cr1', status: 0 })
    await stop()
    const tables = Object.keys(routingTables({}))
    const kept = Object.fromEntries(tables.map(name => [name, readFileSync(join(folder, name), 'utf8')]))
    const next = await routing({ tables: kept, params: { probing_interval: 0 } })
    expect(await next.mi('dr_gw_status')).toMatchObject({ Gateways: [{ State: 'Disabled MI' }, { State: 'Active' }] })
    expect(await next.mi('dr_carrier_status')).toEqual({ Carriers: [{ ID: 'cr1', Enabled: 'no' }] })
  })

  it('of the table: 2 is what probing may change', async () => {
    const { mi } = await routing({
      tables: {
        dr_gateways: tableFile(GATEWAYS_TABLE, [
          { gwid: 'a', address: '10.0.0.1', state: 1, probe_mode: 2 },
          { gwid: 'b', address: '10.0.0.2', state: 2, probe_mode: 2 },
          { gwid: 'c', address: '10.0.0.3', state: 2, probe_mode: 1 },
        ]),
      },
      params: { probing_interval: 0 },
    })
    expect(await mi('dr_gw_status')).toMatchObject({
      Gateways: [{ State: 'Disabled MI' }, { State: 'Inactive' }, { State: 'Probing' }],
    })
  })

  it('define_blacklist: nothing is sent to gateways of its types', async () => {
    const [a] = await gateways('a')
    const { phone, port } = await routing({
      gateways: [{ gwid: 'g', type: 7, address: `127.0.0.1:${a?.port}` }],
      rules: [{ groupid: '0', prefix: '', gwlist: 'g' }],
      params: { define_blacklist: ['pstn = 7'] },
      route: 'use_blacklist("pstn"); do_routing("0"); t_relay();',
    })
    phone.request('INVITE', port, { uri: 'sip:1@127.0.0.1' })
    await phone.nextReply(473)
    expect(a?.received).toEqual([])
  })
})
