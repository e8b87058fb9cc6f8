import { sourceUri } from '../../proxy/own-address.ts'
import type { RouteContext } from '../../script/context.ts'
import { messageSlot } from '../../script/context.ts'
import type { NameAddr, SipMessage } from '../../sip/codec/message.ts'
import { escapeParam, parseUri } from '../../sip/codec/uri.ts'
import { hostPort } from '../../sip/net/address.ts'

/** Where the parts of a contact stand in the message, byte offsets. */
interface ContactPlace {
  readonly uriStart: number
  readonly hostStart: number
  readonly hostEnd: number
  /** Behind the parameters of the URI, before its headers. */
  readonly paramsEnd: number
  readonly uriEnd: number
  /** Behind the header parameters. */
  readonly end: number
  readonly bracketed: boolean
}

const isFixed = messageSlot<boolean>()

/** Writes the source of the message in the place of every contact's address, and adds `params` to its URI. False: no contact. */
export function fixContacts(m: RouteContext, params: string): boolean {
  const places = contactPlaces(m.message)
  if (places.length === 0) return false
  // A second call would write the address twice.
  if (isFixed.get(m) === true) return true
  isFixed.set(m, true)
  const address = hostPort(m.origin.address, m.origin.port)
  for (const place of places) {
    m.edits.replace(place.hostStart, place.hostEnd, address)
    if (params !== '') addUriParams(m, place, params.startsWith(';') ? params : `;${params}`)
  }
  return true
}

/** Adds `received`, with the source of the message, to every contact: to its URI or behind it. False: no contact. */
export function addReceived(m: RouteContext, toUri: boolean): boolean {
  const places = contactPlaces(m.message)
  const source = sourceUri(m.origin)
  for (const place of places) {
    if (toUri) addUriParams(m, place, `;received=${escapeParam(source)}`)
    else m.edits.insert(place.end, `;received="${source}"`)
  }
  return places.length > 0
}

function addUriParams({ edits }: RouteContext, place: ContactPlace, params: string): void {
  if (place.bracketed) {
    edits.insert(place.paramsEnd, params)
    return
  }
  // Without brackets they would be parameters of the header.
  edits.insert(place.uriStart, '<')
  edits.insert(place.uriEnd, `${params}>`)
}

function contactPlaces(message: SipMessage): readonly ContactPlace[] {
  const { contacts } = message
  if (contacts === null || contacts === '*') return []
  return contacts.flatMap(contact => {
    const place = placeOf(message, contact)
    return place === null ? [] : [place]
  })
}

function placeOf({ bytes }: SipMessage, contact: NameAddr): ContactPlace | null {
  const { uri, display, start, end, bracketed } = contact
  const parsed = parseUri(uri)
  const uriStart = bytes.indexOf(uri, start + Buffer.byteLength(display))
  if (parsed === null || parsed.host === '' || uriStart < 0 || uriStart >= end) return null
  const hostAt = uri.includes('@') ? uri.indexOf('@') + 1 : uri.indexOf(':') + 1
  const hostLength = uri.slice(hostAt).search(/[;?]|$/)
  const question = uri.indexOf('?', hostAt)
  const offset = (chars: number): number => uriStart + Buffer.byteLength(uri.slice(0, chars))
  return {
    uriStart,
    hostStart: offset(hostAt),
    hostEnd: offset(hostAt + hostLength),
    paramsEnd: offset(question < 0 ? uri.length : question),
    uriEnd: offset(uri.length),
    end,
    bracketed,
  }
}
