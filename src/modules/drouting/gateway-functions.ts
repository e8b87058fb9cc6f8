import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import { isAt } from '../../proxy/locate.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Step, Verdict } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { setUser } from '../../sip/codec/uri-edit.ts'
import type { Carrier } from './destinations.ts'
import type { Gateway } from './gateway.ts'
import type { Partition } from './partition.ts'
import type { DroutingServices } from './services.ts'

const routes = ['request', 'failure', 'onreply', 'branch'] as const
const lookupArgs = [
  optional(arg('type', 'int', 'Type of the gateways; −1 for any.')),
  optional(
    arg(
      'flags',
      'str',
      's strip what the gateway strips, p take its prefix off, i give its id to gw_id_avp, c give its carrier to carrier_id_avp, n any port, r the same protocol.',
    ),
  ),
  optional(arg('gw_attrs', 'var', 'Takes the attributes of the gateway.')),
  optional(arg('carrier_attrs', 'var', 'Takes the attributes of a carrier it is in.')),
  optional(arg('partition', 'str', 'Partition; the default one if absent, `*` for any.')),
] as const
const returns = '1 it is; −1 it is not'

/** Functions that compare addresses with those of gateways. */
export const gatewaySpecs = {
  is_from_gw: { args: lookupArgs, routes, returns, doc: 'Whether the message comes from a gateway.' },
  goes_to_gw: {
    args: lookupArgs,
    routes,
    returns,
    doc: 'Whether the message goes to a gateway ($du, else the Request-URI).',
  },
  dr_is_gw: {
    args: [arg('uri', 'str', 'SIP URI.'), ...lookupArgs],
    routes,
    returns,
    doc: 'Whether a URI is that of a gateway.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

type Given<T> = Arg<T> | undefined
type LookupArgs = readonly [Given<number>, Given<string>, Given<PvarRef>, Given<PvarRef>, Given<string>]

/** An address a gateway may be at; `proto` null and port 0 fit any. */
interface Place {
  readonly address: string
  readonly port: number
  readonly proto: string | null
}

/** Builds them. */
export function gatewayFunctions(services: DroutingServices): FunctionHandlers<typeof gatewaySpecs> {
  const byUri = (uriOf: (m: RouteContext) => string, args: LookupArgs): Step => {
    const look = lookup(services, args)
    return m => {
      const hops = services.proxy.resolve(uriOf(m))
      return hops instanceof Promise ? hops.then(found => look(m, found)) : look(m, hops)
    }
  }
  return {
    is_from_gw: (...args) => {
      const look = lookup(services, args)
      return m => look(m, [m.origin])
    },
    goes_to_gw: (...args) => byUri(m => m.target.dstUri ?? m.target.uri, args),
    dr_is_gw: (uri, ...args) => byUri(m => uri.read(m), args),
  }
}

function lookup(
  { registry, partitionVariable }: DroutingServices,
  [type, flags, gatewayAttrs, carrierAttrs, where]: LookupArgs,
): (m: RouteContext, places: readonly Place[]) => Verdict {
  if (flags?.constant !== undefined && /[^spicnr\s]/i.test(flags.constant))
    flags.reject('expected letters out of s, p, i, c, n and r')
  return (m, places) => {
    const letters = flags?.read(m).toLowerCase() ?? ''
    const name = where?.read(m)
    const one = name === '*' ? undefined : registry.find(name)
    const partitions = name === '*' ? registry.all : one === undefined ? [] : [one]
    for (const partition of partitions) {
      const gateway = [...partition.data.gateways.values()].find(
        candidate =>
          ((type?.read(m) ?? -1) < 0 || candidate.data.type === type?.read(m)) &&
          places.some(place => fits(candidate, place, letters)),
      )
      if (gateway === undefined) continue
      if (name === '*') partitionVariable?.set(m, partition.name)
      const carrier = carrierOf(partition, gateway)
      report(m, partition, gateway, carrier, letters)
      gatewayAttrs?.read(m).set(m, gateway.data.attrs)
      carrierAttrs?.read(m).set(m, carrier?.data.attrs ?? null)
      return 1
    }
    return -1
  }
}

/** A gateway provisioned without a port is known by its address alone. */
function fits(gateway: Gateway, { address, port, proto }: Place, letters: string): boolean {
  const anyPort = letters.includes('n') || gateway.port === 0
  const addresses = letters.includes('r') ? gateway.addresses.filter(hop => hop.proto === proto) : gateway.addresses
  return isAt({ addresses }, address, anyPort ? 0 : port)
}

function carrierOf({ data }: Partition, gateway: Gateway): Carrier | undefined {
  for (const carrier of data.carriers.values())
    if (carrier.data.members.some(({ to }) => to === gateway)) return carrier
  return undefined
}

function report(
  m: RouteContext,
  { settings }: Partition,
  { id, data }: Gateway,
  carrier: Carrier | undefined,
  letters: string,
): void {
  const put = (name: string | undefined, value: string): void => {
    if (name === undefined) return
    m.avps.removeAll(name)
    m.avps.push(name, value)
  }
  if (letters.includes('i')) put(settings.avps.gatewayId, id)
  if (letters.includes('c') && carrier !== undefined) put(settings.avps.carrierId, carrier.id)
  const user = parseUri(m.target.uri)?.user ?? ''
  let changed = user
  if (letters.includes('s')) changed = changed.slice(data.strip)
  if (letters.includes('p') && changed.startsWith(data.prefix)) changed = changed.slice(data.prefix.length)
  if (changed !== user && changed !== '') m.target.uri = setUser(m.target.uri, changed) ?? m.target.uri
}
