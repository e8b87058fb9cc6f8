import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { farm, tableOf } from './rig.ts'

const ROUTES = 'route { exit; }'
const rows = [
  { set: 1, uri: 'sip:10.0.0.1:5070', attrs: 'group=a' },
  { set: 1, uri: 'sip:10.0.0.2', attrs: 'group=b', state: 1 },
  { set: 2, uri: 'sip:10.0.0.3', state: 2 },
]

/** Runs statements for one request and gives what they put into `$var(o)`. */
async function result(statements: string, params: Readonly<Record<string, string>> = {}, more = {}) {
  const proxy = await farm({
    rows,
    params,
    tables: { others: [{ set: 1, uri: 'sip:10.1.0.1' }] },
    routes: `route { $var(o) = "-"; ${statements} append_to_reply("X-Result: $var(o)\\r\\n"); send_reply(200, "OK"); exit; }`,
    ...more,
  })
  proxy.phone.request('OPTIONS', proxy.port)
  return headerOf(await proxy.phone.nextReply(200), 'X-Result')
}

const PARTITION = {
  partition: 'other: db_url=text://@DB@; table_name = others; dst_avp=$avp(other_dst); attrs_avp = $avp(a)',
}

describe('partitions', () => {
  it('have destinations, tables and AVPs of their own; the default one comes first', async () => {
    const proxy = await farm({ rows, params: PARTITION, tables: { others: [{ uri: 'sip:10.1.0.1' }] }, routes: ROUTES })
    const listed = (await proxy.mi('ds_list')) as { PARTITIONS: { name: string; SETS: { id: number }[] }[] }
    expect(listed.PARTITIONS.map(({ name, SETS }) => [name, SETS.map(({ id }) => id)])).toEqual([
      ['default', [2, 1]],
      ['other', [1]],
    ])
    expect(JSON.stringify(await proxy.mi('ds_list', { partition: 'other' }))).not.toContain('default')
    await proxy.mi('ds_set_state', ['i', 'other:1', 'sip:10.1.0.1'])
    expect(proxy.raised()).toEqual([
      '{"jsonrpc":"2.0","method":"E_DISPATCHER_STATUS","params":{"partition":"other","group":1,"address":"sip:10.1.0.1",' +
        '"status":"inactive","reason":"MI command"}}',
    ])
    await expect(proxy.mi('ds_list', { partition: 'none' })).rejects.toThrow('ERROR Unknown partition')
    expect(await proxy.mi('ds_reload', ['other'])).toBe('OK')
  })

  it.each([['ds_select_dst(1, 8, "f", "other")'], ['ds_select_dst("other:1", "8", "f")']])(
    '%s chooses there',
    async call => {
      expect(await result(`if (${call}) $var(o) = "$du $avp(other_dst) $avp(ds_dst_failover)";`, PARTITION)).toBe(
        'sip:10.1.0.1 sip:10.1.0.1 <null>',
      )
    },
  )

  it.each([
    ['nonsense', 'partition "nonsense": expected name: key=value'],
    ['p: color=red', 'expected one of db_url, table_name'],
    ['p: dst_avp=$var(x)', 'dst_avp "$var(x)": expected an AVP, $avp(name)'],
  ])('partition = %s is refused', async (partition, message) => {
    await expect(farm({ rows, params: { partition }, routes: ROUTES })).rejects.toThrow(message)
  })

  it('without any source there is no start', async () => {
    const script = `loadmodule "tm.so"\nloadmodule "dispatcher.so"\n${ROUTES}\n`
    await expect(startProxy(script)).rejects.toThrow('partition default has no source of destinations')
    await expect(startProxy(`${script}modparam("dispatcher", "db_url", "text:///x")`)).rejects.toThrow(
      'no loaded module serves text://',
    )
  })
})

