import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Database } from '../../../src/db/database.ts'
import { SqliteDriver } from '../../../src/db/sqlite/sqlite-driver.ts'
import { LOCATION_TABLE } from '../../../src/modules/usrloc/location-table.ts'
import { recordingLog } from '../../sip/net/peers.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf } from '../../support/sip-ua.ts'
import { Databases, storingProxy, until } from './storage-rig.ts'

const THROUGH = 'single-instance-sql-write-through'
const BACK = 'single-instance-sql-write-back'
const BOB = 'bob@127.0.0.1'

const NO_LOG = recordingLog()

const state = async (proxy: Awaited<ReturnType<typeof storingProxy>>, aor = BOB) =>
  ((await proxy.mi('ul_show_contact', ['location', aor])) as { Contacts: { State: string }[] }).Contacts.map(
    ({ State }) => State,
  )

describe.each([['db_text'], ['sqlite']])('with %s', driver => {
  const databases = () => (driver === 'sqlite' ? new Databases().sqlite() : new Databases().text())
  const rows = (made: Databases) =>
    driver === 'sqlite' ? made.sql('SELECT * FROM location').length : made.textRows().filter(row => row !== '').length

  it.each([[THROUGH], [BACK]])('%s: contacts and all that is known of them survive a restart', async mode => {
    const made = databases()
    const first = await storingProxy(made, mode, {
      register:
        'setbflag("NAT"); $avp(a) = "colour=red"; save("location", "path-lazy"); ul_add_key("location", "bob@127.0.0.1", "k", "v");',
      params: 'modparam("registrar", "attr_avp", "$avp(a)")\nmodparam("usrloc", "mi_dump_kv_store", 1)',
    })
    await first.register({
      contact:
        '<sip:bob@127.0.0.1:5072;transport=udp>;q=0.5;+sip.instance="<urn:uuid:1>";methods="INVITE,BYE";received="sip:127.0.0.2:9"',
      headers: 'User-Agent: phone: 1\r\nPath: <sip:127.0.0.3;lr>\r\nSupported: path\r\n',
    })
    const listed = (await first.mi('ul_show_contact', ['location', BOB])) as { Contacts: object[] }
    await first.stop()
    const second = await storingProxy(made, mode, { params: 'modparam("usrloc", "mi_dump_kv_store", 1)' })
    const again = (await second.mi('ul_show_contact', ['location', BOB])) as { Contacts: object[] }
    // Flags have names only where the script uses them.
    const { Cflags, State, Socket, ...facts } = listed.Contacts[0] as Record<string, unknown>
    expect(again.Contacts[0]).toMatchObject(facts)
    expect([Cflags, again]).toMatchObject(['NAT', { Contacts: [{ Cflags: 'NAT', State: 'CS_SYNC' }], KV: { k: 'v' } }])
    expect(second.events()).toEqual([])
    expect(await second.lookup()).toBe(200)
    expect(second.stat('registered_users')).toBe(1)
  })

  it(`${THROUGH}: the row is written before the answer`, async () => {
    const made = databases()
    const proxy = await storingProxy(made, THROUGH)
    expect((await proxy.register()).status).toBe(200)
    if (driver === 'sqlite')
      expect(made.sql('SELECT username, domain, contact, cseq FROM location')).toEqual([
        { username: 'bob', domain: '127.0.0.1', contact: 'sip:bob@127.0.0.1:5072', cseq: 1 },
      ])
    expect(await state(proxy)).toEqual(['CS_SYNC'])
    await proxy.register({ cseq: 2 })
    if (driver === 'sqlite') expect(made.sql('SELECT cseq FROM location')).toEqual([{ cseq: 2 }])
    await proxy.register({ cseq: 3, contact: '*', headers: 'Expires: 0\r\n' })
    await proxy.stop()
    expect(rows(made)).toBe(0)
  })

  it(`${BACK}: rows are written by the timer; what came and went between leaves no trace`, async () => {
    const made = databases()
    const proxy = await storingProxy(made, BACK)
    await proxy.register()
    await proxy.register({ aor: 'carol@127.0.0.1', callId: 'r2' })
    expect([await state(proxy), proxy.stat('db_pending')]).toEqual([['CS_NEW'], 2])
    await proxy.register({ aor: 'carol@127.0.0.1', callId: 'r2', cseq: 2, contact: '*', headers: 'Expires: 0\r\n' })
    await made.clock.advance(10_000)
    await until(() => proxy.stat('db_pending') === 0)
    expect(await state(proxy)).toEqual(['CS_SYNC'])
    await proxy.register({ cseq: 2 })
    expect([await state(proxy), proxy.stat('db_pending')]).toEqual([['CS_DIRTY'], 1])
    await proxy.stop()
    expect(rows(made)).toBe(1)
  })

  it(`${BACK}: expired contacts go with their rows, and are not loaded`, async () => {
    const made = databases()
    const proxy = await storingProxy(made, BACK)
    await proxy.register({ headers: 'Expires: 60\r\n' })
    await proxy.register({ aor: 'carol@127.0.0.1', callId: 'r2', headers: 'Expires: 100\r\n' })
    await made.clock.advance(10_000)
    proxy.events()
    await made.clock.advance(60_000)
    expect(proxy.events()).toEqual(['E_UL_CONTACT_DELETE', 'E_UL_AOR_DELETE'])
    await proxy.stop()
    expect(rows(made)).toBe(1)
    await made.clock.advance(60_000)
    const later = await storingProxy(made, BACK)
    expect([later.stat('registered_users'), later.events()]).toEqual([0, []])
    await later.stop()
    expect(rows(made)).toBe(0)
  })

  it('sql-only: nothing is in memory; lookups read the table, and only contact events are raised', async () => {
    const made = databases()
    const proxy = await storingProxy(made, 'sql-only')
    expect((await proxy.register()).status).toBe(200)
    const second = await proxy.register({ contact: '<sip:bob@127.0.0.1:5073>;q=0.9', callId: 'r2' })
    expect(headerOf(second, 'Contact')).toBe(
      '<sip:bob@127.0.0.1:5073>;q=0.9;expires=3600, <sip:bob@127.0.0.1:5072>;expires=3600',
    )
    await proxy.register({ cseq: 2 })
    expect(proxy.events()).toEqual(['E_UL_CONTACT_INSERT', 'E_UL_CONTACT_INSERT', 'E_UL_CONTACT_UPDATE'])
    expect(['registered_users', 'location-users', 'location-contacts'].map(name => proxy.stat(name))).toEqual([0, 0, 0])
    expect([await proxy.lookup(), await proxy.lookup('nobody@127.0.0.1')]).toEqual([200, 404])
    expect(await proxy.mi('ul_show_contact', ['location', BOB])).toMatchObject({
      AOR: BOB,
      Contacts: [{ Q: '0.9' }, {}],
    })
    await made.clock.advance(3_600_000)
    const gone: string[] = []
    await until(() => gone.push(...proxy.events()) === 2)
    expect([gone, await proxy.lookup()]).toEqual([['E_UL_CONTACT_DELETE', 'E_UL_CONTACT_DELETE'], 404])
    await proxy.stop()
    expect(rows(made)).toBe(0)
  })

  it('sql-only: ul_dump and pings read the table; who does not answer is removed from it', async () => {
    const made = databases()
    const proxy = await storingProxy(made, 'sql-only', {
      params: `modparam("usrloc", "nat_bflag", "NAT")
        loadmodule "nathelper.so"
        modparam("nathelper", "natping_interval", 2)
        modparam("nathelper", "ping_threshold", 1)
        modparam("nathelper", "max_pings_lost", 2)
        modparam("nathelper", "sipping_bflag", "SIPPING")
        modparam("nathelper", "remove_on_timeout_bflag", "REMOVE")
        modparam("nathelper", "sipping_from", "sip:pinger@example.org")`,
      register: 'setbflag("NAT"); setbflag("SIPPING"); setbflag("REMOVE"); save("location");',
    })
    await proxy.register({ contact: `<${proxy.phone.uri}>` })
    expect(await proxy.mi('ul_dump')).toMatchObject({
      Domains: [{ name: 'location', AORs: [{ AOR: 'bob@127.0.0.1', Contacts: [{ Contact: proxy.phone.uri }] }] }],
    })
    expect(await proxy.mi('ul_dump', { brief: 1 })).toMatchObject({ Domains: [{ AORs: [{ AOR: 'bob@127.0.0.1' }] }] })
    while ((await proxy.lookup()) === 200) await made.clock.advance(1_000)
    expect([proxy.phone.count({ method: 'OPTIONS' }), proxy.stat('contacts_removed')]).toEqual([2, 1])
  })

  it('sql-only: registrations of one address at the same time follow each other', async () => {
    const proxy = await storingProxy(databases(), 'sql-only', { register: 'save("location", "max-contacts=3");' })
    for (let i = 0; i < 6; i++) {
      const text = proxy.phone.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', callId: `c${i}` })
      proxy.phone.send(text.replace(/^Contact: .*$/m, `Contact: <sip:bob@127.0.0.1:${6000 + i}>`), proxy.port)
    }
    await until(() => proxy.phone.received.length === 6)
    expect(proxy.phone.received.map(({ status }) => status).sort()).toEqual([200, 200, 200, 503, 503, 503])
  })

  it.each([[THROUGH], [BACK], ['sql-only']])('%s: the commands reach the rows', async mode => {
    const made = databases()
    const proxy = await storingProxy(made, mode)
    for (const name of ['a', 'b', 'c'])
      expect(await proxy.mi('ul_add', ['location', `${name}@x`, `sip:${name}@192.0.2.1`, 0, '0.5', 0, '', 0])).toBe(
        'OK',
      )
    expect(await proxy.mi('ul_flush')).toBe('OK')
    expect(await proxy.mi('ul_rm', ['location', 'a@x'])).toBe('OK')
    await expect(proxy.mi('ul_rm', ['location', 'a@x'])).rejects.toThrow('AOR not found')
    expect(await proxy.mi('ul_rm_contact', ['location', 'b@x', 'sip:b@192.0.2.1'])).toBe('OK')
    await expect(proxy.mi('ul_rm_contact', ['location', 'c@x', 'sip:no@192.0.2.1'])).rejects.toThrow(
      'Contact not found',
    )
    expect(await proxy.mi('ul_sync', ['location', 'c@x'])).toBe('OK')
    await proxy.stop()
    expect(rows(made)).toBe(1)
  })

  it('ul_sync takes rows away that are no contact in memory, and writes those that are', async () => {
    const made = databases()
    const proxy = await storingProxy(made, BACK)
    await proxy.register()
    await proxy.mi('ul_flush')
    if (driver === 'sqlite')
      made.sql(
        "INSERT INTO location (contact_id, username, contact, expires) VALUES (5, 'ghost', 'sip:g@x', 0) RETURNING 1",
      )
    expect(await proxy.mi('ul_sync', ['location'])).toBe('OK')
    await expect(proxy.mi('ul_sync', ['location', 'ghost@x'])).rejects.toThrow('AOR not found')
    await proxy.stop()
    expect(rows(made)).toBe(1)
  })

  it('a contact for the memory alone has no row', async () => {
    const made = databases()
    const proxy = await storingProxy(made, THROUGH, { register: 'save("location", "memory-only");' })
    expect((await proxy.register()).status).toBe(200)
    await proxy.register({ cseq: 2 })
    await proxy.stop()
    expect(rows(made)).toBe(0)
  })
})

