import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatValues, parseMemberships, parseValues } from '../../../src/modules/dialog/stored-values.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { headerOf } from '../../support/sip-ua.ts'
import { callsDatabase, createTables } from '../acc/database-rig.ts'
import { answerByes, Call, callRig } from './call-rig.ts'

const START_S = 1_800_000_000
const clockAt = () => new VirtualClock(START_S * 1000)
const head = (url: string, mode: number, more = '') => `
loadmodule "db_sqlite.so"
modparam("dialog", "db_url", "${url}")
modparam("dialog", "db_mode", ${mode})
modparam("dialog", "profiles_with_value", "caller")
${more}`
const INVITE =
  'create_dialog("bye-on-timeout"); $dlg_val(who) = "a|b#c"; $dlg_val(n) = 7; set_dlg_flag("vip"); set_dlg_profile("caller", "x");'
const INSIDE =
  'if (is_method("INFO") && is_in_profile("caller", "x")) xlog("inside $DLG_status $dlg_val(who) $dlg_val(n) $DLG_flags $DLG_dir\\n");'

describe('dialogs kept in a database (db_mode 1)', () => {
  it('are written when they change, and are gone when they end', async () => {
    const { url, rows } = await callsDatabase('dialog')
    const rig = await callRig({ clock: clockAt(), head: head(url, 1), invite: INVITE })
    const call = await new Call(rig, 'real').establish()
    await rig.until('the confirmed row', () => rows('dialog')[0]?.['state'] === 4)
    expect(rows('dialog')).toMatchObject([
      {
        callid: 'real',
        from_tag: 'real-a',
        to_tag: 'real-b',
        caller_cseq: '1',
        caller_contact: rig.alice.uri,
        callee_contact: rig.bob.uri,
        caller_sock: `udp:127.0.0.1:${rig.proxy.port}`,
        start_time: START_S,
        timeout: START_S + 43_200,
        vars: 'who#a\\|b\\#c|n##7|',
        profiles: 'caller#x|',
        script_flags: 'vip',
      },
    ])
    const { Dialogs } = (await rig.mi('dlg_list')) as { Dialogs: { db_id: string }[] }
    expect(String(rows('dialog')[0]?.['dlg_id'])).toBe(Dialogs[0]?.db_id)
    await call.hangUp()
    await rig.until('no row', () => rows('dialog').length === 0)
  })

  it('go on after a restart: values, flags, profiles, states and routes are there', async () => {
    const { url, rows } = await callsDatabase('dialog')
    const rig = await callRig({ clock: clockAt(), head: head(url, 1), invite: INVITE, inside: INSIDE })
    const call = await new Call(rig, 'again').establish()
    await rig.until('the row', () => rows('dialog')[0]?.['state'] === 4)
    await rig.restart()
    expect(rig.statistic('dialog:active_dialogs')).toBe(1)
    expect(await rig.mi('profile_get_size', ['caller', 'x'])).toMatchObject({ Profile: { count: 1 } })
    call.fromBob('INFO')
    rig.alice.reply(await rig.alice.nextRequest('INFO'), 200, 'OK')
    await rig.bob.nextReply(200, 'INFO')
    expect(rig.proxy.log.join('')).toContain('inside 4 a|b#c 7 vip upstream')
    await call.hangUp()
    expect(await rig.event('E_DLG_STATE_CHANGED', 4)).toMatchObject({ callid: 'again', old_state: 4, new_state: 5 })
    await rig.until('no row', () => rows('dialog').length === 0)
    expect(await rig.mi('profile_get_size', ['caller', 'x'])).toMatchObject({ Profile: { count: 0 } })
  })

  it('end after a restart when they would have, with BYEs in the right order of CSeq', async () => {
    const clock = clockAt()
    const { url, rows } = await callsDatabase('dialog')
    const rig = await callRig({ clock, head: head(url, 1), invite: `${INVITE} $DLG_timeout = 60;` })
    const call = await new Call(rig, 'life').establish()
    call.fromAlice('INFO', 5)
    rig.bob.reply(await rig.bob.nextRequest('INFO'), 200, 'OK')
    await rig.alice.nextReply(200, 'INFO')
    await rig.until('the row', () => rows('dialog')[0]?.['caller_cseq'] === '5')
    await clock.advance(50_000)
    await rig.restart()
    await clock.advance(9_000)
    expect(rig.bob.count({ method: 'BYE' })).toBe(0)
    await clock.advance(1_000)
    await answerByes(rig)
    const [bye] = rig.bob.received.filter(({ method }) => method === 'BYE')
    expect(headerOf(bye!, 'CSeq')).toBe('6 BYE')
    expect(rig.statistic('dialog:expired_dialogs')).toBe(1)
  })

  it('are not taken over when their lifetime is over', async () => {
    const clock = clockAt()
    const { url, rows } = await callsDatabase('dialog')
    const rig = await callRig({ clock, head: head(url, 1), invite: 'create_dialog(); $DLG_timeout = 10;' })
    await new Call(rig, 'old').establish()
    await rig.until('the row', () => rows('dialog').length === 1)
    await rig.proxy.proxy.stop(AbortSignal.abort())
    await clock.advance(20_000)
    await rig.restart()
    expect(await rig.mi('dlg_list')).toEqual({ Dialogs: [] })
    expect(rows('dialog')).toEqual([])
  })

  it('wait for a database that is away, and calls do not', async () => {
    const clock = clockAt()
    const { url, file, rows } = await callsDatabase('dialog')
    const rig = await callRig({
      clock,
      head: head(url, 1, 'modparam("db_sqlite", "busy_timeout", 0)'),
      invite: 'create_dialog();',
    })
    file.exec('BEGIN EXCLUSIVE')
    const call = await new Call(rig, 'away').establish()
    await rig.until('a failure', () => rig.statistic('dialog:db_failures') > 0)
    expect(rig.proxy.log.join('')).toMatch(
      /ERROR:dialog: a dialog could not be written to the database: it is tried again/,
    )
    file.exec('ROLLBACK')
    await clock.advance(5_000)
    await rig.until('the row', () => rows('dialog').length === 1)
    await call.hangUp()
    await rig.until('no row', () => rows('dialog').length === 0)
  })
})