describe('questions about destinations', () => {
  it.each([
    ['ds_is_in_list("10.0.0.1", 5070)', '1'],
    ['ds_is_in_list("10.0.0.1", 0)', '1'],
    ['ds_is_in_list("10.0.0.1", 5060)', '-'],
    ['ds_is_in_list("10.0.0.1", 0, 2)', '-'],
    ['ds_is_in_list("10.0.0.3", 0, 2)', '2'],
    ['ds_is_in_list("10.0.0.3", 0, "-1")', '2'],
    ['ds_is_in_list("10.0.0.3", 0, 2, "default", 1)', '-'],
    ['ds_is_in_list("10.0.0.3", "5060", "2", "1")', '-'],
    ['ds_is_in_list("10.0.0.2", "5060", "1", "0")', '1'],
    ['ds_is_in_list("10.0.0.2", 0, 1, "default", 0, "group=[bc]")', '1'],
    ['ds_is_in_list("10.0.0.2", 0, 1, "default", 0, "group=a")', '-'],
    ['ds_is_in_list("10.1.0.1", 0)', '-'],
    ['ds_is_in_list("10.1.0.1", 0, "other:1")', '1'],
    ['ds_is_in_list("10.1.0.1", 0, 1, "other")', '1'],
    ['ds_is_in_list("$si", "$sp", "1")', '-'],
  ])('%s', async (call, set) => {
    const found = await result(`if (${call}) $var(o) = $avp(set);`, { ...PARTITION, setid_pvar: '$avp(set)' })
    expect(found).toBe(set)
  })

  it('ds_is_in_list sets the attributes too', async () => {
    const found = await result('if (ds_is_in_list("10.0.0.2", 0)) $var(o) = $avp(at);', { attrs_avp: '$avp(at)' })
    expect(found).toBe('group=b')
  })

  it.each([
    ['ds_count(1, "a", $var(n))', '1'],
    ['ds_count("1", "i", "$var(n)")', '1'],
    ['ds_count(1, "AI", $var(n))', '2'],
    ['ds_count(2, "p", $var(n))', '1'],
    ['ds_count(2, "a", $var(n))', '0'],
    ['ds_count("other:1", "a", $var(n))', '1'],
    ['ds_count(1, "i", $var(n), "other")', '0'],
    ['ds_count(9, "a", $var(n))', '-'],
  ])('%s', async (call, count) => {
    expect(await result(`if (${call}) $var(o) = $var(n);`, PARTITION)).toBe(count)
  })

  it('script attributes are given by scripts and management, listed, kept at a reload, and go with a selection', async () => {
    const statements = `if (ds_push_script_attrs("mine", "10.0.0.1", 5070, 1)) $var(o) = "pushed";
      if (ds_push_script_attrs("mine", "10.0.0.9", 0, 1)) $var(o) = "wrong";
      if (ds_get_script_attrs("sip:10.0.0.2", 1, "default", $var(x))) $var(o) = "wrong";
      if (ds_get_script_attrs("sip:10.0.0.1:5070", 1, "", $var(x))) $var(o) = $var(o) + " " + $var(x);
      if (ds_select_dst(1, 8)) $var(o) = $var(o) + " " + $avp(script);`
    expect(await result(statements, { script_attrs_avp: '$avp(script)' })).toBe('pushed mine mine')
    const proxy = await farm({ rows, routes: ROUTES })
    const to = { ip: '10.0.0.3', port: 0, set: 2 }
    expect(await proxy.mi('ds_push_script_attrs', { attrs: 'theirs', ...to })).toBe('OK')
    await expect(proxy.mi('ds_push_script_attrs', { attrs: 'x', ...to, set: 1 })).rejects.toMatchObject({ code: 404 })
    await proxy.mi('ds_reload')
    expect(JSON.stringify(await proxy.mi('ds_list'))).toContain('"first_hit_counter":0,"script_attr":"theirs"')
  })
})