describe('tables that users have', () => {
  const LONG =
    'username(str) domain(str,null) contact(str,null) received(str) expires(int,null) q(double,null) callid(str,null) ' +
    'cseq(int,null) last_modified(str) flags(int) user_agent(str) socket(str)'
  const SHORT = 'username(str) contact(str) expires(int) q(double,null) callid(str) cseq(int)'
  const OLD = 'modparam("usrloc", "use_domain", 0)'

  it('the long one of scenario 4: written at the end with user agent and socket, found again after a restart', async () => {
    const made = new Databases().text(LONG, [], 'location:1011')
    const proxy = await storingProxy(made, BACK, { params: OLD })
    await proxy.register({ headers: 'User-Agent: phone\r\n' })
    await proxy.stop()
    const [row = ''] = made.textRows()
    expect(made.textRows()).toHaveLength(1)
    expect(row).toMatch(/^bob::sip\\:bob@127\.0\.0\.1\\:5072::\d+:-1(\.00)?:r1:1:\d+:0:phone:udp\\:127\.0\.0\.1\\:\d+$/)
    const missing = proxy.log.filter(line => line.includes('a table lacks a column'))
    expect(missing).toHaveLength(7)
    expect(proxy.log.filter(line => line.includes('NULL in a column that is not nullable'))).toHaveLength(1)
    const later = await storingProxy(made, BACK, { params: OLD })
    expect(await later.lookup()).toBe(200)
    await later.register({ cseq: 2 })
    await later.stop()
    expect(made.textRows()).toHaveLength(1)
  })

  it('without ids a contact that changes its Call-ID, and those beside it, keep one row each', async () => {
    const made = new Databases().text(SHORT, [], 'location:6')
    const proxy = await storingProxy(made, THROUGH, { params: OLD })
    await proxy.register()
    await proxy.register({ contact: '<sip:bob@127.0.0.1:5073>', callId: 'r2' })
    await proxy.register({ aor: 'Bob@127.0.0.1', callId: 'r9' })
    await proxy.register({ callId: 'r3' })
    await proxy.register({ contact: '<sip:bob@127.0.0.1:5073>;expires=0', callId: 'r2', cseq: 2 })
    await proxy.stop()
    expect(made.textRows().map(row => row.split(':')[0] + row.slice(row.indexOf(':r')).slice(0, 3))).toEqual([
      'Bob:r9',
      'bob:r3',
    ])
  })

  it('rows that cannot be used are left out, logged and kept; dates and numeric flags of 2.x are read', async () => {
    const made = new Databases().sqlite()
    const insert = (id: string, contact: string, expires: string, cflags = 'NULL') =>
      made.sql(
        `INSERT INTO location (contact_id, username, domain, contact, expires, cflags) VALUES (${id}, 'u${id}', 'x', '${contact}', ${expires}, ${cflags}) RETURNING 1`,
      )
    insert('1', 'not a uri', '0')
    insert('2', 'sip:a@192.0.2.1', "'soon'")
    insert('3', 'sip:b@192.0.2.1', "'2099-01-01 00:00:00'", "'0'")
    insert('9007199254740993', 'sip:c@192.0.2.1', '0')
    const proxy = await storingProxy(made, BACK)
    expect(proxy.stat('registered_users')).toBe(2)
    expect(proxy.log.filter(line => line.includes('a row of a table is left out'))).toHaveLength(2)
    expect(await proxy.mi('ul_show_contact', ['location', 'u9007199254740993@x'])).toMatchObject({
      Contacts: [{ Contact: 'sip:c@192.0.2.1', Expires: 'permanent' }],
    })
    await proxy.mi('ul_rm', ['location', 'u9007199254740993@x'])
    await proxy.stop()
    expect(made.sql('SELECT username FROM location').map(row => row['username'])).toEqual(['u1', 'u2', 'u3'])
  })
})

