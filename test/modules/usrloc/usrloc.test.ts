import { describe, expect, it } from 'vitest'
import type { ModuleApis } from '../../../src/module/define.ts'
import usrloc from '../../../src/modules/usrloc/index.ts'
import { moduleRig, type RigOptions, TestVariable } from './module-rig.ts'

const REQUEST = `OPTIONS sip:x SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bKa
From: <sip:a@x>;tag=1
To: <sip:a@x>
Call-ID: c
CSeq: 1 OPTIONS

`

const rig = (options: RigOptions = {}) => moduleRig([usrloc], options)

async function withContact(options: RigOptions = {}, aor = 'bob@example.org') {
  const made = rig(options)
  const api = apiOf(made)
  api.domain('location')
  await made.command('usrloc:add', ['location', aor, 'sip:bob@192.0.2.1:5072', 120, '0.5', 0, 0, 8191])
  return { ...made, api }
}

/** The API as another module gets it. */
function apiOf(made: ReturnType<typeof moduleRig>) {
  return made.apis.get('usrloc') as ModuleApis['usrloc']
}

describe('start', () => {
  it.each([
    ['working_mode_preset', 'federation-cachedb-cluster', 'full-sharing-cluster'],
    ['working_mode_preset', 'full-sharing-cachedb-cluster', 'full-sharing-cluster'],
    ['cluster_mode', 'federation-cachedb', 'full-sharing'],
  ])('with %s=%s is refused: there is no document store, and there is a mode without one', (name, value, instead) => {
    const made = rig({ params: { usrloc: { [name]: value } } })
    expect(() => made.start()).toThrow(`${name} "${value}" keeps locations in a document store`)
    expect(() => made.start()).toThrow(`"${instead}" shares them`)
  })

  it.each([
    ['working_mode_preset', 'full-sharing-cluster', 'is a loadmodule "clusterer.so" missing?'],
    ['ha_shtag', 'vip', 'is a loadmodule "clusterer.so" missing?'],
    ['pinging_mode', 'x', 'pinging_mode "x": expected cooperation or ownership'],
  ])('with %s=%s and no cluster is refused', (name, value, fault) => {
    expect(() => rig({ params: { usrloc: { [name]: value } } })).toThrow(fault)
  })

  it.each([
    ['db_mode', 4, 'db_mode 4: expected 0, 1, 2 or 3'],
    ['working_mode_preset', 'sql', 'working_mode_preset "sql": expected one of single-instance-no-db'],
    ['cluster_mode', 'x', 'cluster_mode "x": expected none, full-sharing or sql-only'],
    ['restart_persistency', 'x', 'restart_persistency "x": expected none, load-from-sql or sync-from-cluster'],
    ['restart_persistency', 'sync-from-cluster', 'needs cluster_mode "full-sharing"'],
    ['sql_write_mode', 'x', 'sql_write_mode "x": expected none, write-through or write-back'],
  ])('with %s=%s is refused and says what was expected', (name, value, fault) => {
    expect(() => rig({ params: { usrloc: { [name]: value } } }).start()).toThrow(fault)
  })

  it.each([
    ['db_mode', 0],
    ['working_mode_preset', 'single-instance-no-db'],
  ])('with %s=%s works', (name, value) => {
    expect(() => rig({ params: { usrloc: { [name]: value } } }).start()).not.toThrow()
  })
})

describe('commands', () => {
  it('show a contact with its members, "expired" and "permanent"', async () => {
    const { command, clock } = await withContact()
    const shown = (await command('ul_show_contact', ['location', 'bob@example.org'])) as {
      Contacts: Record<string, unknown>[]
    }
    expect(shown.Contacts[0]).toMatchObject({ Expires: 120, Q: '0.5', State: 'CS_NEW', Methods: 8191 })
    clock.advanceSync(120_000)
    await command('ul_add', ['location', 'bob@example.org', 'sip:other', 0, '', 0, 0, 0])
    const later = (await command('ul_show_contact', ['location', 'bob@example.org'])) as typeof shown
    expect(later.Contacts.map(contact => contact['Expires'])).toEqual(['expired', 'permanent'])
    expect(later.Contacts[1]).toMatchObject({ Q: '', Methods: 4294967295 })
  })

  it('ul_add changes a contact that is there', async () => {
    const { command, raised } = await withContact()
    raised()
    await command('ul_add', ['location', 'bob@example.org', 'sip:bob@192.0.2.1:5072', 60, '1', 0, 0, 0])
    expect(raised().map(event => JSON.parse(event).method)).toEqual(['E_UL_CONTACT_UPDATE'])
  })

  it('need a domain in the address while use_domain is on, and cut it while it is off', async () => {
    const on = await withContact()
    await expect(on.command('ul_rm', ['location', 'bob'])).rejects.toMatchObject({
      code: 400,
      message: 'Domain missing in AOR',
    })
    const off = await withContact({ params: { usrloc: { use_domain: 0 } } })
    expect(await off.command('ul_show_contact', ['location', 'bob@anywhere'])).toMatchObject({ AOR: 'bob' })
  })

  it.each([
    ['ul_rm', ['location', 'nobody@x'], 'AOR not found'],
    ['ul_rm', ['nowhere', 'bob@example.org'], 'Table not found'],
    ['ul_rm_contact', ['location', 'bob@example.org', 'sip:other'], 'Contact not found'],
    ['ul_sync', ['location', 'nobody@x'], 'AOR not found'],
    ['ul_add', ['nowhere', 'a@b', 'sip:c', 1, '1', 0, 0, 0], 'Table not found'],
  ])('%s %j is refused with 404 %s', async (name, params, message) => {
    const { command } = await withContact()
    await expect(command(name, params)).rejects.toMatchObject({ code: 404, message })
  })

  it('name branch flags', async () => {
    const { command, host } = await withContact()
    const nat = host.script.branchFlagBit('NAT')
    const sip = host.script.branchFlagBit('SIP_PING')
    await command('ul_add', ['location', 'eve@x', 'sip:eve', 60, '', 0, 'NAT SIP_PING', 0])
    const shown = await command('ul_show_contact', ['location', 'eve@x'])
    expect(shown).toMatchObject({ Contacts: [{ Cflags: 'NAT SIP_PING' }] })
    expect([nat, sip]).toEqual([1, 2])
  })
})