describe('dialogs kept in a database now and then (db_mode 2)', () => {
  it('are written every db_update_period, with all that has changed', async () => {
    const clock = clockAt()
    const { url, rows } = await callsDatabase('dialog')
    const rig = await callRig({
      clock,
      head: head(url, 2, 'modparam("dialog", "db_update_period", 10)'),
      invite: INVITE,
    })
    const short = await new Call(rig, 'short').establish()
    await new Call(rig, 'long').establish()
    await short.hangUp()
    expect(rows('dialog')).toEqual([])
    await clock.advance(10_000)
    await rig.until('the row', () => rows('dialog').length === 1)
    expect(rows('dialog')).toMatchObject([{ callid: 'long', state: 4 }])
  })

  it('are written at the end too', async () => {
    const { url, rows } = await callsDatabase('dialog')
    const rig = await callRig({ clock: clockAt(), head: head(url, 2), invite: INVITE })
    await new Call(rig, 'end').establish()
    await rig.restart()
    expect(rows('dialog')).toMatchObject([{ callid: 'end' }])
    expect(rig.statistic('dialog:active_dialogs')).toBe(1)
  })
})

describe('dialogs kept in a database at the end only (db_mode 3)', () => {
  it('are there after the restart, and the table is empty meanwhile', async () => {
    const { url, rows } = await callsDatabase('dialog')
    const rig = await callRig({ clock: clockAt(), head: head(url, 3), invite: INVITE })
    const call = await new Call(rig, 'last').establish()
    expect(rows('dialog')).toEqual([])
    await rig.proxy.proxy.stop(AbortSignal.abort())
    expect(rows('dialog')).toMatchObject([{ callid: 'last' }])
    await rig.restart()
    expect(rows('dialog')).toEqual([])
    await call.hangUp()
  })
})