describe('the table as it is declared', () => {
  it('can be made, and holds every kind of contact', async () => {
    const made = new Databases()
    const { clock, folder } = made
    const store = await new SqliteDriver({ busyTimeoutMs: 0 }).open(join(folder, 'db'), {
      directory: folder,
      log: NO_LOG,
    })
    await new Database(store, NO_LOG, 'version', 'sqlite://db').create(LOCATION_TABLE)
    await store.close()
    const proxy = await storingProxy(made, THROUGH)
    await proxy.register({ contact: '<sip:bob@127.0.0.1:5072>;q=0.3' })
    await proxy.mi('ul_add', ['location', BOB, 'sip:for-ever@192.0.2.1', 0, '', 0, '', 8191])
    expect(made.sql('SELECT contact, expires, q, methods, last_modified FROM location')).toEqual([
      {
        contact: 'sip:bob@127.0.0.1:5072',
        expires: clock.nowMs() / 1000 + 3600,
        q: 0.3,
        methods: null,
        last_modified: String(clock.nowMs() / 1000),
      },
      expect.objectContaining({ contact: 'sip:for-ever@192.0.2.1', expires: 0, q: -1, methods: 8191 }),
    ])
    await proxy.register({ cseq: 2, contact: '<sip:bob@127.0.0.1:5072>;q=0.4' })
    await proxy.stop()
    expect(made.sql('SELECT q FROM location')).toEqual([{ q: 0.4 }, { q: -1 }])
  })
})

