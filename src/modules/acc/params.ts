import { optionalParam, param, repeatedParam } from '../../util/spec.ts'

const ignoredText = (doc: string) => optionalParam('str', doc, { ignored: true })
const column = (name: string) => param('str', name, `Column of both tables for \`${name}\`.`)
const flag = (doc: string) => param('str', '', `${doc} Scripts of 2.1 and earlier; newer ones call do_accounting().`)

/** Parameters of the acc module (acc reference). */
export const accParams = {
  early_media: param('int', 0, '1: provisional replies with a body are accounted too.'),
  report_cancels: param('int', 0, '1: CANCEL can be accounted.'),
  detect_direction: param('int', 0, '1: requests of the callee are accounted with the tags the other way round.'),
  log_level: param('int', 2, 'Level of the lines in the log.'),
  log_facility: ignoredText('The lines go where the whole log goes.'),
  aaa_url: ignoredText('For accounting by RADIUS or Diameter, which is not supported.'),
  extra_fields: repeatedParam('str', 'Values added to records: `backend: name->field; name2`.'),
  leg_fields: repeatedParam('str', 'Values added for each leg: `backend: name->field; name2`.'),
  log_extra: param('str', '', 'Values added to log lines: `name=$variable; …`.'),
  db_extra: param('str', '', 'Columns added to rows: `column=$variable; …`.'),
  evi_extra: param('str', '', 'Values added to events: `name=$variable; …`.'),
  multi_leg_info: param('str', '', 'Values of legs: `name=$avp(x); …`; each value of the AVP is one leg.'),
  aaa_extra: ignoredText('For accounting by RADIUS or Diameter, which is not supported.'),
  db_url: optionalParam('str', 'Database for accounting with `db`; the default one if absent.'),
  db_table_acc: param('str', 'acc', 'Table of answered transactions and of calls.'),
  db_table_missed_calls: param('str', 'missed_calls', 'Table of missed calls.'),
  db_max_queued: param(
    'int',
    10000,
    'Most rows that wait for a database that is not there; more are dropped and counted.',
  ),
  reconcile_hours: param(
    'int',
    48,
    'Hours for which ended calls are compared with their records (`acc:reconcile`); 0: not at all.',
  ),
  cdr_journal: optionalParam(
    'str',
    'Folder of the journal of running calls, from which their CDRs are made after a crash; empty: no journal. If absent, `NAME.calls` beside the configuration file NAME, or a folder in `$STATE_DIRECTORY` where that is set.',
  ),
  acc_method_column: column('method'),
  acc_from_tag_column: column('from_tag'),
  acc_to_tag_column: column('to_tag'),
  acc_callid_column: column('callid'),
  acc_sip_code_column: column('sip_code'),
  acc_sip_reason_column: column('sip_reason'),
  acc_time_column: column('time'),
  log_flag: flag('Message flag: account in the log.'),
  log_missed_flag: flag('Message flag: account missed calls in the log.'),
  db_flag: flag('Message flag: account in the database.'),
  db_missed_flag: flag('Message flag: account missed calls in the database.'),
  evi_flag: flag('Message flag: account by events.'),
  evi_missed_flag: flag('Message flag: account missed calls by events.'),
  cdr_flag: flag('Message flag: one record for the whole call.'),
  failed_transaction_flag: flag('Message flag: account failed transactions too.'),
  aaa_flag: ignoredText('For accounting by RADIUS or Diameter, which is not supported.'),
  aaa_missed_flag: ignoredText('For accounting by RADIUS or Diameter, which is not supported.'),
} as const
