import type { EventType } from '../../events/catalogue.ts'
import type { RaisedEvent } from '../../events/event.ts'
import type { Filter } from '../../events/filter.ts'
import { Flow, type RouteContext, type Verdict } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { Value } from '../../util/spec.ts'
import { giveEvent } from './event-values.ts'
import { readFilter } from './filters.ts'
import type { Inbox } from './notifier.ts'
import { openEvent, type RoutingServices, subscriberOf, subscriberSlot } from './services.ts'
import type { End, Wait } from './waits.ts'

/** What is waited for, once it is known to be possible. */
export interface Plan {
  readonly event: EventType
  readonly filter: Filter | null
  readonly timeoutS: number
}

/** What a script asks for. */
export interface Wish {
  readonly event: string
  /** Values `key=pattern`. */
  readonly filter: readonly Value[]
  readonly timeoutS: number
}

/** Checks a wish; null, with the reason in the log, where it cannot be met. */
export function planOf(
  services: RoutingServices,
  m: RouteContext,
  { event: name, filter: values, timeoutS }: Wish,
): Plan | null {
  const { log, settings, waits, counts } = services
  const event = openEvent(services, name)
  if (event === undefined) {
    log.error('event not available', { event: name, hint: 'no loaded module or script raises it' })
    return null
  }
  const { filter, faults } = readFilter(values, event, settings.strictness, text => isFromPeer(m, text))
  const said = filter === undefined ? 'filter refused' : 'filter ignored'
  for (const fault of faults) log.error(said, { event: name, fault })
  if (filter === undefined) return null
  if (waits.size >= settings.maxWaits) {
    counts.refused.value++
    log.error('too many waits for events', { event: name, max_waits: settings.maxWaits })
    return null
  }
  return { event, filter, timeoutS }
}

/**
 * Has a route run for each event of the plan until its time is over, on the dummy request, with the transaction of `m` in
 * reach of t_inject_branches.
 */
export function notify(services: RoutingServices, m: RouteContext, plan: Plan, route: string): Wait {
  const { host, notifier, tm, waits, counts } = services
  const { callId, transaction } = subscriberOf(services, m)
  const inbox: Inbox = notifier.inbox({
    routeName: route,
    route: () => host.script.route('request', route),
    prepare: dummy => {
      subscriberSlot.set(dummy, { callId, transaction })
      if (transaction !== null) tm.attach(dummy, transaction)
    },
  })
  let hasWarned = false
  const onMatch = (event: RaisedEvent): void => {
    if (inbox.offer(event)) {
      counts.notified.value++
      return
    }
    counts.dropped.value++
    if (!hasWarned) services.log.warn('notifications dropped: the route is too slow', { event: event.name, route })
    hasWarned = true
  }
  const onEnd = (why: End): void => {
    if (why !== 'timeout') inbox.clear()
  }
  return waits.add({ ...plan, kind: 'notify', route, callId, transaction, onMatch, onEnd })
}

/**
 * Lets the script of `m` stand still until an event of the plan comes, and gives it the values of the event. Gives 1 for an
 * event, −2 for none in time (in `async()` the configured code), −1 where the wait was ended from outside.
 */
export function waitFor(services: RoutingServices, m: RouteContext, plan: Plan): Promise<Verdict> {
  const { settings, waits, counts } = services
  const { callId, transaction } = subscriberOf(services, m)
  // An async() statement has ended the run of the script before it calls the function.
  const timeoutCode = m.flow === Flow.exit ? settings.asyncTimeoutCode : -2
  return new Promise(resolve => {
    const onMatch = (event: RaisedEvent): void => {
      counts.notified.value++
      giveEvent(m, event)
      resolve(1)
    }
    const onEnd = (why: End): void => {
      if (why !== 'matched') resolve(why === 'timeout' ? timeoutCode : -1)
    }
    const wait = waits.add({ ...plan, kind: 'wait', route: '', callId, transaction, onMatch, onEnd })
    if (m.timeLimit !== null) m.timeLimit.onOver = () => void waits.end(wait, 'timeout')
  })
}

/** Whether the sender of the message chose this text as the name of the call, or of who is called or calls. */
function isFromPeer(m: RouteContext, text: string): boolean {
  const { message } = m
  const uris = [m.target.uri, message.requestUri, message.to?.uri ?? '', message.from?.uri ?? '']
  return text === message.callId || uris.some(uri => names(uri, text))
}

function names(uri: string, text: string): boolean {
  const parsed = parseUri(uri)
  if (parsed === null || parsed.user === '') return false
  const { user, host } = parsed
  return text === user || text === `${user}@${host}` || text === uri
}
