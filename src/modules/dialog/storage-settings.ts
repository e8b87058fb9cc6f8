import type { TableNames } from '../../db/database.ts'
import type { Databases } from '../../db/databases.ts'
import type { Counter, ParamValues } from '../../util/spec.ts'
import type { DIALOG_TABLE } from './dialog-row.ts'
import type { dialogParams } from './params.ts'
import type { Restorer } from './restore.ts'
import type { DialogServices } from './services.ts'
import { DbMode, DialogStorage } from './storage.ts'

type Params = ParamValues<typeof dialogParams>

interface SettingsParts {
  readonly params: Params
  readonly databases: Databases
  readonly failures: Counter
}

/** The database the parameters ask for; null for none. Throws an Error where it is asked for but not named. */
export function openStorage(
  services: DialogServices,
  restorer: Restorer,
  { params, databases, failures }: SettingsParts,
): DialogStorage | null {
  const mode = [DbMode.realtime, DbMode.delayed, DbMode.shutdown].find(known => known === params.db_mode)
  if (mode === undefined) return null
  const url = databases.urlOf(params.db_url || undefined)
  if (url === undefined) throw new Error(`db_mode ${mode} needs db_url, the database to keep dialogs in`)
  return new DialogStorage({
    services,
    restorer,
    databases,
    url,
    names: tableNames(params),
    mode,
    updatePeriodS: Math.max(1, params.db_update_period),
    writesValues: params.db_flush_vals_profiles !== 0,
    failures,
  })
}

function tableNames(params: Params): TableNames<typeof DIALOG_TABLE> {
  return {
    table: params.table_name,
    columns: {
      dlg_id: params.dlg_id_column,
      callid: params.call_id_column,
      from_uri: params.from_uri_column,
      from_tag: params.from_tag_column,
      to_uri: params.to_uri_column,
      to_tag: params.to_tag_column,
      mangled_from_uri: params.mangled_from_uri_column,
      mangled_to_uri: params.mangled_to_uri_column,
      caller_cseq: params.from_cseq_column,
      callee_cseq: params.to_cseq_column,
      caller_ping_cseq: params.from_ping_cseq_column,
      callee_ping_cseq: params.to_ping_cseq_column,
      caller_route_set: params.from_route_column,
      callee_route_set: params.to_route_column,
      caller_contact: params.from_contact_column,
      callee_contact: params.to_contact_column,
      caller_sock: params.from_sock_column,
      callee_sock: params.to_sock_column,
      state: params.state_column,
      start_time: params.start_time_column,
      timeout: params.timeout_column,
      vars: params.vars_column,
      profiles: params.profiles_column,
      script_flags: params.sflags_column,
      module_flags: params.mflags_column,
      flags: params.flags_column,
      rt_on_answer: params.rt_on_answer_column,
      rt_on_timeout: params.rt_on_timeout_column,
      rt_on_hangup: params.rt_on_hangup_column,
    },
  }
}
