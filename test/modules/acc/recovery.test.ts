import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readLines } from '../../../src/modules/acc/journal-lines.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { answerByes, Call, type CallRig, callRig } from '../dialog/call-rig.ts'
import { callsDatabase } from './database-rig.ts'

const START_S = 1_800_000_000
const clockAt = () => new VirtualClock(START_S * 1000 + 250)
const CDR = 'do_accounting("log|evi", "cdr");'
const SDP = 'Content-Type: application/sdp\r\n'
const FLAT = 'loadmodule "event_flatstore.so"'
const SUBSCRIBED = 'startup_route { subscribe_event("E_ACC_CDR", "flatstore:@DIR@/cdr"); }'

const journal = ({ proxy }: CallRig): string => join(proxy.folder, 'test.cfg.calls')
const logged = ({ proxy }: CallRig): readonly string[] => proxy.log.filter(line => line.includes('ACC: call ended: '))
const flatLines = ({ proxy }: CallRig): readonly string[] => {
  const file = join(proxy.folder, 'cdr')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}

/** State of the only call in the journal; 0 without one. */
const stateIn = (rig: CallRig): number => {
  const file = join(journal(rig), 'calls')
  const [open] = existsSync(file) ? readLines(readFileSync(file, 'utf8')).calls.values() : []
  return open?.call.dialog.row.state ?? 0
}