describe('changes of values alone', () => {
  it.each([
    [0, 'v##1|'],
    [1, 'v##1|other#y|'],
  ])('with db_flush_vals_profiles %i the row then says %s', async (flush, expected) => {
    const { url, rows } = await callsDatabase('dialog')
    const rig = await callRig({
      clock: clockAt(),
      head: head(url, 1, `modparam("dialog", "db_flush_vals_profiles", ${flush})`),
      invite: 'create_dialog(); $dlg_val(v) = 1;',
    })
    await new Call(rig, 'vals').establish()
    await rig.until('the row', () => rows('dialog')[0]?.['state'] === 4)
    await rig.mi('dialog:push_var', ['other', 'x', 'vals'])
    await rig.mi('dialog:push_var', ['other', 'y', 'vals'])
    await rig.until('the values', () => rows('dialog')[0]?.['vars'] === expected)
  })
})

describe('management', () => {
  it('takes calls over from the table, and writes the table anew', async () => {
    const { url, file, rows } = await callsDatabase('dialog')
    const rig = await callRig({ clock: clockAt(), head: head(url, 1), invite: 'create_dialog();' })
    await new Call(rig, 'mine').establish()
    await rig.until('the row', () => rows('dialog')[0]?.['state'] === 4)
    file.exec(
      "INSERT INTO dialog SELECT * FROM dialog; UPDATE dialog SET dlg_id = 4294967297, callid = 'theirs' WHERE rowid = 2",
    )
    expect(await rig.mi('dlg_db_sync')).toBe('OK')
    expect(rig.statistic('dialog:active_dialogs')).toBe(2)
    file.exec('DELETE FROM dialog')
    expect(await rig.mi('dlg_restore_db')).toBe('OK')
    expect(rows('dialog').map(({ callid }) => callid)).toEqual(['mine', 'theirs'])
  })

  it('without a database is told so', async () => {
    const rig = await callRig({ invite: 'create_dialog();' })
    for (const command of ['dialog:db_sync', 'dialog:restore_db'])
      await expect(rig.mi(command)).rejects.toMatchObject({ code: 400, message: 'Dialogs are not kept in a database' })
  })
})

describe('names of tables and columns', () => {
  it('are those of the parameters, also in files of db_text', async () => {
    const { folder } = await callsDatabase('acc')
    const url = `text://${join(folder, 'text')}`
    await createTables(url, 'dialog=calls')
    const rig = await callRig({
      clock: clockAt(),
      head: `loadmodule "db_text.so"\nmodparam("dialog", "db_url", "${url}")\nmodparam("dialog", "db_mode", 1)
        modparam("dialog", "table_name", "calls")`,
      invite: INVITE.replace(/set_dlg_profile.*/, ''),
    })
    await new Call(rig, 'text').establish()
    await rig.restart()
    expect(readFileSync(join(folder, 'text', 'calls'), 'utf8')).toContain(':text:')
    expect(rig.statistic('dialog:active_dialogs')).toBe(1)
    expect(existsSync(join(folder, 'text', 'dialog'))).toBe(false)
  })
})

describe('the columns vars and profiles', () => {
  it('hold any text', () => {
    const values = [
      ['a', 'x|y#z\\'],
      ['#', ''],
      ['n', -3],
      ['t', '#5'],
    ] as const
    expect(parseValues(formatValues(new Map<string, string | number>(values)))).toEqual(values)
    expect(parseMemberships('a#1|b#|')).toEqual([
      ['a', '1'],
      ['b', ''],
    ])
    expect(parseValues('nothing')).toEqual([])
  })
})
