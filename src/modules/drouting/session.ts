import type { RouteContext } from '../../script/context.ts'
import { parseUri, type SipUri } from '../../sip/codec/uri.ts'
import type { Destination } from './destinations.ts'
import type { Gateway } from './gateway.ts'
import type { RoutingAvps } from './partition-settings.ts'
import type { Rule } from './routing-data.ts'

/** What a call that was routed has left to try. */
export interface Session {
  /** The Request-URI before it was routed. */
  readonly uri: SipUri
  readonly rule: Rule | null
  readonly current: Destination
  readonly rest: readonly Destination[]
  /** Further rules, for when these destinations have failed. */
  readonly fallback: Fallback | null
}

/** How to go on with other rules. */
export interface Fallback {
  readonly rules: Iterator<Rule, undefined>
  /** Ids of the gateways that may be used; null: all. */
  readonly whitelist: ReadonlySet<string> | null
  readonly isByWeight: boolean
}

/**
 * The Request-URI for a gateway: `sip:`, its prefix, the user without the characters it strips, and its address. Password,
 * parameters and headers stay, but for parameters that the address has and `maddr`, which would lead elsewhere. Null where
 * nothing is left of the user.
 */
export function gatewayUri(uri: SipUri, { data, uri: address }: Gateway): string | null {
  if (data.strip > 0 && data.strip >= uri.user.length) return null
  const user = `${data.prefix}${uri.user.slice(data.strip)}`
  const [, scheme = 'sip', hostAndParams = ''] = /^(sips?):(.*)$/is.exec(address) ?? []
  const own = parseUri(address)?.params
  const params = [...uri.params.entries()]
    .filter(([name]) => name.toLowerCase() !== 'maddr' && own?.has(name) !== true)
    .map(([name, value]) => (value === null || value === '' ? `;${name}` : `;${name}=${value}`))
  const password = uri.password === '' ? '' : `:${uri.password}`
  const userPart = user === '' ? '' : `${user}${password}@`
  return `${scheme}:${userPart}${hostAndParams}${params.join('')}${uri.headers === '' ? '' : `?${uri.headers}`}`
}

/** Puts the destination in use into the request. False where its URI cannot be made. */
export function direct(m: RouteContext, { uri, current: { gateway } }: Session, before: Session | undefined): boolean {
  const made = gatewayUri(uri, gateway)
  if (made === null) return false
  m.target.uri = made
  if (gateway.socket !== null) m.target.socket = gateway.socket
  else if (before?.current.gateway.socket != null) m.target.socket = null
  return true
}

/** Shows a session in the AVPs: the destination in use first, the Request-URIs of those behind it only. */
export function showInAvps({ avps }: RouteContext, names: RoutingAvps, { uri, rule, current, rest }: Session): void {
  const put = (name: string | undefined, values: readonly (string | number)[]): void => {
    if (name === undefined) return
    avps.removeAll(name)
    for (const value of values) avps.append(name, value)
  }
  const all = [current, ...rest]
  put(
    names.ruri,
    rest.map(({ gateway }) => gatewayUri(uri, gateway) ?? ''),
  )
  put(
    names.gatewayId,
    all.map(({ gateway }) => gateway.id),
  )
  put(
    names.socket,
    all.map(({ gateway }) => gateway.socket?.text ?? ''),
  )
  put(
    names.prefix,
    all.map(({ gateway }) => gateway.data.prefix),
  )
  put(
    names.gatewayAttrs,
    all.map(({ gateway }) => gateway.data.attrs ?? ''),
  )
  put(
    names.carrierId,
    all.map(({ carrier }) => carrier?.id ?? ''),
  )
  put(
    names.carrierAttrs,
    all.map(({ carrier }) => carrier?.data.attrs ?? ''),
  )
  put(names.ruleId, rule === null ? [] : [rule.id])
  put(names.rulePrefix, rule === null ? [] : [rule.prefix])
  put(names.ruleAttrs, rule === null ? [] : [rule.attrs ?? ''])
}
