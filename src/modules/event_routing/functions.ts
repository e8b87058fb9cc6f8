import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteKind } from '../../script/context.ts'
import type { RoutingServices } from './services.ts'
import { notify, planOf, waitFor } from './subscribing.ts'

/** Kinds of route that can subscribe. */
export const NOTIFYING: readonly RouteKind[] = ['event', 'request', 'onreply', 'failure', 'branch']

const event = arg('event', 'str', 'Name of the event.')
const filter = optional(
  arg('filter', 'var', 'AVP whose values are all `key=pattern`: each must match. No value: every event.'),
)

/** The functions of the reference. */
export const routingSpecs = {
  notify_on_event: {
    args: [
      event,
      filter,
      arg('route', 'str', 'Name of the route to run.'),
      optional(arg('timeout', 'int', 'For how long, in seconds; `default_timeout` if absent.')),
    ],
    routes: NOTIFYING,
    returns: '1 subscribed; −1 there is no such event or route, the filter is wrong, or there are too many waits',
    doc:
      'Has a route run for each event that matches, later than the raise, with the values of the event as `$avp(name)`, ' +
      '`$event(name)` and `$param(name)`. The transaction the message has by now is in reach of t_inject_branches().',
  },
  wait_for_event: {
    args: [event, filter, arg('timeout', 'int', 'For how long, in seconds.')],
    routes: 'any',
    async: true,
    returns:
      '1 an event came; −2 none in time, be it by the limit of async() (there: `async_timeout_code`); −1 error, or ended by ebr_cancel',
    doc:
      'Lets this script stand still until an event matches; nothing else waits. Then `$avp(name)` and `$event(name)` have ' +
      'its values. A request without a transaction is repeated by its sender meanwhile: call t_newtran() before, or use ' +
      'async(), which does.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

/** Builds those functions. */
export function routingFunctions(services: RoutingServices): FunctionHandlers<typeof routingSpecs> {
  const { settings } = services
  return {
    notify_on_event: (name, values, route, timeout) => {
      const routeOf = existingRoute(services, route)
      return m => {
        const wanted = routeOf(route.read(m))
        if (wanted === null) return -1
        const plan = planOf(services, m, {
          event: name.read(m),
          filter: values?.read(m).all(m) ?? [],
          timeoutS: timeout?.read(m) ?? settings.defaultTimeoutS,
        })
        if (plan === null) return -1
        notify(services, m, plan, wanted)
        return 1
      }
    },
    wait_for_event: (name, values, timeout) => m => {
      const wish = { event: name.read(m), filter: values?.read(m).all(m) ?? [], timeoutS: timeout.read(m) }
      const plan = planOf(services, m, wish)
      return plan === null ? -1 : waitFor(services, m, plan)
    },
  }
}

/** A constant name must be that of a route; others are looked up when the script runs. Gives null, logged, for none. */
export function existingRoute({ host, log }: RoutingServices, name: Arg<string>): (text: string) => string | null {
  const exists = (text: string): boolean => host.script.route('request', text) !== undefined
  if (name.constant !== undefined && !exists(name.constant)) name.reject(`there is no route[${name.constant}]`)
  return text => {
    if (exists(text)) return text
    log.error('no such route to notify', { route: text })
    return null
  }
}
