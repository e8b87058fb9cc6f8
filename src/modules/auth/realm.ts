import type { SipMessage } from '../../sip/codec/message.ts'
import { parseUri } from '../../sip/codec/uri.ts'

/**
 * The realm of a request where the script names none: the host a REGISTER is for (To), else the host it is from, without
 * the prefix (auth reference). Null where that header cannot be read.
 */
export function realmOf(message: SipMessage, prefix: string): string | null {
  const party = message.method === 'REGISTER' ? message.to : message.from
  const host = party === null ? undefined : parseUri(party.uri)?.host
  if (host === undefined) return null
  return prefix !== '' && host.startsWith(prefix) ? host.slice(prefix.length) : host
}
