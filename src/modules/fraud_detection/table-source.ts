import { RowError, readRows } from '../../db/read-rows.ts'
import { autoColumn, column, type RowOf } from '../../db/schema.ts'
import type { Log } from '../../log/log.ts'
import type { Host } from '../../module/define.ts'
import { PrefixTree } from '../../util/prefix-tree.ts'
import type { FraudParams } from './params.ts'
import { EXTRA_CHARS, type Rule, type Threshold } from './rules.ts'
import { parseDays, parseHour } from './week-hours.ts'

/** The table of rules (fraud_detection reference, table). */
export const FRAUD_TABLE = {
  name: 'fraud_detection',
  version: 1,
  columns: {
    ruleid: autoColumn,
    profileid: column('int', 0),
    prefix: column('str'),
    start_hour: column('str', '00:00'),
    end_hour: column('str', '23:59'),
    daysoftheweek: column('str', ''),
    cpm_warning: column('int', 0),
    cpm_critical: column('int', 0),
    call_duration_warning: column('int', 0),
    call_duration_critical: column('int', 0),
    total_calls_warning: column('int', 0),
    total_calls_critical: column('int', 0),
    concurrent_calls_warning: column('int', 0),
    concurrent_calls_critical: column('int', 0),
    sequential_calls_warning: column('int', 0),
    sequential_calls_critical: column('int', 0),
  },
} as const

type Row = RowOf<typeof FRAUD_TABLE>
type ColumnOf = keyof typeof FRAUD_TABLE.columns

const COLUMN_PARAMS: Readonly<Record<ColumnOf, keyof FraudParams>> = {
  ruleid: 'rid_col',
  profileid: 'pid_col',
  prefix: 'prefix_col',
  start_hour: 'start_h_col',
  end_hour: 'end_h_col',
  daysoftheweek: 'days_col',
  cpm_warning: 'cpm_thresh_warn_col',
  cpm_critical: 'cpm_thresh_crit_col',
  call_duration_warning: 'calldur_thresh_warn_col',
  call_duration_critical: 'calldur_thresh_crit_col',
  total_calls_warning: 'totalc_thresh_warn_col',
  total_calls_critical: 'totalc_thresh_crit_col',
  concurrent_calls_warning: 'concalls_thresh_warn_col',
  concurrent_calls_critical: 'concalls_thresh_crit_col',
  sequential_calls_warning: 'seqcalls_thresh_warn_col',
  sequential_calls_critical: 'seqcalls_thresh_crit_col',
}

/** Says which characters prefixes may have. */
const alphabet = new PrefixTree<never>(EXTRA_CHARS)

/** Reads the rules of the database. Rejects where the table cannot be read; rows that are wrong are left out. */
export async function loadRules(databases: Host['db'], params: FraudParams, log: Log): Promise<readonly Rule[]> {
  const url = databases.urlOf(params.db_url)
  if (url === undefined) throw new Error('fraud_detection has no source of rules: set db_url')
  const database = await databases.open(url)
  const columns = Object.entries(COLUMN_PARAMS).map(([name, param]) => [name, String(params[param])])
  const table = await database.table(FRAUD_TABLE, { table: params.table_name, columns: Object.fromEntries(columns) })
  const { rows } = await readRows(table, 'ruleid', log, readRule)
  return rows
}

function readRule(row: Row): Rule {
  if (!alphabet.accepts(row.prefix))
    throw new RowError('prefix', `expected digits and ${EXTRA_CHARS}, got "${row.prefix}"`)
  return {
    id: row.ruleid,
    profile: row.profileid,
    prefix: row.prefix,
    hours: {
      days: read('daysoftheweek', row, parseDays),
      startMin: read('start_hour', row, parseHour),
      endMin: read('end_hour', row, parseHour),
    },
    thresholds: {
      'calls-per-minute': threshold(row, 'cpm'),
      'total-calls': threshold(row, 'total_calls'),
      'concurrent-calls': threshold(row, 'concurrent_calls'),
      'sequential-calls': threshold(row, 'sequential_calls'),
      'call-duration': threshold(row, 'call_duration'),
    },
  }
}

function read<T>(name: 'daysoftheweek' | 'start_hour' | 'end_hour', row: Row, parse: (text: string) => T): T {
  try {
    return parse(row[name])
  } catch (error) {
    throw new RowError(name, error instanceof Error ? error.message : String(error))
  }
}

type Measure = 'cpm' | 'total_calls' | 'concurrent_calls' | 'sequential_calls' | 'call_duration'

function threshold(row: Row, measure: Measure): Threshold {
  for (const name of [`${measure}_warning`, `${measure}_critical`] as const)
    if (row[name] < 0) throw new RowError(name, `expected a number from 0, got ${row[name]}`)
  return { warning: row[`${measure}_warning`], critical: row[`${measure}_critical`] }
}
