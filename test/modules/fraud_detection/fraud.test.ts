import { describe, expect, it } from 'vitest'
import { CallCounts, CountTable } from '../../../src/modules/fraud_detection/call-counts.ts'
import { FRAUD_TABLE } from '../../../src/modules/fraud_detection/table-source.ts'
import { isInHours, parseDays, parseHour } from '../../../src/modules/fraud_detection/week-hours.ts'
import { recordedEvents } from '../../support/recorded.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { type TableRow, tableFile } from '../../support/table-files.ts'
import { modparams, tableProxy } from '../../support/table-proxy.ts'

interface FraudOptions {
  readonly rules: readonly TableRow[]
  readonly params?: Readonly<Record<string, string | number>>
}

/** A proxy that relays calls to bob, or refuses those with the header X-No, and tells what check_fraud gave. */
async function watched({ rules, params = {} }: FraudOptions) {
  const bob = await SipUa.open('bob')
  const script = `
log_level=4
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "rr.so"
loadmodule "dialog.so"
loadmodule "db_text.so"
loadmodule "fraud_detection.so"
${modparams('fraud_detection', { db_url: 'text://@DB@', use_utc_time: 1, ...params })}
route {
    if (has_totag()) { loose_route(); t_relay(); exit; }
    record_route();
    check_fraud($fU, $rU, 1);
    $var(rc) = $rc;
    if ($hdr(X-No) != NULL || !is_method("INVITE")) { send_reply(299, "$var(rc)"); exit; }
    $du = "sip:127.0.0.1:${bob.port}";
    t_relay();
}
`
  const proxy = await tableProxy({ script, tables: { fraud_detection: tableFile(FRAUD_TABLE, rules) } })
  const { phone, port, mi, clock, raised } = proxy
  return {
    ...proxy,
    bob,
    /** A call that is refused at once; gives what check_fraud gave. */
    refused: async (number: string, method = 'INVITE'): Promise<string> => {
      const request = phone.request(method, port, { uri: `sip:${number}@127.0.0.1`, headers: 'X-No: 1\r\n' })
      const reply = await phone.nextReply(299)
      if (method === 'INVITE') phone.ack(request, reply, port)
      return reply.reason
    },
    alerts: () => raised().filter(event => event.includes('E_FRD')),
    stats: (prefix: string) => mi('show_fraud_stats', { user: 'phone', prefix }),
    minute: () => clock.advance(60_000),
  }
}

const RULE = { profileid: 1, prefix: '99', start_hour: '00:00', end_hour: '23:59' }

describe('check_fraud', () => {
  it('raises events as recorded', async () => {
    const { refused, alerts } = await watched({
      rules: [{ ...RULE, ruleid: 2, cpm_warning: 3, cpm_critical: 5, total_calls_warning: 3, total_calls_critical: 5 }],
    })
    for (let i = 0; i < 6; i++) await refused(`99123${i}`)
    const recorded = recordedEvents('fraud/cpm_and_total').filter(event => event.includes('E_FRD'))
    expect(alerts()).toEqual(recorded.map(event => event.replace('"eve"', '"phone"')))
  })

  it('the rule is that of the longest prefix; counts begin anew when it changes', async () => {
    const { refused, stats } = await watched({
      rules: [{ ...RULE, prefix: '9' }, RULE, { ...RULE, prefix: '88', profileid: 2 }],
    })
    for (const number of ['91', '91', '991']) expect(await refused(number)).toBe('1')
    expect(await refused('881')).toBe('2')
    expect(await stats('9')).toEqual({ cpm: 2, total_calls: 2, concurrent_calls: 0, seq_calls: 2 })
    expect(await stats('99')).toEqual({ cpm: 1, total_calls: 1, concurrent_calls: 0, seq_calls: 1 })
    await expect(stats('88')).rejects.toMatchObject({ code: 404, message: 'No data for this user+number yet!' })
  })

  it('sequential calls are those to one number without another between', async () => {
    const { refused, alerts } = await watched({
      rules: [{ ...RULE, sequential_calls_warning: 2, sequential_calls_critical: 3 }],
    })
    const findings: string[] = []
    for (const number of ['991', '991', '992', '991', '991', '991']) findings.push(await refused(number))
    expect(findings).toEqual(['1', '-1', '1', '1', '-1', '-2'])
    expect(alerts().at(-1)).toContain('"param":"sequential-calls","value":3,"threshold":3')
  })

  it('calls per minute are those of the last sixty seconds; totals are those of the day', async () => {
    const { refused, stats, clock, minute } = await watched({ rules: [RULE] })
    await refused('991')
    await clock.advance(59_000)
    await refused('991')
    expect(await stats('99')).toMatchObject({ cpm: 2, total_calls: 2 })
    await clock.advance(1000)
    expect(await stats('99')).toMatchObject({ cpm: 1 })
    await minute()
    expect(await stats('99')).toMatchObject({ cpm: 0, total_calls: 2 })
    await clock.advance(86_400_000 - (clock.nowMs() % 86_400_000))
    await refused('991')
    expect(await stats('99')).toMatchObject({ total_calls: 1 })
  })

  it('the duration of a call is judged when it ends', async () => {
    const { phone, port, bob, clock, alerts, stats } = await watched({
      rules: [{ ...RULE, call_duration_warning: 5, call_duration_critical: 60 }],
    })
    for (const seconds of [4, 5, 60]) {
      const callId = `of-${seconds}`
      phone.request('INVITE', port, { uri: 'sip:991@127.0.0.1', callId, fromTag: 'f' })
      const invite = await bob.nextRequest('INVITE')
      bob.reply(invite, 200, 'OK')
      const ok = await phone.nextReply(200, 'INVITE')
      const routes = ok.recordRoutes.map(({ uri }) => `Route: <${uri}>\r\n`).join('')
      const inside = { uri: bob.uri, callId, fromTag: 'f', toTag: ok.toTag, headers: routes }
      phone.request('ACK', port, inside)
      await bob.nextRequest('ACK')
      expect(await stats('99')).toMatchObject({ concurrent_calls: 1 })
      await clock.advance(seconds * 1000)
      phone.request('BYE', port, { ...inside, cseq: 2 })
      bob.reply(await bob.nextRequest('BYE'), 200, 'OK')
      await phone.nextReply(200, 'BYE')
      expect(await stats('99')).toMatchObject({ concurrent_calls: 0 })
    }
    expect(alerts()).toEqual([
      expect.stringContaining(
        '"E_FRD_WARNING","params":{"param":"call-duration","value":5,"threshold":5,"user":"phone"',
      ),
      expect.stringContaining('"E_FRD_CRITICAL","params":{"param":"call-duration","value":60,"threshold":60'),
    ])
  })

  it('a request that begins no call is −3', async () => {
    const { refused } = await watched({ rules: [RULE] })
    expect(await refused('991', 'MESSAGE')).toBe('-3')
  })

  it('rules hold at their hours', async () => {
    const { refused, clock } = await watched({ rules: [{ ...RULE, start_hour: '08:00', end_hour: '17:59' }] })
    const at = (hour: number) => clock.advance(((hour - ((clock.nowMs() / 3_600_000) % 24) + 24) % 24) * 3_600_000)
    await at(9)
    expect(await refused('991')).toBe('1')
    await at(18)
    expect(await refused('991')).toBe('2')
  })
})

