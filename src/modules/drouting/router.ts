import type { Log } from '../../log/log.ts'
import type { ScriptAccess } from '../../script/access.ts'
import { NO_PARAMS, type RouteContext, type Verdict } from '../../script/context.ts'
import { runWithin } from '../../script/run-within.ts'
import { parseUri, type SipUri } from '../../sip/codec/uri.ts'
import type { Clock } from '../../util/clock.ts'
import { type Destination, type Member, orderDestinations } from './destinations.ts'
import type { Gateway } from './gateway.ts'
import type { Partition } from './partition.ts'
import type { Rule } from './routing-data.ts'
import { direct, type Fallback, type Session, showInAvps } from './session.ts'

/** What a call asks of the rules. */
export interface RoutingRequest {
  readonly group: number
  /** Ids of the gateways that may be used; null: all. */
  readonly whitelist: ReadonlySet<string> | null
  /** Go on with further rules when the destinations of one have failed. */
  readonly fallsBack: boolean
  readonly isStrict: boolean
  /** Only tell whether there is a rule. */
  readonly isCheck: boolean
  /** Order every rule's list by weights. */
  readonly isByWeight: boolean
}

interface RouterParts {
  readonly script: ScriptAccess
  readonly clock: Clock
  readonly log: Log
  /** `gw_socket_filter_mode` is `matched-only`. */
  readonly needsSocket: boolean
}

/** Finds the destinations of calls and puts them into their requests, one after the other. */
export class Router {
  readonly #parts: RouterParts

  constructor(parts: RouterParts) {
    this.#parts = parts
  }

  /** Routes by the rules of a group: 1, or −1 where none leads to a gateway that can be used. */
  route(m: RouteContext, partition: Partition, request: RoutingRequest): Verdict | Promise<Verdict> {
    const uri = parseUri(m.target.uri)
    if (uri === null) return -1
    const rules = this.rules(partition, uri.user, request)
    if (request.isCheck) return rules.next().done === true ? -1 : 1
    const { whitelist, isByWeight, fallsBack } = request
    return this.#useRules(m, partition, uri, { rules, whitelist, isByWeight }, fallsBack)
  }

  /** The rules for a number that hold now, the best first. */
  rules(
    { data }: Partition,
    number: string,
    { group, isStrict }: Pick<RoutingRequest, 'group' | 'isStrict'>,
  ): Generator<Rule, undefined> {
    return data.rulesFor({ group, number, isStrict, timeMs: this.#parts.clock.nowMs() })
  }

  /** Routes to these gateways and carriers, whatever the rules say. */
  routeTo(m: RouteContext, partition: Partition, members: readonly Member[]): Verdict {
    const uri = parseUri(m.target.uri)
    if (uri === null) return -1
    const found = orderDestinations(members, 'listed', gateway => this.#isUsable(partition, gateway, null))
    return this.#use(m, partition, { uri, rule: null, fallback: null }, found) ? 1 : -1
  }

  /** Goes on to the next destination that can be used: 1, or −1 where there is none. */
  next(m: RouteContext, partition: Partition): Verdict | Promise<Verdict> {
    const session = partition.sessions.get(m.avps)
    if (session === undefined) return -1
    const { uri, rest, fallback } = session
    // A gateway may have been disabled meanwhile.
    const usable = rest.filter(({ gateway }) => this.#isUsable(partition, gateway, null))
    if (this.#use(m, partition, session, usable)) return 1
    return fallback === null ? -1 : this.#useRules(m, partition, uri, fallback, true)
  }

  #useRules(
    m: RouteContext,
    partition: Partition,
    uri: SipUri,
    choice: Fallback,
    fallsBack: boolean,
  ): Verdict | Promise<Verdict> {
    for (;;) {
      const { value: rule } = choice.rules.next()
      if (rule === undefined) return -1
      const goOn = (isDropped: boolean): boolean =>
        !isDropped && this.#useRule(m, partition, uri, rule, choice, fallsBack)
      const isDropped = this.#runRoute(m, rule)
      if (isDropped instanceof Promise)
        return isDropped.then(was => {
          if (goOn(was)) return 1
          return was || !fallsBack ? -1 : this.#useRules(m, partition, uri, choice, fallsBack)
        })
      if (goOn(isDropped)) return 1
      if (isDropped || !fallsBack) return -1
    }
  }

  /** Runs the route of a rule. Tells whether it ended with `drop`. */
  #runRoute(m: RouteContext, { id, routeName }: Rule): boolean | Promise<boolean> {
    if (routeName === null) return false
    const route = this.#parts.script.route('request', routeName)
    if (route === undefined) {
      this.#parts.log.error('the route of a rule is gone', { rule: id, route: routeName })
      return true
    }
    const end = runWithin(m, route, NO_PARAMS)
    return end instanceof Promise ? end.then(({ isDropped }) => isDropped) : end.isDropped
  }

  #useRule(
    m: RouteContext,
    partition: Partition,
    uri: SipUri,
    rule: Rule,
    choice: Fallback,
    fallsBack: boolean,
  ): boolean {
    const found = orderDestinations(rule.members, choice.isByWeight ? 'weights' : rule.sort, gateway =>
      this.#isUsable(partition, gateway, choice.whitelist),
    )
    return this.#use(m, partition, { uri, rule, fallback: fallsBack ? choice : null }, found)
  }

  /** Uses the first of these whose URI can be made. */
  #use(
    m: RouteContext,
    partition: Partition,
    base: Pick<Session, 'uri' | 'rule' | 'fallback'>,
    found: readonly Destination[],
  ): boolean {
    const before = partition.sessions.get(m.avps)
    const { uri, rule, fallback } = base
    for (const [i, { gateway, carrier }] of found.entries()) {
      const current = { gateway: partition.data.gateways.get(gateway.id) ?? gateway, carrier }
      const session: Session = { uri, rule, fallback, current, rest: found.slice(i + 1) }
      if (!direct(m, session, before)) {
        this.#parts.log.error('a gateway strips all of the number; it is not used', {
          gateway: gateway.id,
          number: uri.user,
        })
        continue
      }
      partition.sessions.set(m.avps, session)
      showInAvps(m, partition.settings.avps, session)
      return true
    }
    return false
  }

  #isUsable({ data }: Partition, { id }: Gateway, whitelist: ReadonlySet<string> | null): boolean {
    const gateway = data.gateways.get(id)
    if (gateway?.isActive !== true || whitelist?.has(id) === false) return false
    return !this.#parts.needsSocket || gateway.socketText === null || gateway.socket !== null
  }
}