describe('loading', () => {
  it('leaves out rows without set or with a URI that is none, and says so', async () => {
    const odd = [
      { set: '' as const, uri: 'sip:10.0.0.8' },
      { uri: 'nonsense' },
      { uri: '' },
      { uri: 'sip:10.0.0.9', state: 7, probeMode: 9, weight: 'x' },
      { uri: 'sip:10.0.0.10', weight: 'fs://:secret@10.0.0.10' },
    ]
    const proxy = await farm({ rows: odd, params: { max_freeswitch_weight: 70 }, routes: ROUTES })
    const listed = JSON.stringify(await proxy.mi('ds_list', { full: 1 }))
    expect(listed.match(/"state":"\w+"|"weight":\d+/g)).toEqual([
      '"state":"Active"',
      '"weight":1',
      '"state":"Active"',
      '"weight":70',
    ])
    expect(proxy.logged('is left out')).toBe(3)
    expect([proxy.logged('unknown state'), proxy.logged('unknown probe mode'), proxy.logged('counts as 1')]).toEqual([
      1, 1, 1,
    ])
  })

  it('looks names up, also for ds_is_in_list()', async () => {
    const proxy = await farm({
      rows: [{ uri: 'sip:gw.example:5080' }, { uri: 'sip:absent.example:5080' }],
      hosts: { 'gw.example': '10.2.0.1' },
      routes: `route { if (ds_is_in_list("10.2.0.1", 5080)) send_reply(200, "Known"); else send_reply(404, "No"); exit; }`,
    })
    await expect
      .poll(async () => JSON.stringify(await proxy.mi('ds_list')).match(/"resolved_addresses":[^\]]*/g))
      .toEqual(['"resolved_addresses":["10.2.0.1:5080"', '"resolved_addresses":['])
    proxy.phone.request('OPTIONS', proxy.port)
    await proxy.phone.nextReply(200)
  })

  it('nothing at all is legal', async () => {
    const proxy = await farm({ rows: [], routes: ROUTES })
    expect(await proxy.mi('ds_list')).toEqual({ PARTITIONS: [{ name: 'default', SETS: [] }] })
    expect(proxy.logged('no dispatching data')).toBe(1)
  })

  it('a table that cannot be read stops the start, naming the line; a reload of one changes nothing', async () => {
    const proxy = await farm({ rows, routes: ROUTES })
    writeFileSync(join(proxy.folder, 'dispatcher'), `${tableOf(rows)}short\n`)
    await expect(proxy.mi('dbt_reload')).rejects.toMatchObject({
      code: 500,
      data: expect.stringContaining('/dispatcher:5:6: expected 10 fields, got 1'),
    })
    expect(await proxy.mi('ds_reload')).toBe('OK')
    expect(JSON.stringify(await proxy.mi('ds_list'))).toContain('10.0.0.3')
    await expect(
      startProxy(
        `loadmodule "tm.so"\nloadmodule "db_text.so"\nloadmodule "dispatcher.so"\n` +
          `modparam("dispatcher", "db_url", "text://${proxy.folder}")\n${ROUTES}`,
      ),
    ).rejects.toThrow('module dispatcher cannot start')
  })

  it('db_url wins over list_file, with a warning', async () => {
    const proxy = await farm({ rows, params: { list_file: '/nowhere' }, routes: ROUTES })
    expect(proxy.logged('list_file is not read')).toBe(1)
  })

  it('a blacklist of sets keeps requests from going there', async () => {
    const gateway = await SipUa.open('gateway')
    const proxy = await farm({
      rows: [{ set: 7, uri: `sip:127.0.0.1:${gateway.port}` }],
      params: { ds_define_blacklist: 'gws = 7, 8' },
      routes: `route { if (is_method("OPTIONS")) use_blacklist("gws");
        ds_select_dst(7, 8); t_relay(); }`,
    })
    proxy.phone.request('OPTIONS', proxy.port)
    await proxy.phone.nextReply(473)
    proxy.phone.request('MESSAGE', proxy.port)
    await gateway.nextRequest('MESSAGE')
    await proxy.mi('ds_reload')
    expect(JSON.stringify(await proxy.mi('list_blacklists')).match(/"IP"/g)).toHaveLength(1)
  })
})