describe('the table', () => {
  it('rows that are wrong are left out, named with table, row and column; a broken reload keeps the rules', async () => {
    const { refused, log, mi, write } = await watched({
      rules: [
        { ...RULE, prefix: '9x' },
        { ...RULE, start_hour: 'noon' },
        { ...RULE, end_hour: '24:00' },
        { ...RULE, daysoftheweek: 'Mo-Xx' },
        { ...RULE, cpm_warning: -1 },
        RULE,
      ],
    })
    const faults = log.filter(line => line.includes('a row of a table is left out'))
    expect(
      faults.map(line => /table=fraud_detection row=(\d) ruleid=\d column=(\w+)/.exec(line)?.slice(1).join(' ')),
    ).toEqual(['1 prefix', '2 start_hour', '3 end_hour', '4 daysoftheweek', '5 cpm_warning'])
    write('fraud_detection', 'ruleid(int,auto)\n1\n')
    await mi('db_text:reload')
    await expect(mi('fraud_reload')).rejects.toMatchObject({ code: 500, data: expect.stringContaining('prefix') })
    expect(await refused('991')).toBe('1')
    write('fraud_detection', tableFile(FRAUD_TABLE, [{ ...RULE, prefix: '77' }]))
    await mi('db_text:reload')
    expect(await mi('fraud_reload')).toBe('OK')
    expect(await refused('991')).toBe('2')
  })

  it.each([
    ['Mon-Fri, Sun', [0, 1, 2, 3, 4, 5]],
    ['fri-mon', [0, 1, 5, 6]],
    ['Saturday', [6]],
    ['', [0, 1, 2, 3, 4, 5, 6]],
  ])('the days of "%s"', (text, days) => {
    expect([...parseDays(text)].sort()).toEqual(days)
  })

  it.each(['Mon-', 'Mon-Tue-Wed', 'x', 'Mon,,Tue'])('"%s" is no list of days', text => {
    expect(() => parseDays(text)).toThrow('expected days')
  })

  it.each([
    // 2026-01-02 is a Friday.
    ['22:00', '06:00', 'Fri', '2026-01-02T21:59', false],
    ['22:00', '06:00', 'Fri', '2026-01-02T22:00', true],
    ['22:00', '06:00', 'Fri', '2026-01-03T06:00', true],
    ['22:00', '06:00', 'Fri', '2026-01-03T06:01', false],
    ['22:00', '06:00', 'Fri', '2026-01-02T05:00', false],
    ['00:00', '23:59', 'Fri', '2026-01-02T23:59', true],
  ])('%s–%s on %s: %s is %s', (start, end, days, time, expected) => {
    const hours = { days: parseDays(days), startMin: parseHour(start), endMin: parseHour(end) }
    expect(isInHours(hours, Date.parse(`${time}:30Z`))).toBe(expected)
  })
})

describe('counts', () => {
  it('a clock that is set back adds to the last second it knew', () => {
    const counts = new CallCounts()
    counts.add('1', { ruleId: 1, day: 0, second: 100 })
    counts.add('1', { ruleId: 1, day: 0, second: 50 })
    expect([counts.perMinute(100), counts.perMinute(159), counts.perMinute(160)]).toEqual([2, 2, 0])
  })

  it('are kept of a bounded number of users', () => {
    const table = new CountTable()
    table.open('first', '1')
    for (let i = 0; i < 100_000; i++) table.open(`user${i}`, '1')
    expect([table.find('first', '1'), table.find('user0', '1') !== undefined]).toEqual([undefined, true])
  })
})
