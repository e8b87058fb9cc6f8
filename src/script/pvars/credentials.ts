import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { authScheme, readAuthParams } from '../../sip/digest/auth-params.ts'
import type { Value } from '../../util/spec.ts'
import type { RouteContext } from '../context.ts'
import { type CorePvars, orNull, plain } from './core-pvar.ts'

/**
 * A parameter of a Digest header, without quotes and escapes; null when it is absent or the scheme is another. Of a header
 * that is malformed those in front of the fault are there.
 */
export function digestParam(header: string, name: string): string | null {
  const { scheme, end } = authScheme(header)
  if (scheme !== 'digest') return null
  return readAuthParams(header, end).params.get(name)?.replace(/\\(.)/g, '$1') ?? null
}

/** REGISTER is authorised by the registrar, everything else by the proxy; a lone header of the other kind counts too. */
function credentials(message: SipMessage): string | null {
  const order = [HeaderId.proxyAuthorization, HeaderId.authorization]
  if (message.method === 'REGISTER') order.reverse()
  for (const id of order) {
    const value = message.value(id)
    if (value !== null) return value
  }
  return null
}

function credential(m: RouteContext, name: string): string | null {
  const header = credentials(m.message)
  return header === null ? null : digestParam(header, name)
}

/** The user name of the credentials may be `user@domain`. */
function userName(m: RouteContext): { readonly user: string; readonly domain: string } | null {
  const whole = credential(m, 'username')
  if (whole === null) return null
  const at = whole.indexOf('@')
  const text = whole.replace(/^sips?:/i, '')
  return at < 0 ? { user: text, domain: '' } : { user: text.slice(0, text.indexOf('@')), domain: whole.slice(at + 1) }
}

function challenge(m: RouteContext, name: string): Value {
  const { message } = m
  const header = message.value(HeaderId.proxyAuthenticate) ?? message.value(HeaderId.wwwAuthenticate)
  return header === null ? null : digestParam(header, name)
}

const own = (doc: string, name: string) => plain('str', doc, m => credential(m, name))
const theirs = (doc: string, name: string) => plain('str', doc, m => challenge(m, name))

/** Digest credentials of a request, and the challenge of a 401 or 407 (RFC 7616, script reference). */
export const credentialPvars: CorePvars = {
  au: plain('str', 'User name of the credentials, without domain.', m => orNull(userName(m)?.user ?? '')),
  ad: plain('str', 'Domain in the user name of the credentials.', m => orNull(userName(m)?.domain ?? '')),
  aU: own('Whole user name of the credentials.', 'username'),
  Au: plain('str', 'Who is accounted: user name of the credentials, else user part of From.', m => {
    const { from } = m.message
    return credential(m, 'username') ?? orNull(from === null ? '' : (parseUri(from.uri)?.user ?? ''))
  }),
  ar: own('Realm of the credentials.', 'realm'),
  adu: own('URI of the credentials.', 'uri'),
  an: own('Nonce of the credentials.', 'nonce'),
  'auth.resp': own('Response of the credentials.', 'response'),
  'auth.nonce': own('Nonce of the credentials.', 'nonce'),
  'auth.cnonce': own('Nonce of the client.', 'cnonce'),
  'auth.opaque': own('Opaque text of the credentials.', 'opaque'),
  'auth.alg': own('Algorithm of the credentials.', 'algorithm'),
  'auth.qop': own('Quality of protection of the credentials.', 'qop'),
  'auth.nc': own('Nonce count of the credentials.', 'nc'),
  'challenge.realm': theirs('Realm of the challenge.', 'realm'),
  'challenge.nonce': theirs('Nonce of the challenge.', 'nonce'),
  'challenge.opaque': theirs('Opaque text of the challenge.', 'opaque'),
  'challenge.qop': theirs('Quality of protection the challenge offers.', 'qop'),
  'challenge.algorithm': theirs('Algorithm of the challenge.', 'algorithm'),
}