describe('a call that outlives the proxy', () => {
  it('ends with a record of its whole duration, marked as recovered, when the BYE comes to the next one', async () => {
    const clock = clockAt()
    const { url, rows } = await callsDatabase()
    const rig = await callRig({
      clock,
      head: `loadmodule "db_sqlite.so"\nmodparam("acc", "db_url", "${url}")
        modparam("acc", "extra_fields", "evi: who")\nmodparam("acc", "extra_fields", "log: who")
        modparam("acc", "evi_extra", "agent=$ua")`,
      invite: '$acc_extra(who) = "carol"; do_accounting("log|db|evi", "cdr");',
    })
    const call = await new Call(rig, 'long', { headers: 'User-Agent: Phone 3\r\n' }).begin()
    await clock.advance(1000)
    await call.accept()
    await call.acknowledge()
    await clock.advance(10_400)
    await rig.restart()
    expect(rig.statistic('acc:recovered_calls')).toBe(1)
    expect(rig.statistic('dialog:active_dialogs')).toBe(1)
    await clock.advance(5_000)
    await call.hangUp()
    const record = { callid: 'long', ms_duration: 15_400, duration: 16, setuptime: 1, created: START_S }
    expect(await rig.event('E_ACC_CDR')).toEqual({
      method: 'INVITE',
      from_tag: 'long-a',
      to_tag: 'long-b',
      sip_code: '200',
      sip_reason: 'OK',
      time: START_S + 1,
      who: 'carol',
      agent: 'Phone 3',
      recovered: 1,
      ...record,
    })
    await rig.until('the row', () => rows('acc').length > 0)
    expect(rows('acc')).toMatchObject([{ ...record, recovered: 1 }])
    expect(logged(rig)).toHaveLength(1)
    expect(logged(rig)[0]).toMatch(/;code=200;reason=OK;who=carol;recovered=1\n$/)
    // Nothing is left to be recovered once more.
    await rig.restart()
    expect(rig.statistic('acc:recovered_calls')).toBe(0)
    expect(rows('acc')).toHaveLength(1)
    expect(existsSync(journal(rig))).toBe(false)
  })

  it('ends by its lifetime when no BYE ever comes, and both phones are told', async () => {
    const clock = clockAt()
    const rig = await callRig({ clock, invite: `create_dialog("bye-on-timeout"); $DLG_timeout = 60; ${CDR}` })
    await new Call(rig, 'silent').establish()
    await clock.advance(20_000)
    await rig.restart()
    await clock.advance(39_999)
    expect(rig.events.filter(([name]) => name === 'E_ACC_CDR')).toEqual([])
    await clock.advance(1)
    expect(await rig.event('E_ACC_CDR')).toMatchObject({ callid: 'silent', ms_duration: 60_000, recovered: 1 })
    await answerByes(rig)
  })

  it('whose lifetime ended while no proxy ran has lasted until then', async () => {
    const clock = clockAt()
    const rig = await callRig({
      clock,
      head: `${FLAT}\nmodparam("dialog", "default_timeout", 30)`,
      invite: CDR,
      routes: SUBSCRIBED,
    })
    await new Call(rig, 'over').establish()
    await rig.proxy.proxy.stop(AbortSignal.abort())
    await clock.advance(100_000)
    await rig.restart()
    await clock.advance(0)
    await rig.until('the record', () => flatLines(rig).length === 1)
    expect(flatLines(rig)[0]).toBe(`E_ACC_CDR,INVITE,over-a,over-b,over,200,OK,${START_S},30,30000,0,${START_S},1`)
  })

  it('keeps the times of the BYE that was never answered', async () => {
    const clock = clockAt()
    const rig = await callRig({ clock, head: FLAT, invite: CDR, routes: SUBSCRIBED })
    const call = await new Call(rig, 'bye').establish()
    await clock.advance(7_000)
    call.fromAlice('BYE')
    await rig.bob.nextRequest('BYE')
    await rig.restart()
    // Written at the start, for those who subscribe in startup_route.
    await rig.until('the record', () => flatLines(rig).length === 1)
    expect(flatLines(rig)[0]).toBe(`E_ACC_CDR,INVITE,bye-a,bye-b,bye,200,OK,${START_S},7,7000,0,${START_S},1`)
  })

  it('is the same call after several restarts, and takes values on', async () => {
    const clock = clockAt()
    const rig = await callRig({
      clock,
      head: 'modparam("acc", "extra_fields", "evi: who; note")',
      invite: `$acc_extra(who) = "carol"; ${CDR} $dlg_val(seen) = 1;`,
      inside: `if (is_method("INFO")) { acc_load_ctx_from_dlg(); $acc_extra(note) = "late $dlg_val(seen)"; acc_unload_ctx_from_dlg(); }`,
    })
    const call = await new Call(rig, 'often').establish()
    await rig.restart()
    call.fromAlice('INFO')
    rig.bob.reply(await rig.bob.nextRequest('INFO'), 200, 'OK')
    await rig.alice.nextReply(200, 'INFO')
    await rig.restart()
    await clock.advance(1_500)
    call.fromBob('BYE')
    rig.alice.reply(await rig.alice.nextRequest('BYE'), 200, 'OK')
    expect(await rig.event('E_ACC_CDR')).toMatchObject({
      callid: 'often',
      who: 'carol',
      note: 'late 1',
      ms_duration: 1_500,
      recovered: 1,
    })
  })

  it('has the session, the Contact and the state it had last', async () => {
    const rig = await callRig({ clock: clockAt(), invite: CDR })
    const call = await new Call(rig, 'moved', { body: 'v=0\r\ns=first\r\n', headers: SDP }).establish()
    call.fromAlice('INVITE', ++call.aliceCseq, '')
    const renewed = await rig.bob.nextRequest('INVITE')
    const moved = rig.bob.makeReply(renewed, 200, 'OK', { headers: SDP, body: 'v=0\r\ns=second\r\n' })
    rig.bob.send(moved.replace(/Contact: .*/, 'Contact: <sip:bob@127.0.0.1:9>'), rig.proxy.port)
    await rig.alice.nextReply(200, 'INVITE')
    const before = await rig.mi('dlg_list')
    expect(before).toMatchObject({
      Dialogs: [
        {
          state: 4,
          caller_sdp: 'v=0\r\ns=first\r\n',
          CALLEES: [{ callee_contact: 'sip:bob@127.0.0.1:9', callee_sdp: 'v=0\r\ns=second\r\n', caller_cseq: '2' }],
        },
      ],
    })
    await rig.restart()
    expect(await rig.mi('dlg_list')).toEqual(before)
  })

  it.each([
    ['create_dialog();', [3, 4]],
    // Pings begin with the ACK: it does not wait.
    ['create_dialog("options-ping-caller");', [4, 4]],
  ])('has got its ACK 0.1 s later at most, with %s', async (create, [before, after]) => {
    const clock = clockAt()
    const rig = await callRig({ clock, invite: create + CDR })
    const call = await new Call(rig, 'ack').begin()
    await call.accept()
    await call.acknowledge()
    await rig.until('the answer', () => stateIn(rig) !== 0)
    await new Promise(resolve => setImmediate(resolve))
    expect(stateIn(rig)).toBe(before)
    await clock.advance(100)
    expect(stateIn(rig)).toBe(after)
    await call.hangUp()
  })

  it('whose event nobody hears is taken out of the journal with the next sync', async () => {
    const clock = clockAt()
    const rig = await callRig({ clock, invite: 'do_accounting("evi", "cdr");', isUnheard: true })
    const call = await new Call(rig, 'unheard').establish()
    await clock.advance(100)
    await call.hangUp()
    await rig.until('the end', () => rig.statistic('acc:journalled_calls') === 0)
    await new Promise(resolve => setImmediate(resolve))
    const left = () => readLines(readFileSync(join(journal(rig), 'calls'), 'utf8')).calls.size
    expect(left()).toBe(1)
    // The sync before may still be under way.
    await expect.poll(() => clock.advance(100).then(left)).toBe(0)
  })

  it('is not journalled with cdr_journal ""', async () => {
    const rig = await callRig({ clock: clockAt(), head: 'modparam("acc", "cdr_journal", "")', invite: CDR })
    await new Call(rig, 'none').establish()
    await rig.restart()
    expect(rig.statistic('acc:recovered_calls')).toBe(0)
  })

  it('is written once to each place: one that had it before the crash does not get it again', async () => {
    const clock = clockAt()
    const { url, file, rows } = await callsDatabase()
    const rig = await callRig({
      clock,
      head: `loadmodule "db_sqlite.so"\nmodparam("acc", "db_url", "${url}")\nmodparam("db_sqlite", "busy_timeout", 0)`,
      invite: 'do_accounting("log|db|evi", "cdr");',
    })
    const call = await new Call(rig, 'half').establish()
    file.exec('BEGIN EXCLUSIVE')
    await call.hangUp()
    await rig.event('E_ACC_CDR')
    await rig.until('a failed attempt', () => rig.statistic('acc:db_retries') > 0)
    await rig.proxy.proxy.stop(AbortSignal.abort())
    expect(rig.proxy.log.join('')).toContain('rows of accounting were not written')
    file.exec('ROLLBACK')
    await rig.restart()
    await rig.until('the row', () => rows('acc').length === 1)
    expect(rows('acc')).toMatchObject([{ callid: 'half', recovered: 1 }])
    expect(logged(rig)).toEqual([])
    expect(rig.events.filter(([name]) => name === 'E_ACC_CDR')).toHaveLength(1)
  })
})

