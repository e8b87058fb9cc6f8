import { type AdvertisedAddress, isSameSocket, ownAddress } from '../../proxy/own-address.ts'
import type { HeadersAtSend } from '../../proxy/proxy.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import { parseUri, uriScheme } from '../../sip/codec/uri.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'

export interface RecordRouteSettings extends AdvertisedAddress {
  readonly withFromTag: boolean
  /** Two Record-Routes where the request leaves by another socket than it came in by (RFC 5658 §4). */
  readonly isDouble: boolean
  /** Whose user part goes into the URI. */
  readonly user: 'none' | 'from' | 'request-uri'
}

/** RFC 3261 §25.1 token. A tag that is none could end the URI and add what the caller likes. */
const TOKEN = /^[\w.!%*+`'~-]+$/

/** Parameters for our Record-Route that were asked for; kept until the request is written. */
const addedParams = messageSlot<string>()
const isRecorded = messageSlot<boolean>()

/** Adds text such as `;did=1` to our Record-Route, whether that was asked for yet or not. */
export function addParams(m: RouteContext, text: string): void {
  addedParams.set(m, (addedParams.get(m) ?? '') + (text.startsWith(';') ? text : `;${text}`))
}

/**
 * Asks for Record-Route; it is written for each branch, when its socket is known. Gives null when it was asked for
 * before, else what to hang into the way of the request.
 */
export function recordRoute(m: RouteContext, settings: RecordRouteSettings): HeadersAtSend | null {
  if (isRecorded.get(m) === true) return null
  isRecorded.set(m, true)
  return ({ socket, target }, branch) => {
    const arrival = m.origin.socket
    const scheme = uriScheme(target.uri) === 'sips' ? 'sips' : 'sip'
    const user = userPart(m, settings)
    const value = (s: ListenSocket, marker: string) =>
      recordRouteLine(`${scheme}:${user}${ownAddress(branch, s, settings)}${marker};lr`, branch, settings)
    if (!settings.isDouble || isSameSocket(arrival, socket)) return value(arrival, '')
    return value(socket, ';r2=on') + value(arrival, ';r2=on')
  }
}

/**
 * The same with addresses from the script, `host:port;params`. Of two, the second is the side the request leaves by and
 * stands on top.
 */
export function recordRoutePreset(
  m: RouteContext,
  settings: RecordRouteSettings,
  first: string,
  second: string | null,
): HeadersAtSend | null {
  if (isRecorded.get(m) === true) return null
  isRecorded.set(m, true)
  const marker = second === null ? '' : ';r2=on'
  return (_, branch) => {
    const user = userPart(m, settings)
    const line = (address: string) => recordRouteLine(`sip:${user}${address}${marker};lr`, branch, settings)
    return (second === null ? '' : line(second)) + line(first)
  }
}

function recordRouteLine(uri: string, m: RouteContext, { withFromTag }: RecordRouteSettings): string {
  const tag = m.message.fromTag
  const ftag = withFromTag && TOKEN.test(tag) ? `;ftag=${tag}` : ''
  return `Record-Route: <${uri}${ftag}${addedParams.get(m) ?? ''}>\r\n`
}

function userPart({ message }: RouteContext, { user }: RecordRouteSettings): string {
  if (user === 'none') return ''
  const name = parseUri(user === 'from' ? (message.from?.uri ?? '') : message.requestUri)?.user ?? ''
  return name === '' ? '' : `${name}@`
}
