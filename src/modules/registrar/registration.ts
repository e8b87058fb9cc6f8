import type { Binding, Wish } from './bindings.ts'
import type { Contact, ContactData, Domain, MatchingMode } from './location.ts'
import { type Refusal, refuse } from './refusal.ts'

/** A REGISTER made ready for the store. */
export interface Registration {
  readonly domain: Domain
  readonly aor: string
  readonly callId: string
  readonly cseq: number
  readonly matching: (binding: Binding) => MatchingMode
  /** 0: no limit. */
  readonly mostContacts: number
  /** At the limit, remove a contact instead of refusing. */
  readonly force: boolean
  /** Remove the last contact in store order (as OpenSIPS does) instead of the least recently updated one. */
  readonly evictLast: boolean
  /** A CSeq equal to the stored one is a refresh too. */
  readonly acceptsSameCseq: boolean
  readonly nowS: number
  data(binding: Binding, expiresS: number): ContactData
}

/**
 * Stores what a REGISTER asks for (RFC 3261 §10.3 steps 6 and 7; registrar reference, save). Gives null when done. When
 * a contact is refused, those before it keep their changes.
 */
export function store(registration: Registration, wish: Wish): Refusal | null {
  const { aor, domain } = registration
  if (wish.kind === 'remove all') {
    domain.removeAll(aor)
    return null
  }
  for (const binding of wish.bindings) {
    const refusal = storeBinding(registration, binding)
    if (refusal !== null) return refusal
  }
  return null
}

function storeBinding(registration: Registration, binding: Binding): Refusal | null {
  const { aor, domain, callId, nowS } = registration
  const cseq = registration.acceptsSameCseq ? registration.cseq + 1 : registration.cseq
  const match = domain.match(aor, { uri: binding.uri, callId, cseq }, registration.matching(binding))
  switch (match.kind) {
    case 'retransmission':
      return null
    case 'outdated':
      return refuse(400, 'Invalid CSeq number')
    case 'found':
      if (binding.expiresS === 0) domain.remove(match.contact)
      else domain.update(match.contact, registration.data(binding, nowS + binding.expiresS))
      return null
    case 'none':
      return binding.expiresS === 0 ? null : insert(registration, binding)
  }
}

function insert(registration: Registration, binding: Binding): Refusal | null {
  const { aor, domain, mostContacts, nowS } = registration
  const contacts = domain.contacts(aor)
  if (mostContacts > 0 && contacts.length >= mostContacts) {
    if (!registration.force) return refuse(503, 'Too many registered contacts')
    const surplus = contacts.length - mostContacts + 1
    for (const victim of victims(contacts, surplus, registration.evictLast)) domain.remove(victim)
  }
  domain.insert(aor, registration.data(binding, nowS + binding.expiresS))
  return null
}

function victims(contacts: readonly Contact[], count: number, evictLast: boolean): readonly Contact[] {
  if (evictLast) return contacts.slice(-count).toReversed()
  return contacts.toSorted((a, b) => a.modifiedMs - b.modifiedMs || a.id - b.id).slice(0, count)
}
