import type { Condition } from '../../db/schema.ts'
import type { Log } from '../../log/log.ts'
import type { Host } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { DroutingParams } from './params.ts'
import type { Partition } from './partition.ts'
import { GROUPS_TABLE } from './tables.ts'

interface GroupsParts {
  readonly databases: Host['db']
  readonly params: DroutingParams
  readonly log: Log
}

/** The group of the user a request is from, as the table has it now; `default_group` without one. Null: none. */
export async function groupOfCaller(
  { databases, params, log }: GroupsParts,
  m: RouteContext,
  { settings }: Partition,
): Promise<number | null> {
  const none = params.default_group ?? null
  const from = parseUri(m.message.from?.uri ?? '')
  if (from === null) return none
  try {
    const database = await databases.open(settings.url)
    const table = await database.table(GROUPS_TABLE, {
      table: settings.tables.groups,
      columns: { username: params.drg_user_col, domain: params.drg_domain_col, groupid: params.drg_grpid_col },
    })
    const where: Condition<'username' | 'domain'>[] = [['username', '=', from.user]]
    if (params.use_domain !== 0) where.push(['domain', '=', from.host])
    const [row] = await table.select({ where })
    return row?.groupid ?? none
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    log.often().error('the group of a user cannot be read', { user: from.user, reason })
    return null
  }
}
