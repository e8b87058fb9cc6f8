import { parseUri, sameUri } from '../../sip/codec/uri.ts'
import type { StoredContact } from './contact.ts'

/**
 * When a stored contact is the one a REGISTER means: its URI is equal by RFC 3261 §19.1.4 (0), its Call-ID is equal too
 * (1), or URI parameters have the same values in both (`params`).
 */
export type MatchingMode =
  | { readonly by: 'uri' }
  | { readonly by: 'uri+callid' }
  | { readonly by: 'params'; readonly names: readonly string[] }

export const MATCH_URI: MatchingMode = { by: 'uri' }
export const MATCH_URI_AND_CALL_ID: MatchingMode = { by: 'uri+callid' }

/** From `0`, `1` or the name of a URI parameter. */
export function matchingMode(text: string): MatchingMode {
  if (text === '0') return MATCH_URI
  if (text === '1') return MATCH_URI_AND_CALL_ID
  return { by: 'params', names: [text] }
}

/** The first of `contacts` that `mode` finds equal, or undefined. */
export function findMatch(
  contacts: readonly StoredContact[],
  uri: string,
  callId: string,
  mode: MatchingMode,
): StoredContact | undefined {
  if (mode.by === 'params') return findByParams(contacts, uri, mode.names)
  const isCandidate = (contact: StoredContact): boolean => mode.by === 'uri' || contact.callId === callId
  const identical = contacts.find(contact => contact.uri === uri && isCandidate(contact))
  if (identical !== undefined) return identical
  const stem = stemLength(uri)
  return contacts.find(
    contact => isCandidate(contact) && mayBeSame(contact.uri, uri, stem) && sameUri(contact.uri, uri),
  )
}

/**
 * Length of a URI without parameters and headers, where URIs that are the same must agree in it but for the case of
 * letters; −1 where escapes, or more spellings of an address, may stand for the same.
 */
function stemLength(uri: string): number {
  if (uri.includes('%') || uri.includes('[') || !/^sips?:/i.test(uri)) return -1
  const end = uri.search(/[;?]/)
  return end < 0 ? uri.length : end
}

/** False where two URIs are surely not the same: an address of record may have hundreds of contacts to compare with. */
function mayBeSame(stored: string, wanted: string, stem: number): boolean {
  if (stem < 0 || stored.includes('%')) return true
  if (stored.length < stem) return false
  const next = stored.charCodeAt(stem)
  const endsThere = stored.length === stem || next === SEMICOLON || next === QUESTION
  return endsThere && stored.slice(0, stem).toLowerCase() === wanted.slice(0, stem).toLowerCase()
}

const SEMICOLON = 59
const QUESTION = 63

function findByParams(
  contacts: readonly StoredContact[],
  uri: string,
  names: readonly string[],
): StoredContact | undefined {
  const wanted = parseUri(uri)?.params
  const first = names.find(name => wanted?.has(name) === true)
  if (wanted === undefined || first === undefined) return findMatch(contacts, uri, '', MATCH_URI)
  return contacts.find(contact => {
    const params = parseUri(contact.uri)?.params
    return params?.has(first) === true && names.every(name => (params.get(name) ?? null) === (wanted.get(name) ?? null))
  })
}
