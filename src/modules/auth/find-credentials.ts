import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { quotable } from '../../sip/digest/auth-params.ts'
import { type DigestCredentials, readCredentials } from '../../sip/digest/credentials.ts'

/** Who asks for credentials: a server (`Authorization`, 401) or a proxy (`Proxy-Authorization`, 407). */
export type Asker = 'www' | 'proxy'

/** What a request holds for a realm. */
export type FoundCredentials =
  | { readonly kind: 'found'; readonly credentials: DigestCredentials; readonly header: number }
  | { readonly kind: 'malformed'; readonly fault: string }
  | { readonly kind: 'none' }

/**
 * The first credentials whose realm is the wanted one, byte for byte. Those for other realms and of other schemes are
 * somebody else's; a header that does not even tell its realm spoils the request only when no other one fits.
 */
export function findCredentials(message: SipMessage, asker: Asker, realm: string): FoundCredentials {
  const id = asker === 'www' ? HeaderId.authorization : HeaderId.proxyAuthorization
  const wanted = quotable(realm)
  let spoilt: FoundCredentials | null = null
  for (let header = message.find(id); header >= 0; header = message.find(id, header + 1)) {
    const reading = readCredentials(message.headerValue(header))
    if (reading.kind === 'digest' && reading.credentials.realm === wanted)
      return { kind: 'found', credentials: reading.credentials, header }
    if (reading.kind !== 'malformed') continue
    const { fault } = reading
    if (reading.realm === wanted) return { kind: 'malformed', fault }
    if (reading.realm === null) spoilt ??= { kind: 'malformed', fault }
  }
  return spoilt ?? { kind: 'none' }
}
