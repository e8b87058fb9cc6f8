import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, RouteKind, Step, Verdict } from '../../script/context.ts'
import type { Member } from './destinations.ts'
import { groupOfCaller } from './groups.ts'
import type { Partition } from './partition.ts'
import type { RoutingRequest } from './router.ts'
import type { DroutingServices } from './services.ts'

/** What a function gives where there is nothing to route to. */
const NO_ROUTE = -1

const ANYWHERE: readonly RouteKind[] = ['request', 'failure', 'onreply', 'branch', 'local', 'startup', 'timer', 'event']
const routes: readonly RouteKind[] = ['request', 'failure', 'branch', 'local']
const partition = optional(arg('partition', 'str', 'Partition; the default one if absent.'))
const ruleAttrs = optional(arg('rule_attrs', 'var', 'Takes the attributes of the rule.'))
const gatewayAttrs = optional(arg('gw_attrs', 'var', 'Takes the attributes of the gateway.'))
const carrierAttrs = optional(arg('carrier_attrs', 'var', 'Takes the attributes of its carrier.'))

/** Functions that route. */
export const routingSpecs = {
  do_routing: {
    args: [
      optional(arg('group', 'str', 'Number of the group; that of the caller if absent. 2.x: `[partition:]group`.')),
      optional(
        arg(
          'flags',
          'str',
          'F go on with further rules, L the whole number is the prefix, C only check, W by weights.',
        ),
      ),
      optional(arg('gw_whitelist', 'str', 'Ids of the gateways that may be used, divided by commas.')),
      ruleAttrs,
      gatewayAttrs,
      carrierAttrs,
      optional(arg('partition', 'str', 'Partition; the default one if absent, `*` for the first that has a route.')),
    ],
    routes: ANYWHERE,
    returns: '1 routed; −1 there is no rule for the number, or no gateway that can be used',
    doc: 'Routes by the number in the Request-URI: the first gateway is put into it, the others are kept for use_next_gw().',
  },
  use_next_gw: {
    args: [ruleAttrs, gatewayAttrs, carrierAttrs, partition],
    routes,
    returns: '1 there is one; −1 there is none',
    aliases: ['next_routing'],
    doc: 'Puts the next gateway into the Request-URI.',
  },
  route_to_gw: {
    args: [arg('gateways', 'str', 'Ids, divided by commas.'), gatewayAttrs, partition],
    routes,
    returns: '1 routed; −1 none of them can be used',
    doc: 'Routes to gateways by their ids.',
  },
  route_to_carrier: {
    args: [arg('carriers', 'str', 'Ids, divided by commas.'), gatewayAttrs, carrierAttrs, partition],
    routes,
    returns: '1 routed; −1 none of their gateways can be used',
    doc: 'Routes to the gateways of carriers by the ids of these.',
  },
  dr_disable: {
    args: [partition],
    routes,
    returns: '1 done; −1 no gateway is in use',
    doc: 'Disables the gateway in use. Probing may enable it again.',
  },
  dr_match: {
    args: [
      arg('group', 'int', 'Number of the group.'),
      optional(arg('flags', 'str', 'L: the whole number is the prefix.')),
      arg('number', 'str', 'Number to look for.'),
      ruleAttrs,
      partition,
    ],
    routes: ANYWHERE,
    returns: '1 there is a rule; −1 there is none',
    doc: 'Whether there is a rule for a number. Nothing is changed.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

type Given<T> = Arg<T> | undefined
type Variable = Given<PvarRef>
interface Outputs {
  readonly rule?: Variable
  readonly gateway?: Variable
  readonly carrier?: Variable
}

/** Builds them. */
export function routingFunctions(services: DroutingServices): FunctionHandlers<typeof routingSpecs> {
  const { registry, router, statuses } = services
  return {
    do_routing: (group, flags, whitelist, rule, gateway, carrier, where) =>
      routeStep(services, { group, flags, whitelist, where }, { rule, gateway, carrier }),
    use_next_gw: (rule, gateway, carrier, where) => m => {
      const found = registry.find(where?.read(m))
      if (found === undefined) return NO_ROUTE
      return finish(m, found, router.next(m, found), { rule, gateway, carrier })
    },
    route_to_gw: (ids, gateway, where) => m => {
      const found = registry.find(where?.read(m))
      if (found === undefined) return NO_ROUTE
      const members = membersOf(ids.read(m), id => found.data.gateways.get(id))
      return finish(m, found, router.routeTo(m, found, members), { gateway })
    },
    route_to_carrier: (ids, gateway, carrier, where) => m => {
      const found = registry.find(where?.read(m))
      if (found === undefined) return NO_ROUTE
      const members = membersOf(ids.read(m), id => found.data.carriers.get(id))
      return finish(m, found, router.routeTo(m, found, members), { gateway, carrier })
    },
    dr_disable: where => m => {
      const found = registry.find(where?.read(m))
      const id = found?.sessions.get(m.avps)?.current.gateway.id
      const gateway = id === undefined ? undefined : found?.data.gateways.get(id)
      if (found === undefined || gateway === undefined) return -1
      if (gateway.isActive) statuses.change(found, gateway, 'disable', 'script function dr_disable()')
      return 1
    },
    dr_match: (group, flags, number, rule, where) => {
      const read = flagReader(services, flags)
      return m => {
        const found = registry.find(where?.read(m))
        const letters = read(m)
        if (found === undefined || letters === null) return NO_ROUTE
        const wanted = { group: group.read(m), isStrict: letters.includes('L') }
        const { value } = router.rules(found, number.read(m), wanted).next()
        if (value === undefined) return NO_ROUTE
        rule?.read(m).set(m, value.attrs)
        return 1
      }
    },
  }
}

interface RouteArgs {
  readonly group: Given<string>
  readonly flags: Given<string>
  readonly whitelist: Given<string>
  readonly where: Given<string>
}

function routeStep(services: DroutingServices, args: RouteArgs, outputs: Outputs): Step {
  const { registry } = services
  const read = flagReader(services, args.flags)
  return m => {
    const written = splitGroup(args.group?.read(m) ?? '')
    const letters = read(m)
    if (letters === null) return NO_ROUTE
    const base = {
      whitelist: whitelistOf(args.whitelist?.read(m) ?? ''),
      fallsBack: letters.includes('F'),
      isStrict: letters.includes('L'),
      isCheck: letters.includes('C'),
      isByWeight: letters.includes('W'),
    }
    const name = args.where?.read(m) ?? written.partition
    if (name === '*') return routeAnywhere(services, m, written.group, base, outputs)
    const found = registry.find(name)
    if (found !== undefined) return routeIn(services, m, found, written.group, base, outputs)
    services.log.error('there is no such partition', { partition: name })
    return NO_ROUTE
  }
}

type Wishes = Omit<RoutingRequest, 'group'>

async function routeAnywhere(
  services: DroutingServices,
  m: RouteContext,
  group: string,
  wishes: Wishes,
  outputs: Outputs,
): Promise<Verdict> {
  for (const found of services.registry.all) {
    if ((await routeIn(services, m, found, group, wishes, outputs)) !== 1) continue
    services.partitionVariable?.set(m, found.name)
    return 1
  }
  return NO_ROUTE
}

function routeIn(
  services: DroutingServices,
  m: RouteContext,
  found: Partition,
  group: string,
  wishes: Wishes,
  outputs: Outputs,
): Verdict | Promise<Verdict> {
  const route = (number: number | null): Verdict | Promise<Verdict> => {
    if (number === null) return NO_ROUTE
    const verdict = services.router.route(m, found, { ...wishes, group: number })
    return wishes.isCheck ? verdict : finish(m, found, verdict, outputs)
  }
  if (group === '') return groupOfCaller(services, m, found).then(route)
  if (/^\d+$/.test(group)) return route(Number(group))
  services.log.error('a group is no number', { group })
  return NO_ROUTE
}

/** Gives the attributes of what was chosen to their variables. */
function finish(
  m: RouteContext,
  found: Partition,
  verdict: Verdict | Promise<Verdict>,
  { rule, gateway, carrier }: Outputs,
): Verdict | Promise<Verdict> {
  if (verdict instanceof Promise) return verdict.then(rc => finish(m, found, rc, { rule, gateway, carrier }))
  const session = found.sessions.get(m.avps)
  if (verdict !== 1 || session === undefined) return verdict
  rule?.read(m).set(m, session.rule?.attrs ?? null)
  gateway?.read(m).set(m, session.current.gateway.data.attrs)
  carrier?.read(m).set(m, session.current.carrier?.data.attrs ?? null)
  return verdict
}

/** Reads the letters of flags, upper case; null, after logging, where there are others. Constant ones are checked at load. */
function flagReader({ log }: DroutingServices, flags: Given<string>): (m: RouteContext) => string | null {
  const fault = (text: string): string | null => {
    const wrong = /[^FLCW\s]/i.exec(text)
    return wrong === null ? null : `unknown flag "${wrong[0]}", expected F, L, C or W`
  }
  if (flags === undefined) return () => ''
  const known = flags.constant === undefined ? null : fault(flags.constant)
  if (known !== null) flags.reject(known)
  return m => {
    const text = flags.read(m)
    const reason = fault(text)
    if (reason === null) return text.toUpperCase()
    log.error('flags cannot be read', { reason })
    return null
  }
}

/** `[partition:]group`. */
function splitGroup(text: string): { readonly partition: string | undefined; readonly group: string } {
  const [, partition, group = ''] = /^(?:([^:]*):)?(.*)$/s.exec(text) ?? []
  return { partition: partition?.trim(), group: group.trim() }
}

function whitelistOf(text: string): ReadonlySet<string> | null {
  const ids = idsIn(text)
  return ids.length === 0 ? null : new Set(ids)
}

const idsIn = (text: string): readonly string[] =>
  text
    .split(/[\s,;]+/)
    .map(id => id.replace(/^#/, ''))
    .filter(id => id !== '')

function membersOf(text: string, find: (id: string) => Member['to'] | undefined): readonly Member[] {
  return idsIn(text).flatMap(id => {
    const to = find(id)
    return to === undefined ? [] : [{ to, weight: 0 }]
  })
}
