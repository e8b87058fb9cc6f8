import { type Contact, ContactState } from './contact.ts'
import type { Domain } from './domain.ts'

export interface ListingOptions {
  readonly nowS: number
  readonly flagNames: (mask: number) => string
  /** Also show what scripts keep at the address. */
  readonly withKeys: boolean
}

/** A q value as registrations write it: `0.7`; '' when none was given. */
export function qText(q: number): string {
  return q < 0 ? '' : String(q / 1000)
}

/** An address of record as `ul_show_contact` gives it (recorded order of members). */
export function aorListing(domain: Domain, aor: string, contacts: readonly Contact[], options: ListingOptions): object {
  const keys = options.withKeys ? domain.keys(aor) : null
  return {
    AOR: aor,
    Contacts: contacts.map(contact => contactListing(contact, options)),
    ...(keys === null || keys.size === 0 ? {} : { KV: Object.fromEntries(keys) }),
  }
}

/** One contact: members that do not apply are left out. */
function contactListing(contact: Contact, { nowS, flagNames }: ListingOptions): object {
  return {
    Contact: contact.uri,
    ContactID: String(contact.id),
    Expires: expiresListing(contact.expiresS, nowS),
    Q: qText(contact.q),
    Callid: contact.callId,
    Cseq: contact.cseq,
    'User-agent': contact.userAgent,
    ...given('Received', contact.received),
    ...given('Path', contact.path),
    State: STATE_NAMES[contact.state],
    Flags: contact.flags,
    Cflags: flagNames(contact.cflags),
    ...given('Socket', contact.socket?.text ?? ''),
    Methods: contact.methods,
    ...given('Attr', contact.attr),
    ...given('SIP_instance', contact.instance),
    ...(contact.latencyUs === 0 ? {} : { 'Ping-Latency': contact.latencyUs }),
  }
}

const STATE_NAMES = {
  [ContactState.new]: 'CS_NEW',
  [ContactState.synced]: 'CS_SYNC',
  [ContactState.dirty]: 'CS_DIRTY',
  [ContactState.removed]: 'CS_DELETED',
} as const

function expiresListing(expiresS: number, nowS: number): number | string {
  if (expiresS === 0) return 'permanent'
  return expiresS > nowS ? expiresS - nowS : 'expired'
}

function given(name: string, text: string): Record<string, string> {
  return text === '' ? {} : { [name]: text }
}
