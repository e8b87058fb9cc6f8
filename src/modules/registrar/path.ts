import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { parseNameAddrList } from '../../sip/codec/name-addr.ts'
import { parseUri, unescapeParam } from '../../sip/codec/uri.ts'
import { headerValues } from './header-values.ts'

/** What `save()` does with Path (RFC 3327): nothing, store it, or also give it back; strict refuses without support. */
export type PathMode = 'ignored' | 'off' | 'lazy' | 'strict'

/** The Path of a REGISTER: its values in order, joined by commas, '' when there is none; null when malformed. */
export function pathOf(message: SipMessage): string | null {
  const path = headerValues(message, HeaderId.path).join(',')
  return path === '' || parseNameAddrList(path) !== null ? path : null
}

/** The URI of the first hop of a Path, or null. */
export function firstHop(path: string): string | null {
  return parseNameAddrList(path)?.[0]?.uri ?? null
}

/** The parameter `received` of the first hop: what the edge proxy saw of the client; '' when there is none. */
export function receivedOfPath(path: string): string {
  const uri = firstHop(path)
  return uri === null ? '' : unescapeParam(parseUri(uri)?.params.get('received') ?? '')
}

/** Whether a header list of option tags holds this one, in any case. */
export function hasOption(message: SipMessage, header: number, option: string): boolean {
  return headerValues(message, header).some(value => value.split(',').some(tag => tag.trim().toLowerCase() === option))
}
