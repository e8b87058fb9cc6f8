import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { Call, type CallRig, callRig } from '../dialog/call-rig.ts'
import { callsDatabase, createTables } from './database-rig.ts'

const START_S = 1_800_000_000
const clockAt = () => new VirtualClock(START_S * 1000 + 250)
const sqlite = (url: string, more = '') =>
  `loadmodule "db_sqlite.so"\nmodparam("acc", "db_url", "${url}")\nmodparam("db_sqlite", "busy_timeout", 0)\n${more}`

async function busy(rig: CallRig, callId: string): Promise<void> {
  const call = await new Call(rig, callId).begin()
  rig.bob.reply(call.arrived, 486, 'Busy Here', { toTag: `${callId}-b` })
  rig.alice.ack(call.invite, await rig.alice.nextReply(486), rig.proxy.port)
}

describe('accounting in a database', () => {
  it('puts one row for each call into acc, with its times', async () => {
    const clock = clockAt()
    const { url, rows } = await callsDatabase()
    const rig = await callRig({ clock, head: sqlite(url), invite: 'do_accounting("log|db|evi", "cdr|missed");' })
    const call = await new Call(rig, 'row').begin()
    await clock.advance(2300)
    await call.accept()
    await call.acknowledge()
    await clock.advance(4200)
    await call.hangUp()
    await rig.until('the row', () => rows('acc').length > 0)
    expect(rows('acc')).toEqual([
      {
        id: 1,
        method: 'INVITE',
        from_tag: 'row-a',
        to_tag: 'row-b',
        callid: 'row',
        sip_code: '200',
        sip_reason: 'OK',
        time: START_S + 2,
        duration: 5,
        ms_duration: 4200,
        setuptime: 2,
        created: START_S,
        recovered: 0,
      },
    ])
    expect(await rig.event('E_ACC_CDR')).toMatchObject({ callid: 'row', duration: 5 })
    expect(rig.proxy.log.join('')).toContain('ACC: call ended: ')
    expect(rows('missed_calls')).toEqual([])
  })

  it('puts failed calls into missed_calls, and answered transactions without "cdr" into acc', async () => {
    const { url, rows } = await callsDatabase()
    const rig = await callRig({ clock: clockAt(), head: sqlite(url), invite: 'do_accounting("db", "missed");' })
    await busy(rig, 'missed')
    await (await new Call(rig, 'plain').establish()).hangUp()
    await rig.until('both rows', () => rows('acc').length + rows('missed_calls').length === 2)
    expect(rows('missed_calls')).toMatchObject([{ callid: 'missed', sip_code: '486', sip_reason: 'Busy Here' }])
    expect(rows('acc')).toMatchObject([{ callid: 'plain', sip_code: '200', duration: 0, ms_duration: 0 }])
  })

  it('takes names of tables and columns from the parameters, and added columns from variables', async () => {
    const { url, file, rows } = await callsDatabase('acc=calls', 'missed_calls')
    file.exec('ALTER TABLE calls RENAME COLUMN callid TO call_id')
    file.exec('ALTER TABLE missed_calls RENAME COLUMN callid TO call_id')
    for (const column of ['who', 'agent', 'leg_to'])
      for (const table of ['calls', 'missed_calls']) file.exec(`ALTER TABLE ${table} ADD COLUMN ${column} TEXT`)
    const rig = await callRig({
      clock: clockAt(),
      head: sqlite(
        url,
        `modparam("acc", "db_table_acc", "calls")
        modparam("acc", "acc_callid_column", "call_id")
        modparam("acc", "extra_fields", "db: caller->who")
        modparam("acc", "leg_fields", "db: to->leg_to")
        modparam("acc", "db_extra", "agent=$ua")`,
      ),
      invite:
        '$acc_extra(caller) = $fU; $acc_leg(to) = "bob"; acc_new_leg(); $acc_leg(to) = "carol"; do_accounting("db", "cdr");',
    })
    await (await new Call(rig, 'named', { headers: 'User-Agent: Phone 2\r\n' }).establish()).hangUp()
    await rig.until('a row for each leg', () => rows('calls').length === 2)
    expect(rows('calls')).toMatchObject([
      { call_id: 'named', who: 'alice', agent: 'Phone 2', leg_to: 'bob' },
      { call_id: 'named', who: 'alice', agent: 'Phone 2', leg_to: 'carol' },
    ])
  })

  it('goes into the table that a function names', async () => {
    const { url, rows } = await callsDatabase('acc', 'missed_calls', 'acc=special', 'acc=requests')
    const rig = await callRig({
      clock: clockAt(),
      head: sqlite(url),
      invite: 'acc_db_request("183 Early", "requests"); do_accounting("db", "cdr", "special");',
    })
    await (await new Call(rig, 'special').establish()).hangUp()
    await rig.until('both rows', () => rows('special').length + rows('requests').length === 2)
    expect(rows('requests')).toMatchObject([{ callid: 'special', sip_code: '183', sip_reason: 'Early' }])
    expect(rows('acc')).toEqual([])
  })

  it('writes files of db_text when it is told to', async () => {
    const { folder } = await callsDatabase()
    const url = `text://${join(folder, 'text')}`
    await createTables(url, 'acc', 'missed_calls')
    const rig = await callRig({
      clock: clockAt(),
      head: `loadmodule "db_text.so"\nmodparam("acc", "db_url", "${url}")`,
      invite: 'do_accounting("db", "missed");',
    })
    await busy(rig, 'file')
    await rig.until('no row waits', () => rig.statistic('acc:db_queued') === 0)
    expect(await rig.mi('dbt_dump')).toBe('OK')
    expect(readFileSync(join(folder, 'text', 'missed_calls'), 'utf8')).toMatch(
      /\n1:INVITE:file-a:file-b:file:486:Busy Here:\d+:0:\d+\n$/,
    )
  })
})

