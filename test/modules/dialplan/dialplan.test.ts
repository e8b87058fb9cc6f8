import { describe, expect, it } from 'vitest'
import { DIALPLAN_TABLE } from '../../../src/modules/dialplan/table-source.ts'
import { type TableRow, tableFile } from '../../support/table-files.ts'
import { modparams, tableProxy } from '../../support/table-proxy.ts'

interface PlanOptions {
  readonly rules: readonly TableRow[]
  readonly route?: string
  readonly params?: Readonly<Record<string, string | number | readonly string[]>>
  readonly tables?: Readonly<Record<string, string>>
}

async function planned({ rules, route = 'exit;', params = {}, tables = {} }: PlanOptions) {
  const script = `
loadmodule "sl.so"
loadmodule "db_text.so"
loadmodule "dialplan.so"
${modparams('dialplan', { db_url: 'text://@DB@', ...params })}
route { ${route} }
`
  const proxy = await tableProxy({ script, tables: { dialplan: tableFile(DIALPLAN_TABLE, rules), ...tables } })
  return {
    ...proxy,
    ask: async (number: string): Promise<string> => {
      proxy.phone.request('MESSAGE', proxy.port, { uri: `sip:${number}@127.0.0.1` })
      return (await proxy.phone.nextReply(299)).reason
    },
  }
}

const rule = (match_exp: string, repl_exp = '', more = {}) => ({ dpid: 1, match_op: 1, match_exp, repl_exp, ...more })
const TELL = '$var(rc) = $rc; sl_send_reply(299, "$var(rc) $var(out) $var(attrs)");'

type Case = readonly [string, Readonly<Record<string, string | number>>, string, string, string]

describe('dp_translate', () => {
  it.each<Case>([
    ['^0049(\\d+)$', { subst_exp: '^0049(\\d+)$', repl_exp: '+49\\1' }, '004930', '1 +4930 <null>', 'groups'],
    ['^0', { repl_exp: 'operator' }, '0', '1 operator <null>', 'a replacement alone'],
    ['^0', {}, '012', '1 012 <null>', 'nothing to replace'],
    ['^1', { subst_exp: '^2', repl_exp: 'x' }, '12', '-1 <null> <null>', 'what cannot be taken apart'],
    ['^1', {}, '2', '-1 <null> <null>', 'no match'],
    ['^[[:digit:]]+$', { attrs: 'digits' }, '12', '1 12 digits', 'attributes'],
    ['bob', { match_op: 0 }, 'bob', '1 bob <null>', 'equality'],
    ['bob', { match_op: 0 }, 'bobby', '-1 <null> <null>', 'equality is of the whole'],
    ['BOB', { match_op: 0, match_flags: 1 }, 'bob', '1 bob <null>', 'equality of either case'],
    ['^BO', { match_flags: 1 }, 'bob', '1 bob <null>', 'a match of either case'],
    ['^BO', {}, 'bob', '-1 <null> <null>', 'case'],
    ['^b', { disabled: 1 }, 'bob', '-1 <null> <null>', 'a rule that is disabled'],
    ['^b', { dpid: 2 }, 'bob', '-1 <null> <null>', 'another plan'],
    ['^b', { timerec: '20200101T000000|20200102T000000' }, 'bob', '-1 <null> <null>', 'a time that is not now'],
    [
      '^b',
      { subst_exp: '(b)(o)', repl_exp: '\\2\\\\\\1\\9' },
      'bob',
      '1 o\\b <null>',
      'backslashes and groups there are not',
    ],
  ])('by %s and %j: %s gives %s (%s)', async (pattern, more, number, expected) => {
    const { ask } = await planned({
      rules: [rule(pattern, '', more)],
      route: `dp_translate("1", "$rU", $var(out), $var(attrs)); ${TELL}`,
    })
    expect(await ask(number)).toBe(expected)
  })

  it('tries the smallest pr first, then the order of the table', async () => {
    const { ask } = await planned({
      rules: [rule('^1', 'late', { pr: 9 }), rule('^1', 'first', { pr: 1 }), rule('^1', 'second', { pr: 1 })],
      route: `dp_translate(1, $rU, $var(out)); ${TELL}`,
    })
    expect(await ask('1')).toBe('1 first <null>')
  })

  it('as 2.x writes it: input and output in one argument, the partition before the number', async () => {
    const { ask } = await planned({
      rules: [],
      tables: { other: tableFile(DIALPLAN_TABLE, [rule('^1', 'translated', { attrs: 'a' })]) },
      params: { partition: ['pstn: db_url=text://@DB@; table_name=other'] },
      route:
        'dp_translate("pstn:1", "$rU/$var(out)", , $var(attrs)); $var(rc) = $rc; dp_translate("pstn:1", "$rU/$rU"); sl_send_reply(299, "$var(rc) $var(out) $var(attrs) $rU");',
    })
    expect(await ask('1')).toBe('1 translated a translated')
  })

  it('a partition that there is not gives −1', async () => {
    const { ask, logged } = await planned({
      rules: [rule('')],
      route: `dp_translate(1, $rU, $var(out), $var(attrs), "nowhere"); ${TELL}`,
    })
    expect(await ask('1')).toBe('-1 <null> <null>')
    expect(logged('there is no such dial plan')).toBe(1)
  })
})

describe('the table', () => {
  it('rows that are wrong are left out by name; a broken reload keeps the rules', async () => {
    const { mi, log, write } = await planned({
      rules: [
        rule('('),
        rule('1', 'x', { match_op: 2 }),
        rule('1', 'x', { subst_exp: '[' }),
        rule('1', 'x', { timerec: 'never' }),
        rule('1', 'good'),
      ],
    })
    const faults = log.filter(line => line.includes('a row of a table is left out'))
    expect(faults.map(line => /table=dialplan row=(\d) id=\d column=(\w+)/.exec(line)?.slice(1).join(' '))).toEqual([
      '1 match_exp',
      '2 match_op',
      '3 subst_exp',
      '4 timerec',
    ])
    expect(await mi('dp_translate', { dpid: 1, input: '1' })).toEqual({ Output: 'good' })
    write('dialplan', 'id(int,auto) dpid(int)\n:1\n')
    await mi('db_text:reload')
    await expect(mi('dp_reload')).rejects.toMatchObject({ code: 500 })
    expect(await mi('dp_translate', { dpid: 1, input: '1' })).toEqual({ Output: 'good' })
    write('dialplan', tableFile(DIALPLAN_TABLE, [rule('2', 'new', { attrs: 'a' })]))
    await mi('db_text:reload')
    expect(await mi('dp_reload')).toBe('OK')
    expect(await mi('dp_translate', { dpid: 1, input: '2' })).toEqual({ Output: 'new', ATTRIBUTES: 'a' })
    await expect(mi('dp_translate', { dpid: 1, input: '1' })).rejects.toMatchObject({ code: 404 })
    expect(await mi('dp_show_partition')).toEqual({ Partitions: [{ Partition: 'default', table: 'dialplan' }] })
    await expect(mi('dp_reload', { partition: 'x' })).rejects.toMatchObject({
      code: 404,
      message: 'Partition not found',
    })
  })
})
