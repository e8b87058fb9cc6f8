import { canonicalHost, parseWrittenAddress } from '../../sip/net/address.ts'
import { wildcardMatcher } from '../../util/wildcard.ts'

/** An address that a domain is for; port 0 stands for all. */
export interface AddressMatch {
  readonly host: string
  readonly port: number
}
/** Null: every address. */
export type AddressMatches = readonly AddressMatch[] | null

/** How well something fits: more is better, 0 not at all. */
export type Fit = number

/** A name, pattern, or `none`. */
export interface NameMatch {
  readonly text: string
  fits(name: string | null): Fit
}

/** Reads `match_ip_address`. Throws an Error that names the domain and the part that is no address. */
export function addressMatches(text: string, domain: string): AddressMatches {
  const parts = listOf(text)
  if (parts.length === 0 || parts.includes('*')) return null
  return parts.map(part => {
    const written = parseWrittenAddress(part)
    if (written === undefined)
      throw new Error(`TLS domain ${domain}: match_ip_address holds "${part}", expected IP:PORT or *`)
    return { host: canonicalHost(written.host), port: written.port }
  })
}

/** Reads `match_sip_domain`. */
export function nameMatches(text: string): readonly NameMatch[] {
  const parts = listOf(text.toLowerCase())
  return (parts.length === 0 ? ['*'] : parts).map(nameMatch)
}

/** How well an address and port are matched: by naming them 2, by `*` 1. */
export function addressFit(matches: AddressMatches, address: string, port: number): Fit {
  if (matches === null) return 1
  const host = canonicalHost(address)
  return matches.some(match => match.host === host && (match.port === 0 || match.port === port)) ? 2 : 0
}

/** How well a name, or that there is none, is matched: by the name 3, by a pattern 2, by `*` 1. */
export function nameFit(matches: readonly NameMatch[], name: string | null): Fit {
  return Math.max(...matches.map(match => match.fits(name)))
}

function nameMatch(text: string): NameMatch {
  if (text === '*') return { text, fits: () => 1 }
  if (text === 'none') return { text, fits: name => (name === null ? 3 : 0) }
  if (!/[*?[]/.test(text)) return { text, fits: name => (name?.toLowerCase() === text ? 3 : 0) }
  const pattern = wildcardMatcher(text)
  return { text, fits: name => (name !== null && pattern.matches(name.toLowerCase()) ? 2 : 0) }
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}
