import { parseUri, sameUri } from '../../sip/codec/uri.ts'
import type { StoredContact } from './contact.ts'

/**
 * When a stored contact is the one a REGISTER means: its URI is equal by RFC 3261 §19.1.4 (0), its Call-ID is equal too
 * (1), or one URI parameter has the same value in both (`param`).
 */
export type MatchingMode =
  | { readonly by: 'uri' }
  | { readonly by: 'uri+callid' }
  | { readonly by: 'param'; readonly name: string }

export const MATCH_URI: MatchingMode = { by: 'uri' }
export const MATCH_URI_AND_CALL_ID: MatchingMode = { by: 'uri+callid' }

/** From `0`, `1` or the name of a URI parameter. */
export function matchingMode(text: string): MatchingMode {
  if (text === '0') return MATCH_URI
  if (text === '1') return MATCH_URI_AND_CALL_ID
  return { by: 'param', name: text }
}

/** The first of `contacts` that `mode` finds equal, or undefined. */
export function findMatch(
  contacts: readonly StoredContact[],
  uri: string,
  callId: string,
  mode: MatchingMode,
): StoredContact | undefined {
  if (mode.by === 'param') return findByParam(contacts, uri, mode.name)
  const isCandidate = (contact: StoredContact): boolean => mode.by === 'uri' || contact.callId === callId
  const identical = contacts.find(contact => contact.uri === uri && isCandidate(contact))
  return identical ?? contacts.find(contact => isCandidate(contact) && sameUri(contact.uri, uri))
}

function findByParam(contacts: readonly StoredContact[], uri: string, name: string): StoredContact | undefined {
  const wanted = parseUri(uri)?.params.get(name) ?? null
  if (wanted === null) return findMatch(contacts, uri, '', MATCH_URI)
  return contacts.find(contact => parseUri(contact.uri)?.params.get(name) === wanted)
}
