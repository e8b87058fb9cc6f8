import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import type { Commands } from '../../util/spec.ts'
import type { RoutingServices } from './services.ts'
import type { Wait } from './waits.ts'

/** Most waits in one listing, unless more are asked for. */
const LISTED = 1000

/** Management commands. */
export const routingCommands = {
  list: {
    args: [
      optional(arg('event', 'str', 'Only waits for this event.')),
      optional(arg('limit', 'int', `Most waits listed; ${LISTED} if absent.`)),
    ],
    aliases: ['ebr_list'],
    doc: 'Lists what scripts wait for, the oldest first.',
  },
  cancel: {
    args: [
      optional(arg('id', 'int', 'The wait, as ebr_list shows it.')),
      optional(arg('callid', 'str', 'All waits of the calls with this Call-ID.')),
    ],
    aliases: ['ebr_cancel'],
    doc: 'Ends waits: a route is not notified any more, a script that stands still goes on with −1.',
  },
} as const

/** Handlers of the commands. */
export function routingCommandHandlers({
  clock,
  waits,
}: Pick<RoutingServices, 'waits'> & { readonly clock: RoutingServices['host']['clock'] }): Commands<{
  commands: typeof routingCommands
}> {
  return {
    list: ({ event, limit = LISTED }) => {
      const listed: object[] = []
      let total = 0
      for (const wait of waits.all()) {
        if (event !== undefined && wait.event.name !== event) continue
        if (total++ < limit) listed.push(described(wait, clock.monotonicMs()))
      }
      return { total, Waits: listed }
    },
    cancel: ({ id, callid }) => {
      const chosen = choose(waits, id, callid)
      if (chosen.length === 0) throw new MiError(404, 'No such wait')
      for (const wait of chosen) waits.end(wait, 'cancelled')
      return { cancelled: chosen.length }
    },
  }
}

function choose(waits: RoutingServices['waits'], id: number | undefined, callId: string | undefined): readonly Wait[] {
  if (id === undefined && callId === undefined) throw new MiError(400, 'Bad parameter value', 'expected id or callid')
  const named = id === undefined ? undefined : waits.find(id)
  const among = id === undefined ? [...waits.all()] : named === undefined ? [] : [named]
  return callId === undefined ? among : among.filter(wait => wait.callId === callId)
}

function described(wait: Wait, nowMs: number): object {
  return {
    id: wait.id,
    event: wait.event.name,
    kind: wait.kind,
    ...(wait.route === '' ? {} : { route: wait.route }),
    filter: wait.filter?.text ?? '',
    timeout: wait.timeoutS,
    ttl: Math.max(0, Math.ceil((wait.dueMs - nowMs) / 1000)),
    callid: wait.callId,
    ...(wait.transaction === null ? {} : { transaction: wait.transaction.id }),
    matches: wait.matches,
  }
}
