import { parseUri, type SipUri } from '../../sip/codec/uri.ts'
import { setHost, setPort, setUser } from '../../sip/codec/uri-edit.ts'
import { DEFAULT_PORT, type Proto } from '../../sip/net/endpoint.ts'
import type { Value } from '../../util/spec.ts'
import type { RouteContext } from '../context.ts'
import type { ScriptPvar } from '../pvar.ts'
import { textOf } from '../values.ts'
import { type CorePvars, orNull, plain } from './core-pvar.ts'

/** Where a URI of the message is kept. */
interface UriPlace {
  readonly what: string
  get(m: RouteContext): string | null
  set?(m: RouteContext, uri: string | null): boolean
}

const requestUri: UriPlace = {
  what: 'current Request-URI',
  get: m => (m.message.isRequest ? m.target.uri : null),
  set: (m, uri) => {
    if (uri === null || uri === '' || !m.message.isRequest) return false
    m.target.uri = uri
    return true
  },
}
const originalUri: UriPlace = {
  what: 'received Request-URI',
  get: m => (m.message.isRequest ? m.message.requestUri : null),
}
const nextHop: UriPlace = {
  what: 'next-hop URI',
  get: m => m.target.dstUri,
  set: (m, uri) => {
    m.target.dstUri = uri === '' ? null : uri
    return true
  },
}

let lastText = ''
let lastUri: SipUri | null = null

/** The parsed URI. The last one is kept: a script reads several parts of the same one after the other. */
function parsed(place: UriPlace, m: RouteContext): SipUri | null {
  const text = place.get(m)
  if (text === null) return null
  if (text === lastText) return lastUri
  lastUri = parseUri(text)
  lastText = text
  return lastUri
}

/** The transport a URI asks for, else that of its scheme (RFC 3263 §4.1). */
function transportOf(uri: SipUri): string {
  return uri.params.get('transport')?.toLowerCase() || (uri.scheme === 'sips' ? 'tls' : 'udp')
}

function portOf(uri: SipUri): number {
  if (uri.port !== 0) return uri.port
  const proto = transportOf(uri)
  return uri.scheme === 'sips' ? DEFAULT_PORT.tls : (DEFAULT_PORT[proto as Proto] ?? DEFAULT_PORT.udp)
}

type Part = 'user' | 'host' | 'port'
type Edit = (uri: string, text: string) => string | null

/** A writable part: the rest of the URI stays as it is. */
function part(place: UriPlace, name: Part, edit: Edit, aliases: readonly string[]): ScriptPvar {
  const get = (m: RouteContext): Value => {
    const uri = parsed(place, m)
    if (uri === null) return null
    return name === 'port' ? portOf(uri) : orNull(name === 'user' ? uri.user : uri.host)
  }
  const set = (m: RouteContext, value: Value): boolean => {
    const before = place.get(m)
    const after = before === null ? null : edit(before, value === null ? '' : textOf(value))
    return after !== null && (place.set?.(m, after) ?? false)
  }
  const doc = `${name === 'host' ? 'Host' : name === 'user' ? 'User part' : 'Port, or the default one,'} of the ${place.what}.`
  const type = name === 'port' ? 'int' : 'str'
  return plain(type, doc, get, place.set === undefined ? { aliases } : { aliases, set })
}

function whole(place: UriPlace, aliases: readonly string[]): ScriptPvar {
  const { set } = place
  const doc = `The ${place.what}.`
  const get = (m: RouteContext): Value => place.get(m)
  if (set === undefined) return plain('str', doc, get, { aliases })
  return plain('str', doc, get, { aliases, set: (m, value) => set(m, value === null ? null : textOf(value)) })
}

function transport(place: UriPlace, aliases: readonly string[]): ScriptPvar {
  const get = (m: RouteContext): Value => {
    const uri = parsed(place, m)
    return uri === null ? null : transportOf(uri)
  }
  return plain('str', `Transport of the ${place.what}.`, get, { aliases })
}

/** The Request-URI as it is now and as it came, and the next hop (script reference, pseudo-variables). */
export const uriPvars: CorePvars = {
  ru: whole(requestUri, ['ruri']),
  rU: part(requestUri, 'user', setUser, ['ruri.user']),
  rd: part(requestUri, 'host', setHost, ['ruri.domain']),
  rp: part(requestUri, 'port', setPort, ['ruri.port']),
  rP: transport(requestUri, ['ruri.protocol']),
  ru_q: plain('int', 'q of the Request-URI times 1000; −1 unset.', m => m.target.q, {
    set: (m, value) => {
      if (typeof value === 'string' || (value !== null && (value < 0 || value > 1000))) return false
      m.target.q = value ?? -1
      return true
    },
  }),
  ou: whole(originalUri, ['ouri']),
  oU: part(originalUri, 'user', setUser, ['ouri.user']),
  od: part(originalUri, 'host', setHost, ['ouri.domain']),
  op: part(originalUri, 'port', setPort, ['ouri.port']),
  oP: transport(originalUri, ['ouri.protocol']),
  du: whole(nextHop, ['duri']),
  dd: part(nextHop, 'host', setHost, ['duri.domain']),
  dp: part(nextHop, 'port', setPort, ['duri.port']),
  dP: transport(nextHop, ['duri.protocol']),
}
