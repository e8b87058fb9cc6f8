import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import { messageSlot, type RouteContext, target, type Verdict } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { Endings } from './endings.ts'
import { existingRoute, NOTIFYING } from './functions.ts'
import { type RoutingServices, subscriberOf } from './services.ts'
import { notify, planOf } from './subscribing.ts'
import { isTalkName, sourcesOf, TALK_NAMES } from './talk-events.ts'

/** The spellings of talks about event routing, which never were part of OpenSIPS. */
export const talkSpecs = {
  subscribe: {
    args: [
      arg('event', 'str', '`REGISTER`, `DTMF`, or the name of an event.'),
      arg('filter', 'str', 'One `key=pattern`; "" for every event.'),
      arg('route', 'str', 'Name of the route to run.'),
      optional(arg('timeout', 'int', 'For how long, in seconds; `default_timeout` if absent.')),
    ],
    routes: NOTIFYING,
    returns: '1 subscribed; 0 the request is a retransmission; −1 as notify_on_event',
    doc:
      'notify_on_event() with its filter as text; opens the transaction if the request has none. REGISTER is ' +
      '`E_UL_CONTACT_INSERT`, until the request has its final reply; DTMF is `E_DTMF` (`callid`, `digit`), and ' +
      '`E_RTPPROXY_DTMF` where rtpproxy is loaded, until the dialog ends.',
  },
  fork_call: {
    args: [arg('uri', 'str', 'SIP URI of the phone, `$event(contact)`.')],
    routes: NOTIFYING,
    returns: '1 added; −1 no transaction or no URI; −2 it has a final reply; −3 forwarding failed',
    doc: 'Rings one phone more for the call that subscribed; where the event tells of this contact, on the way it tells.',
  },
  hangup: {
    args: [],
    routes: NOTIFYING,
    returns: '1; −1 there is nothing to end',
    doc: 'Ends the call that subscribed: with BYE to both parties if it is answered (module dialog), else as its CANCEL would.',
  },
  halt: {
    args: [],
    routes: 'any',
    returns: '0: the script ends',
    doc: 'Ends the script like `exit`. An INVITE that subscribed to REGISTER stays open for phones to come (t_wait_for_new_branches).',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

/** Requests that have subscribed to registrations. */
const awaitsPhones = messageSlot<true>()

/** Builds those functions. */
export function talkFunctions(services: RoutingServices): FunctionHandlers<typeof talkSpecs> {
  const { settings, tm } = services
  const endings = new Endings(services)
  return {
    subscribe: (name, filter, route, timeout) => {
      const routeOf = existingRoute(services, route)
      if (name.constant !== undefined && !isTalkName(name.constant) && !name.constant.startsWith('E_'))
        name.reject(`expected ${TALK_NAMES.join(', ')} or the name of an event, got "${name.constant}"`)
      return m => {
        const wanted = routeOf(route.read(m))
        if (wanted === null) return -1
        const event = name.read(m)
        if (needsTransaction(services, m) && tm.newTransaction(m) === 0) return 0
        const plans = sourcesOf(services, m, event, filter.read(m)).map(source =>
          planOf(services, m, { ...source, timeoutS: timeout?.read(m) ?? settings.defaultTimeoutS }),
        )
        if (plans.includes(null)) return -1
        for (const plan of plans) if (plan !== null) endings.add(event, notify(services, m, plan, wanted))
        if (event === 'REGISTER') awaitsPhones.set(m, true)
        return 1
      }
    },
    fork_call: uri => m => forkCall(services, m, uri.read(m)),
    hangup: () => m => (hangUp(services, m) ? 1 : -1),
    halt: () => m => {
      const transaction = tm.current(m)
      if (transaction !== null && awaitsPhones.get(m) === true) tm.waitForBranches(transaction)
      return 0
    },
  }
}

function needsTransaction({ tm }: RoutingServices, m: RouteContext): boolean {
  const { message } = m
  return m.kind === 'request' && message.method !== 'ACK' && message.method !== 'DUMMY' && tm.current(m) === null
}

function forkCall(services: RoutingServices, m: RouteContext, uri: string): Verdict | Promise<Verdict> {
  const { tm } = services
  const { transaction } = subscriberOf(services, m)
  if (transaction === null || parseUri(uri) === null) return -1
  const registered = tm.eventTarget(m)
  return tm.inject(transaction, registered?.uri === uri ? registered : target(uri))
}

function hangUp(services: RoutingServices, m: RouteContext): boolean {
  const { callId, transaction } = subscriberOf(services, m)
  const { dialog, tm } = services
  if (dialog?.ofCall(callId).some(one => dialog.end(one)) === true) return true
  if (transaction === null || !transaction.isInvite) return false
  return tm.cancel(transaction, '')
}
