import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { headerValues } from './header-values.ts'
import type { Contact } from './location.ts'
import type { Refusal } from './refusal.ts'

const PERMANENT_S = 0xffffffff

/** What the Contact header of a 200 says beside the contacts. */
export interface ContactHeaderFacts {
  readonly nowS: number
  /** Name of the parameter that shows where a registration came from. */
  readonly receivedParam: string
  /** Null where the client does not ask for GRUUs, or gets none. */
  readonly gruus: ((contact: Contact) => string) | null
}

/**
 * The Contact header of a 200: `<uri>;q=0.7;expires=60, …` for every binding, in one line (recorded form). '' without
 * bindings.
 */
export function contactHeader(
  contacts: readonly Contact[],
  { nowS, receivedParam, gruus }: ContactHeaderFacts,
): string {
  if (contacts.length === 0) return ''
  const values = contacts.map(contact => {
    const q = contact.q < 0 ? '' : `;q=${contact.q / 1000}`
    const expiresS = contact.expiresS === 0 ? PERMANENT_S : Math.max(contact.expiresS - nowS, 0)
    const received = contact.received === '' ? '' : `;${receivedParam}="${contact.received}"`
    return `<${contact.uri}>${q};expires=${expiresS}${received}${gruus?.(contact) ?? ''}`
  })
  return `Contact: ${values.join(', ')}\r\n`
}

/** Gives the Path of the request back (RFC 3327 §5.3). */
export function pathHeader(message: SipMessage): string {
  return headerValues(message, HeaderId.path)
    .map(value => `Path: ${value}\r\n`)
    .join('')
}

/** Headers of a reply that refuses a registration. `retryAfterS` 0: none. */
export function refusalHeaders(refusal: Refusal, retryAfterS: number): string {
  const retry = retryAfterS > 0 && refusal.status >= 500 ? `Retry-After: ${retryAfterS}\r\n` : ''
  const unsupported = refusal.status === 420 ? 'Unsupported: path\r\n' : ''
  return `P-Registrar-Error: ${refusal.detail}\r\n${retry}${unsupported}`
}
