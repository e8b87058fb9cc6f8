import { RowError, readRows } from '../../db/read-rows.ts'
import { autoColumn, column, nullableColumn, type RowOf } from '../../db/schema.ts'
import type { Log } from '../../log/log.ts'
import type { Host } from '../../module/define.ts'
import { compilePerlRegex } from '../../util/perl-regex.ts'
import { compileTimes, type TimeTest } from '../../util/recurrence-expression.ts'
import type { DialplanParams } from './params.ts'
import type { Rule } from './rule.ts'

/** The table of rules, as OpenSIPS has it. */
export const DIALPLAN_TABLE = {
  name: 'dialplan',
  version: 5,
  columns: {
    id: autoColumn,
    dpid: column('int'),
    pr: column('int', 0),
    match_op: column('int'),
    match_exp: column('str'),
    match_flags: column('int', 0),
    subst_exp: nullableColumn('str'),
    repl_exp: nullableColumn('str'),
    timerec: nullableColumn('str'),
    disabled: column('int', 0),
    attrs: nullableColumn('str'),
  },
} as const

type Row = RowOf<typeof DIALPLAN_TABLE>

/** Where the rules of a partition are. */
export interface RuleTable {
  readonly url: string
  readonly table: string
}

/** Reads the rules of a table. Rejects where it cannot be read; rows that are wrong are left out, as are disabled ones. */
export async function loadRules(
  databases: Host['db'],
  params: DialplanParams,
  { url, table: name }: RuleTable,
  log: Log,
): Promise<readonly Rule[]> {
  const database = await databases.open(url)
  const keys = Object.keys(DIALPLAN_TABLE.columns) as (keyof typeof DIALPLAN_TABLE.columns)[]
  const columns = Object.fromEntries(keys.map(key => [key, params[`${key}_col`]]))
  const table = await database.table(DIALPLAN_TABLE, { table: name, columns })
  const { rows } = await readRows(table, 'id', log, row => (row.disabled === 0 ? readRule(row) : null))
  return rows.filter(rule => rule !== null)
}

function readRule(row: Row): Rule {
  const ignoreCase = (row.match_flags & 1) !== 0
  return {
    dialplan: row.dpid,
    priority: row.pr,
    matches: readMatch(row, ignoreCase),
    subject: row.subst_exp ? regex('subst_exp', row.subst_exp, ignoreCase) : null,
    replacement: row.repl_exp ?? '',
    times: readTimes(row.timerec ?? ''),
    attrs: row.attrs || null,
  }
}

function readMatch({ match_op, match_exp }: Row, ignoreCase: boolean): Rule['matches'] {
  if (match_op === 1) {
    const pattern = regex('match_exp', match_exp, ignoreCase)
    return text => pattern.test(text)
  }
  if (match_op !== 0) throw new RowError('match_op', `expected 0 (equal) or 1 (regular expression), got ${match_op}`)
  const folded = match_exp.toLowerCase()
  return ignoreCase ? text => text.toLowerCase() === folded : text => text === match_exp
}

function regex(name: string, pattern: string, ignoreCase: boolean): RegExp {
  try {
    return compilePerlRegex(pattern, { ignoreCase })
  } catch (error) {
    throw new RowError(name, `"${pattern}": ${error instanceof Error ? error.message : String(error)}`)
  }
}

function readTimes(text: string): TimeTest | null {
  try {
    return text.trim() === '' ? null : compileTimes(text)
  } catch (error) {
    throw new RowError('timerec', `"${text}": ${error instanceof Error ? error.message : String(error)}`)
  }
}