describe('statistics', () => {
  it('are listed as recorded: users, contacts and expired contacts of each table', async () => {
    const { stats } = await withContact()
    const read = stats.group('usrloc')?.map(one => [one.name, one.read()])
    expect(read).toEqual([
      ['registered_users', 1],
      ['location-users', 1],
      ['location-contacts', 1],
      ['location-expires', 0],
    ])
  })
})

describe('values kept at an address', () => {
  it('are added, read and removed, and go with the last contact', async () => {
    const { call, context, command } = await withContact()
    const m = context(REQUEST)
    const out = new TestVariable('$var(x)', 'before')
    const aor = 'bob@example.org'
    expect(call(m, 'ul_add_key', 'location', aor, 'color', 'red')).toBe(1)
    expect(call(m, 'ul_get_key', 'location', aor, 'color', out)).toBe(1)
    expect(out.values).toEqual(['red'])
    expect(call(m, 'ul_del_key', 'location', aor, 'color')).toBe(1)
    expect(call(m, 'ul_get_key', 'location', aor, 'color', out)).toBe(-1)
    expect(call(m, 'ul_add_key', 'location', 'nobody@x', 'k')).toBe(-1)
    call(m, 'ul_add_key', 'location', aor, 'color', 'red')
    await command('ul_rm', ['location', aor])
    await command('ul_add', ['location', aor, 'sip:new', 60, '', 0, 0, 0])
    expect(call(m, 'ul_get_key', 'location', aor, 'color', out)).toBe(-1)
  })
})

describe('the timer', () => {
  it('takes out thousands of contacts without doing it all at once', async () => {
    const { api, command, clock, start, stop, stats } = await withContact({ params: { usrloc: { timer_interval: 2 } } })
    for (let i = 0; i < 12_000; i++) await command('ul_add', ['location', `u${i}@x`, 'sip:x', 1, '', 0, 0, 0])
    start()
    await clock.advance(2000)
    expect(api.domain('location').contactCount).toBe(1)
    expect(stats.find('location-expires')?.read()).toBe(12_000)
    stop()
    expect(clock.pending).toBe(0)
  })
})

describe('E_UL_LATENCY_UPDATE', () => {
  it.each([
    [{}, [100, 100, 900], 3],
    [{ latency_event_min_us: 500 }, [100, 900, 400], 1],
    [{ latency_event_min_us_delta: 300 }, [100, 500, 600, 200], 2],
  ])('with %j follows %j by %i events', async (params, latencies, count) => {
    const { api, raised } = await withContact({ params: { usrloc: params } })
    raised()
    const domain = api.domain('location')
    const [contact] = domain.contacts('bob@example.org')
    for (const latency of latencies) api.setLatency(domain, contact!, latency)
    const events = raised().map(text => JSON.parse(text))
    expect(events.length).toBe(count)
    expect(events.every(event => event.method === 'E_UL_LATENCY_UPDATE')).toBe(true)
  })
})

describe('era 2.4', () => {
  it('keeps users without domain unless told otherwise', async () => {
    const old = moduleRig([usrloc], { settings: { era: '2.4' } })
    expect(apiOf(old).useDomain).toBe(false)
    const told = moduleRig([usrloc], { settings: { era: '2.4' }, params: { usrloc: { use_domain: 1 } } })
    expect(apiOf(told).useDomain).toBe(true)
  })
})
