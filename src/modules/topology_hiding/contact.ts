import { Params } from '../../sip/codec/params.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { hostPort } from '../../sip/net/address.ts'
import type { ContactPlace } from './hiding.ts'
import type { HidingFlags } from './settings.ts'

/** Names of parameters that stay. */
export interface PassedParams {
  readonly ofUri: readonly string[]
  readonly ofHeader: readonly string[]
}

/** Reads a list divided by semicolons, commas or blanks. */
export const parameterNames = (text: string): readonly string[] => text.split(/[\s;,]+/).filter(name => name !== '')

/** What else our Contact shows. */
export interface ContactExtras {
  /** User part; null for that of the Contact replaced where the flags keep it. */
  readonly user: string | null
  /** Parameter of the URI, `;did=…`. */
  readonly param: string
  /** Instead of the address of the socket. */
  readonly address: string | null
}

/** Our own URI in the place of a Contact: `<sip:[user@]host:port;param>;passed`. */
export function ownContact(
  { message, shown }: ContactPlace,
  { keepsUser }: HidingFlags,
  passed: PassedParams,
  { user, param, address }: ContactExtras,
): string {
  const contact = Array.isArray(message.contacts) ? message.contacts[0] : undefined
  const uri = contact === undefined ? null : parseUri(contact.uri)
  const kept = keepsUser ? (uri?.user ?? '') : ''
  const userPart = user ?? kept
  const where = address ?? hostPort(shown.advertisedHost ?? shown.address, shown.advertisedPort ?? shown.port)
  const transport = shown.proto === 'udp' ? '' : `;transport=${shown.proto}`
  const scheme = uri?.scheme === 'sips' ? 'sips' : 'sip'
  const ofUri = chosen(uri?.params ?? Params.none, passed.ofUri)
  const ofHeader = chosen(contact?.params ?? Params.none, passed.ofHeader)
  return `<${scheme}:${userPart === '' ? '' : `${userPart}@`}${where}${transport}${param}${ofUri}>${ofHeader}`
}

function chosen(params: Params, names: readonly string[]): string {
  const wanted = new Set(names.map(name => name.toLowerCase()))
  return params
    .entries()
    .filter(([name]) => wanted.has(name.toLowerCase()))
    .map(([name, value]) => (value === null ? `;${name}` : `;${name}=${value}`))
    .join('')
}
