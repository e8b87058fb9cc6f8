import { optionalParam, param } from '../../util/spec.ts'

const ignoredNumber = (value: number, doc: string) => param('int', value, doc, { ignored: true })
const column = (name: string) => param('str', name, `Column of the table for \`${name}\`.`)

/** Parameters of the dialog module (dialog reference). */
export const dialogParams = {
  enable_stats: param('int', 1, 'Statistics are always kept.', { ignored: true }),
  hash_size: param('int', 4096, 'How many buckets the ids of dialogs are spread over.'),
  rr_param: param('str', 'did', 'Parameter of Record-Route that carries the id of the dialog.'),
  default_timeout: param('int', 43200, 'How long an answered call may last.', { unit: 's' }),
  dlg_extra_hdrs: optionalParam('str', 'Header lines added to requests made here, each with CRLF.'),
  dlg_match_mode: param(
    'int',
    1,
    'How requests find their dialog: 0 by the Record-Route parameter, 1 also by Call-ID and tags, 2 only by those.',
  ),
  delete_delay: param('int', 0, 'How long an ended dialog can still be looked at.', { unit: 's' }),
  options_ping_interval: param('int', 30, 'Time between two OPTIONS to a party.', {
    unit: 's',
    formerly: ['ping_interval'],
  }),
  reinvite_ping_interval: param('int', 300, 'Time between two re-INVITEs to a party.', { unit: 's' }),
  race_condition_timeout: param('int', 5, 'When a call is ended that was cancelled and answered at once.', {
    unit: 's',
  }),
  profiles_with_value: param('str', '', 'Names of profiles whose members have a value, divided by semicolons.'),
  profiles_no_value: param('str', '', 'Names of profiles whose members have none, divided by semicolons.'),
  db_mode: param(
    'int',
    0,
    'When dialogs are written to the database: 0 never, 1 when they change, 2 every db_update_period, 3 at the end only.',
  ),
  db_url: optionalParam('str', 'Database to keep dialogs in; the default one if absent.'),
  db_update_period: param('int', 60, 'Time between two writings with db_mode 2.', { unit: 's' }),
  db_flush_vals_profiles: param(
    'int',
    0,
    '1: a dialog is also written when only values, flags or profiles of it have changed; 0: with its next change of state.',
  ),
  timer_bulk_del_no: ignoredNumber(1, 'Rows are deleted one by one.'),
  table_name: param('str', 'dialog', 'Table to keep dialogs in.'),
  cachedb_url: optionalParam('str', 'Cache system that counts the profiles named `…/s`.'),
  profile_value_prefix: param('str', 'dlg_val_', 'Put there before `profile_value`.'),
  profile_no_value_prefix: param('str', 'dlg_noval_', 'Put there before the names of profiles without values.'),
  profile_size_prefix: param('str', 'dlg_size_', 'Put there before the names of profiles, for all their values.'),
  profile_timeout: param('int', 86400, 'How long a count is kept there that nobody changes.', { unit: 's' }),
  dialog_replication_cluster: param('int', 0, 'Cluster whose nodes all know the answered calls of each; 0 for none.'),
  profile_replication_cluster: param('int', 0, 'Cluster whose nodes count profiles named `…/b` together; 0 for none.'),
  replicate_profiles_buffer: param('int', 1400, 'About how much goes into one message.', { unit: 'bytes' }),
  replicate_profiles_check: ignoredNumber(10, 'What has expired is never counted.'),
  replicate_profiles_timer: param('int', 200, 'How often a node tells the others its counts.', { unit: 'ms' }),
  replicate_profiles_expire: param('int', 10, 'How long what another node told is counted.', { unit: 's' }),
  cluster_auto_sync: param(
    'int',
    1,
    '1: calls are asked of the other nodes at start; 0: by `dialog:cluster_sync` only.',
  ),
  auto_prack_cseq_offset: param('int', 0, 'Added to the CSeq numbers of PRACKs made here.'),
  auto_prack_interval: param('int', 3, 'After which a repeated reliable reply gets another PRACK.', { unit: 's' }),
  dlg_id_column: column('dlg_id'),
  call_id_column: column('callid'),
  from_uri_column: column('from_uri'),
  from_tag_column: column('from_tag'),
  to_uri_column: column('to_uri'),
  to_tag_column: column('to_tag'),
  from_cseq_column: column('caller_cseq'),
  to_cseq_column: column('callee_cseq'),
  from_route_column: column('caller_route_set'),
  to_route_column: column('callee_route_set'),
  from_contact_column: column('caller_contact'),
  to_contact_column: column('callee_contact'),
  from_sock_column: column('caller_sock'),
  to_sock_column: column('callee_sock'),
  state_column: column('state'),
  start_time_column: column('start_time'),
  timeout_column: column('timeout'),
  vars_column: column('vars'),
  profiles_column: column('profiles'),
  sflags_column: column('script_flags'),
  mflags_column: column('module_flags'),
  flags_column: column('flags'),
  mangled_from_uri_column: column('mangled_from_uri'),
  mangled_to_uri_column: column('mangled_to_uri'),
  from_ping_cseq_column: column('caller_ping_cseq'),
  to_ping_cseq_column: column('callee_ping_cseq'),
  rt_on_answer_column: column('rt_on_answer'),
  rt_on_timeout_column: column('rt_on_timeout'),
  rt_on_hangup_column: column('rt_on_hangup'),
} as const

interface ModeParams {
  readonly db_mode: number
  readonly dlg_match_mode: number
  readonly default_timeout: number
  readonly replicate_profiles_buffer: number
  readonly replicate_profiles_timer: number
  readonly replicate_profiles_expire: number
}

/** What is wrong with the parameters, or null. */
export function paramFault(params: ModeParams): string | null {
  if (![0, 1, 2, 3].includes(params.db_mode)) return `db_mode ${params.db_mode}: expected 0, 1, 2 or 3`
  if (![0, 1, 2].includes(params.dlg_match_mode)) return `dlg_match_mode ${params.dlg_match_mode}: expected 0, 1 or 2`
  if (params.default_timeout <= 0)
    return `default_timeout ${params.default_timeout}: expected a number of seconds above 0`
  for (const name of ['replicate_profiles_buffer', 'replicate_profiles_timer', 'replicate_profiles_expire'] as const)
    if (params[name] < 1) return `${name}: expected at least 1, got ${params[name]}`
  return null
}
