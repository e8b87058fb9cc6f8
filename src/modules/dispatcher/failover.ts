import type { SipProxy } from '../../proxy/proxy.ts'
import type { RouteContext } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { setHostPort } from '../../sip/codec/uri-edit.ts'
import type { Destination } from './destination.ts'
import type { FailoverAvps } from './partition-settings.ts'

/** What a destination is put into: the next hop (`$du`), or host and port of the Request-URI. */
export type Mode = 'next hop' | 'domain'

/** A destination as the AVPs keep it. */
export interface Pending {
  readonly setId: number
  readonly destination: Destination
}

/** Puts a destination into the request. False where its URI does not fit in. */
export function direct(m: RouteContext, uri: string, mode: Mode): boolean {
  if (mode === 'next hop') {
    m.target.dstUri = uri
    return true
  }
  const parsed = parseUri(uri)
  if (parsed === null) return false
  const changed = setHostPort(m.target.uri, parsed.port === 0 ? parsed.host : `${parsed.host}:${parsed.port}`)
  if (changed === null) return false
  m.target.uri = changed
  return true
}

/** Keeps only the attributes of the destination that is used, for a selection without failover. */
export function keepAttributes({ avps }: RouteContext, names: FailoverAvps, { data, scriptAttrs }: Destination): void {
  const pairs = [
    [names.attrs, data.attrs],
    [names.scriptAttrs, scriptAttrs],
  ] as const
  for (const [name, value] of pairs) {
    if (name === undefined) continue
    avps.removeAll(name)
    avps.push(name, value ?? '')
  }
}

/** Keeps destinations for ds_next_dst(), the one in use first; with `appends` behind those that are kept already. */
export function keep(m: RouteContext, names: FailoverAvps, pending: readonly Pending[], appends: boolean): void {
  const { avps } = m
  if (!appends) for (const name of Object.values<string | undefined>({ ...names })) if (name) avps.removeAll(name)
  for (const { setId, destination } of pending) {
    avps.append(names.dst, destination.uri)
    avps.append(names.grp, setId)
    avps.append(names.sock, destination.socket?.text ?? '')
    if (names.attrs !== undefined) avps.append(names.attrs, destination.data.attrs ?? '')
    if (names.scriptAttrs !== undefined) avps.append(names.scriptAttrs, destination.scriptAttrs ?? '')
  }
  avps.removeAll(names.cnt)
  avps.push(names.cnt, avps.count(names.dst))
}

/** Drops the destination in use and goes on to the next one that is kept. False when there is none. */
export function goToNext(
  m: RouteContext,
  names: FailoverAvps,
  mode: Mode,
  findSocket: SipProxy['findSocket'],
): boolean {
  const { avps } = m
  const hadSocket = avps.get(names.sock) !== null && avps.get(names.sock) !== ''
  for (const name of [names.dst, names.grp, names.sock, names.attrs, names.scriptAttrs])
    if (name !== undefined) avps.remove(name)
  const uri = avps.get(names.dst)
  if (typeof uri !== 'string' || !direct(m, uri, mode)) return false
  const socket = avps.get(names.sock)
  if (typeof socket === 'string' && socket !== '') m.target.socket = findSocket(socket) ?? null
  else if (hadSocket) m.target.socket = null
  return true
}

/** The destination in use, as the AVPs have it. Null when nothing is kept. */
export function current(m: RouteContext, names: FailoverAvps): { readonly setId: number; readonly uri: string } | null {
  const uri = m.avps.get(names.dst)
  const setId = m.avps.get(names.grp)
  return uri === null || setId === null ? null : { setId: Number(setId), uri: String(uri) }
}
