import { parseNameAddrList } from '../../sip/codec/name-addr.ts'
import { parseUri, sameUri } from '../../sip/codec/uri.ts'
import type { Contact, Domain } from './location.ts'

/** Which contacts `remove()` takes out; what is undefined is not looked at. */
export interface RemovalFilter {
  readonly contact: string | undefined
  /** Host of the first Path hop, of `received`, or of the contact. */
  readonly nextHop: string | undefined
  readonly instance: string | undefined
  readonly branchFlag: number
}

/** Removes the contacts of an AoR that pass the filter. Gives how many. */
export function removeContacts(domain: Domain, aor: string, filter: RemovalFilter): number {
  const doomed = domain.contacts(aor).filter(contact => isChosen(contact, filter))
  for (const contact of doomed) domain.remove(contact)
  return doomed.length
}

function isChosen(contact: Contact, { contact: uri, nextHop, instance, branchFlag }: RemovalFilter): boolean {
  if (uri !== undefined && contact.uri !== uri && !sameUri(contact.uri, uri)) return false
  if (instance !== undefined && contact.instance !== instance) return false
  if (branchFlag !== 0 && (contact.cflags & branchFlag) === 0) return false
  return nextHop === undefined || sourceOf(contact)?.host === nextHop.toLowerCase()
}

/** Removes contacts reached at this address, of one AoR or of all. Gives how many. */
export function removeByAddress(domain: Domain, ip: string, port: number, aor: string | undefined): number {
  const contacts = aor === undefined ? [...domain.all()].flatMap(record => record.contacts) : domain.contacts(aor)
  const doomed = contacts.filter(contact => isReachedAt(contact, ip, port))
  for (const contact of doomed) domain.remove(contact)
  return doomed.length
}

/** Whether requests for the contact go to this address; port 0 is any. IPv6 with or without brackets. */
export function isReachedAt(contact: Contact, ip: string, port: number): boolean {
  const source = sourceOf(contact)
  if (source === null || bare(source.host) !== bare(ip.toLowerCase())) return false
  return port === 0 || source.port === port
}

/** Where requests for a contact go first: its Path, else where its registration came from, else the contact itself. */
function sourceOf(contact: Contact): { host: string; port: number } | null {
  const hop = contact.path === '' ? undefined : parseNameAddrList(contact.path)?.[0]?.uri
  const uri = parseUri(hop ?? (contact.received === '' ? contact.uri : contact.received))
  if (uri === null) return null
  const isSecure = uri.scheme === 'sips' || uri.params.get('transport')?.toLowerCase() === 'tls'
  return { host: uri.host.toLowerCase(), port: uri.port || (isSecure ? 5061 : 5060) }
}

function bare(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host
}