describe('a database that fails', () => {
  const broken = (made: Databases) => made.sql('ALTER TABLE location RENAME TO gone')
  const repaired = (made: Databases) => made.sql('ALTER TABLE gone RENAME TO location')

  it(`${THROUGH}: the registration is answered 500 and counted, lookups go on, the timer writes what is left`, async () => {
    const made = new Databases().sqlite()
    const proxy = await storingProxy(made, THROUGH)
    broken(made)
    const refused = await proxy.register()
    expect([refused.status, headerOf(refused, 'P-Registrar-Error')]).toEqual([500, 'The location store failed'])
    expect([proxy.stat('db_failures'), proxy.stat('db_pending'), proxy.stat('rejected_regs')]).toEqual([1, 1, 1])
    expect(await proxy.lookup()).toBe(200)
    repaired(made)
    await made.clock.advance(10_000)
    await until(() => proxy.stat('db_pending') === 0)
    expect(made.sql('SELECT username FROM location')).toEqual([{ username: 'bob' }])
  })

  it(`${BACK}: registrations and lookups go on, and everything is written when it is back`, async () => {
    const made = new Databases().sqlite()
    const proxy = await storingProxy(made, BACK)
    broken(made)
    for (let i = 1; i <= 3; i++) {
      expect((await proxy.register({ cseq: i })).status).toBe(200)
      await made.clock.advance(10_000)
      await until(() => proxy.stat('db_failures') === i)
    }
    expect([proxy.stat('db_failures'), proxy.stat('db_pending')]).toEqual([3, 1])
    await expect(proxy.mi('ul_flush')).rejects.toThrow('Not every contact was written')
    repaired(made)
    expect(await proxy.mi('ul_flush')).toBe('OK')
    expect(made.sql('SELECT cseq FROM location')).toEqual([{ cseq: 3 }])
  })

  it('sql-only: a registration is answered 500, a lookup finds nothing, and both are counted', async () => {
    const made = new Databases().sqlite()
    const proxy = await storingProxy(made, 'sql-only')
    broken(made)
    expect((await proxy.register()).status).toBe(500)
    expect(await proxy.lookup()).toBe(404)
    expect(proxy.stat('db_failures')).toBe(2)
    repaired(made)
    expect((await proxy.register()).status).toBe(200)
  })

  it.each([
    ['sqlite://@DIR@/none', 'there is no table location'],
    ['mysql://localhost/x', 'no loaded module serves mysql://'],
  ])('db_url %s stops the start', async (url, reason) => {
    const script = `loadmodule "db_sqlite.so"\nloadmodule "signaling.so"\nloadmodule "sl.so"\nloadmodule "usrloc.so"\nloadmodule "registrar.so"
modparam("usrloc", "db_mode", 1)\nmodparam("usrloc", "db_url", "${url}")\nroute { save("location"); }`
    await expect(startProxy(script)).rejects.toThrow(reason)
  })

  it('a mode with a database and no db_url stops the start', async () => {
    const script =
      'loadmodule "signaling.so"\nloadmodule "sl.so"\nloadmodule "usrloc.so"\nmodparam("usrloc", "db_mode", 2)\nroute { exit; }'
    await expect(startProxy(script)).rejects.toThrow('needs a database: set db_url')
  })
})