describe('a database that does not take rows', () => {
  it('holds no message up; rows wait for it, and it is said and counted', async () => {
    const clock = clockAt()
    const { url, file, rows } = await callsDatabase()
    const rig = await callRig({ clock, head: sqlite(url), invite: 'do_accounting("db", "cdr");' })
    file.exec('BEGIN EXCLUSIVE')
    for (const name of ['w1', 'w2', 'w3']) await (await new Call(rig, name).establish()).hangUp()
    await rig.until('a failed attempt', () => rig.statistic('acc:db_retries') > 0)
    expect(rig.statistic('acc:db_queued')).toBe(3)
    expect(rig.proxy.log.join('')).toMatch(
      /ERROR:acc: the database did not take a row of accounting: it is tried again .*callid="?w1/,
    )
    file.exec('ROLLBACK')
    await clock.advance(1000)
    await rig.until('the rows', () => rows('acc').length === 3)
    expect(rows('acc').map(({ callid }) => callid)).toEqual(['w1', 'w2', 'w3'])
    expect([rig.statistic('acc:db_failures'), rig.statistic('acc:db_dropped')]).toEqual([0, 0])
  })

  it('makes no more rows wait than db_max_queued', async () => {
    const { url, file, rows } = await callsDatabase()
    const rig = await callRig({
      clock: clockAt(),
      head: sqlite(url, 'modparam("acc", "db_max_queued", 2)'),
      invite: 'do_accounting("db");',
    })
    file.exec('BEGIN EXCLUSIVE')
    for (const name of ['q1', 'q2', 'q3', 'q4']) await new Call(rig, name).establish()
    await rig.until('dropped rows', () => rig.statistic('acc:db_dropped') === 2)
    expect(rig.proxy.log.join('')).toContain('a row of accounting was dropped: too many wait for the database')
    file.exec('ROLLBACK')
    await rig.proxy.proxy.stop(AbortSignal.timeout(5_000))
    expect(rows('acc').map(({ callid }) => callid)).toEqual(['q1', 'q2'])
  })

  it('leaves CDRs beyond that to the next process', async () => {
    const { url, file, rows } = await callsDatabase()
    const rig = await callRig({
      clock: clockAt(),
      head: sqlite(url, 'modparam("acc", "db_max_queued", 1)'),
      invite: 'do_accounting("db|evi", "cdr");',
    })
    file.exec('BEGIN EXCLUSIVE')
    for (const name of ['r1', 'r2', 'r3']) await (await new Call(rig, name).establish()).hangUp()
    await rig.until('dropped rows', () => rig.statistic('acc:db_dropped') === 2)
    expect(rig.statistic('acc:journalled_calls')).toBe(3)
    file.exec('ROLLBACK')
    // The first is written while the proxy ends; the next one has room for one at a time.
    await rig.proxy.proxy.stop(AbortSignal.timeout(5_000))
    for (let starts = 0; starts < 2; starts++) {
      await rig.restart()
      await rig.until('no row waits', () => rig.statistic('acc:db_queued') === 0)
    }
    expect(rows('acc').map(({ callid, recovered }) => [callid, recovered])).toEqual([
      ['r1', 0],
      ['r2', 1],
      ['r3', 1],
    ])
    expect(rig.events.filter(([name]) => name === 'E_ACC_CDR')).toHaveLength(3)
  })

  it('that refuses a row loses that one only, with an error', async () => {
    const { url, file, rows } = await callsDatabase()
    file.exec(
      "CREATE TRIGGER no BEFORE INSERT ON acc WHEN NEW.callid = 'bad' BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed'); END",
    )
    const rig = await callRig({ clock: clockAt(), head: sqlite(url), invite: 'do_accounting("db");' })
    for (const name of ['good', 'bad', 'fine']) await new Call(rig, name).establish()
    await rig.until('the rows', () => rows('acc').length === 2)
    expect(rig.statistic('acc:db_failures')).toBe(1)
    expect(rig.proxy.log.join('')).toMatch(
      /ERROR:acc: the database refused a row of accounting: it is lost .*callid="?bad/,
    )
  })
})
