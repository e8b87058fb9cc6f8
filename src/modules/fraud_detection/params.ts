import { optionalParam, param } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'

const columnParam = (name: string) => param('str', name, 'Name of the column.')

/** The module's parameters. */
export const fraudParams = {
  db_url: optionalParam('str', 'Database with the rules; `db_default_url` if absent.'),
  table_name: param('str', 'fraud_detection', 'Table with the rules.'),
  use_utc_time: param('int', 0, '1: hours and days of the rules are those of UTC, not of the machine.'),
  rid_col: columnParam('ruleid'),
  pid_col: columnParam('profileid'),
  prefix_col: columnParam('prefix'),
  start_h_col: columnParam('start_hour'),
  end_h_col: columnParam('end_hour'),
  days_col: columnParam('daysoftheweek'),
  cpm_thresh_warn_col: columnParam('cpm_warning'),
  cpm_thresh_crit_col: columnParam('cpm_critical'),
  calldur_thresh_warn_col: columnParam('call_duration_warning'),
  calldur_thresh_crit_col: columnParam('call_duration_critical'),
  totalc_thresh_warn_col: columnParam('total_calls_warning'),
  totalc_thresh_crit_col: columnParam('total_calls_critical'),
  concalls_thresh_warn_col: columnParam('concurrent_calls_warning'),
  concalls_thresh_crit_col: columnParam('concurrent_calls_critical'),
  seqcalls_thresh_warn_col: columnParam('sequential_calls_warning'),
  seqcalls_thresh_crit_col: columnParam('sequential_calls_critical'),
} as const

export type FraudParams = ParamValues<typeof fraudParams>