describe('many contacts', () => {
  it('a write-back of 600 contacts lets requests through between its slices', async () => {
    const made = new Databases().sqlite()
    const proxy = await storingProxy(made, BACK)
    for (let i = 0; i < 600; i++)
      await proxy.mi('ul_add', ['location', `u${i}@x`, `sip:u${i}@192.0.2.1`, 0, '', 0, '', 0])
    const flushed = proxy.mi('ul_flush')
    expect(await proxy.lookup('u1@x')).toBe(200)
    expect(proxy.stat('db_pending')).toBeGreaterThan(0)
    expect(await flushed).toBe('OK')
    expect(made.sql('SELECT count(*) AS n FROM location')).toEqual([{ n: 600 }])
  })

  it('a REGISTER with 500 contacts has 500 rows when it is answered, and none when it is taken back', async () => {
    const made = new Databases().sqlite()
    const proxy = await storingProxy(made, THROUGH)
    const contact = Array.from({ length: 500 }, (_, i) => `<sip:bob@192.0.2.1:${1000 + i}>`).join(', ')
    const reply = await proxy.register({ contact })
    expect([reply.status, headerOf(reply, 'Contact').split(', ').length]).toEqual([200, 500])
    const count = () => made.sql('SELECT count(*) AS n FROM location')[0]?.['n']
    expect([count(), proxy.stat('db_pending'), proxy.stat('location-contacts')]).toEqual([500, 0, 500])
    expect((await proxy.register({ contact: '*', cseq: 2, headers: 'Expires: 0\r\n' })).status).toBe(200)
    expect([count(), proxy.stat('db_pending'), proxy.stat('location-contacts')]).toEqual([0, 0, 0])
  })

  it('a flood of one REGISTER is answered each time, counted, and is one row', async () => {
    const made = new Databases().sqlite()
    const proxy = await storingProxy(made, THROUGH)
    const text = proxy.phone.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', callId: 'r1' })
    // No more at once than the socket's buffer holds.
    for (const sent of [50, 100, 150, 200]) {
      for (let i = 0; i < 50; i++) proxy.phone.send(text, proxy.port)
      await until(() => proxy.phone.count({ status: 200 }) === sent)
    }
    expect(made.sql('SELECT count(*) AS n FROM location')).toEqual([{ n: 1 }])
    expect([proxy.stat('accepted_regs'), proxy.stat('location-contacts')]).toEqual([200, 1])
  })

  it('a table of text with 2000 rows is read at start', async () => {
    const made = new Databases().text(
      'username(str) domain(str,null) contact(str) expires(int) callid(str) cseq(int)',
      Array.from({ length: 2000 }, (_, i) => `u${i}:x:sip\\:u${i}@192.0.2.1:0:c:1`),
    )
    const proxy = await storingProxy(made, BACK)
    expect(proxy.stat('registered_users')).toBe(2000)
  })
})