describe('a journal that was damaged', () => {
  it('costs the damaged records only; they are reported, and the file is kept', async () => {
    const rig = await callRig({ clock: clockAt(), invite: CDR })
    const calls = []
    for (const name of ['d1', 'd2', 'd3']) calls.push(await new Call(rig, name).establish())
    await rig.proxy.proxy.stop(AbortSignal.abort())
    const file = join(journal(rig), 'calls')
    const lines = readFileSync(file, 'utf8').split('\n')
    const damaged = lines.map(line => (/"call",.*"d2"/.test(line) ? line.replace('"d2"', '"dX"') : line))
    writeFileSync(file, `${damaged.join('\n')}deadbeef {"op":"call","call":{"id":`)
    await rig.restart()
    expect(rig.statistic('acc:recovered_calls')).toBe(2)
    expect(rig.statistic('acc:journal_damaged')).toBeGreaterThan(0)
    const log = rig.proxy.log.join('')
    expect(log).toMatch(/WARN\w*:acc: the last line of the journal of calls was not written to its end/)
    expect(log).toMatch(/ERROR:acc: lines of the journal of calls are damaged and were passed over .*calls\.damaged/)
    expect(readFileSync(join(journal(rig), 'calls.damaged'), 'utf8')).toContain('"dX"')
    for (const call of [calls[0], calls[2]]) await call?.hangUp()
    await rig.event('E_ACC_CDR', 2)
  })
})

describe('the folder of the journal', () => {
  it('is there only while calls are', async () => {
    const rig = await callRig({ clock: clockAt(), invite: CDR })
    expect(existsSync(journal(rig))).toBe(false)
    const call = await new Call(rig, 'short').establish()
    await rig.until('the journal', () => existsSync(join(journal(rig), 'calls')))
    await call.hangUp()
    await rig.event('E_ACC_CDR')
    await rig.proxy.proxy.stop(AbortSignal.timeout(5_000))
    expect(existsSync(journal(rig))).toBe(false)
  })

  it('that the script names must be usable', async () => {
    await expect(
      callRig({ head: 'modparam("acc", "cdr_journal", "@DIR@/test.cfg/calls")', invite: CDR }),
    ).rejects.toThrow('the folder of cdr_journal cannot be written')
  })
})
