import { HeaderId } from '../../sip/codec/header-id.ts'
import type { NameAddr, SipMessage } from '../../sip/codec/message.ts'
import { parseUri, uriScheme } from '../../sip/codec/uri.ts'
import { bodyParts } from '../../sip/text/multipart.ts'
import { looksLikeSdp } from '../../sip/text/sdp.ts'

/** Flags of `sipmsg_validate()` by letter (sipmsgops reference). */
export interface ValidateFlags {
  /** `s`: also the session description. */
  readonly sdp: boolean
  /** `h`: also headers that routing does not need. */
  readonly headers: boolean
  /** `m`: let a missing Max-Forwards pass. */
  readonly anyMaxForwards: boolean
  /** `r`, `f`, `t`, `c`: hosts of Request-URI, From, To, Contact. */
  readonly requestUri: boolean
  readonly from: boolean
  readonly to: boolean
  readonly contact: boolean
}

/** What is wrong with a message. */
export interface Invalid {
  readonly code: number
  readonly reason: string
}
const invalid = (code: number, reason: string): Invalid => ({ code, reason })

/** Headers that replies of some status must have, with the code that says they have not. */
const OWED_BY_STATUS: readonly (readonly [status: number, header: string, code: number])[] = [
  [405, 'Allow', -16],
  [423, 'Min-Expires', -17],
  [407, 'Proxy-Authenticate', -18],
  [420, 'Unsupported', -19],
  [401, 'WWW-Authenticate', -20],
]

/** The first thing found wrong with a message, or null. `isStream`: it came over a connection. */
export function validate(message: SipMessage, flags: ValidateFlags, isStream: boolean): Invalid | null {
  return (
    checkParsing(message) ??
    checkLength(message, isStream) ??
    checkNeeded(message) ??
    checkStart(message, flags) ??
    checkAddresses(message, flags) ??
    checkContact(message, flags) ??
    checkOwed(message) ??
    checkBody(message, flags)
  )
}

function checkParsing(message: SipMessage): Invalid | null {
  if (message.headerCount === 0) return invalid(-2, 'failed to parse the headers')
  if (message.callId === '') return invalid(-3, 'Call-ID is missing or empty')
  return null
}

function checkLength(message: SipMessage, isStream: boolean): Invalid | null {
  if (message.contentLength === -1) return isStream ? invalid(-4, 'Content-Length is missing') : null
  const isRight = message.contentLength === message.body.length
  return isRight ? null : invalid(-5, 'Content-Length is not the length of the body')
}

function checkNeeded(message: SipMessage): Invalid | null {
  if (message.cseq < 0 || message.cseqMethod !== message.method) return invalid(-7, 'CSeq is missing or malformed')
  if (message.from === null) return invalid(-8, 'From is missing or malformed')
  if (message.to === null) return invalid(-9, 'To is missing or malformed')
  if (message.topVia === null) return invalid(-10, 'Via is missing or malformed')
  return null
}

function checkStart(message: SipMessage, flags: ValidateFlags): Invalid | null {
  if (!message.isRequest) return null
  const scheme = uriScheme(message.requestUri)
  const uri = parseUri(message.requestUri)
  if (uri === null && (scheme === '' || scheme === 'sip' || scheme === 'sips')) {
    return invalid(-11, 'the Request-URI is malformed')
  }
  if (flags.requestUri && uri !== null && !isHost(uri.host))
    return invalid(-12, 'the host of the Request-URI is malformed')
  if (message.maxForwards === -1 && flags.anyMaxForwards) return null
  return message.maxForwards < 0 ? invalid(-13, 'Max-Forwards is missing or malformed') : null
}

function checkAddresses(message: SipMessage, flags: ValidateFlags): Invalid | null {
  return (
    checkAddress(message.to, -22, flags.to ? -23 : 0, -28, 'To') ??
    checkAddress(message.from, -24, flags.from ? -25 : 0, -29, 'From')
  )
}

/** `hostCode` 0: any host will do. */
function checkAddress(
  address: NameAddr | null,
  uriCode: number,
  hostCode: number,
  userCode: number,
  name: string,
): Invalid | null {
  const uri = parseUri(address?.uri ?? '')
  if (uri === null)
    return uriScheme(address?.uri ?? '').startsWith('sip') ? invalid(uriCode, `the URI of ${name} is malformed`) : null
  if (hostCode !== 0 && uri.scheme !== 'tel' && !isHost(uri.host))
    return invalid(hostCode, `the host of ${name} is malformed`)
  return isUser(uri.user) ? null : invalid(userCode, `the user of ${name} is malformed`)
}

function checkContact(message: SipMessage, flags: ValidateFlags): Invalid | null {
  const { contacts } = message
  if (contacts === '*') return message.method === 'REGISTER' ? null : invalid(-30, '"*" is a contact of REGISTER only')
  if (contacts === null) return invalid(-14, 'Contact is malformed')
  if (message.isRequest && message.method === 'INVITE' && contacts.length === 0)
    return invalid(-14, 'Contact is missing')
  for (const contact of contacts) {
    const fault = checkAddress(contact, -26, flags.contact ? -26 : 0, -27, 'Contact')
    if (fault !== null) return fault
  }
  return null
}

function checkOwed(message: SipMessage): Invalid | null {
  if (message.isRequest) {
    const hasStrayPath = message.method !== 'REGISTER' && message.find(HeaderId.path) >= 0
    return hasStrayPath ? invalid(-15, 'Path stands in a request other than REGISTER') : null
  }
  const owed = OWED_BY_STATUS.find(([status, header]) => status === message.status && message.findNamed(header) < 0)
  return owed === undefined ? null : invalid(owed[2], `a ${owed[0]} needs ${owed[1]}`)
}

function checkBody(message: SipMessage, flags: ValidateFlags): Invalid | null {
  if (message.body.length === 0) return null
  const contentType = message.value(HeaderId.contentType)
  if (contentType === null) return invalid(-21, 'a body needs Content-Type')
  if (flags.headers && !/^[^\s/;]+\/[^\s/;]+/.test(contentType)) return invalid(-21, 'Content-Type is malformed')
  const sdp = bodyParts(contentType, message.body).find(part => part.mime === 'application/sdp')
  const isBad = flags.sdp && sdp !== undefined && !looksLikeSdp(sdp.content.toString())
  return isBad ? invalid(-6, 'the session description is malformed') : null
}

function isHost(host: string): boolean {
  return (
    /^\[[\da-f:.]+\]$/i.test(host) || /^(?:[\da-z](?:[\da-z-]*[\da-z])?\.)*[\da-z](?:[\da-z-]*[\da-z])?\.?$/i.test(host)
  )
}

/** RFC 3261 §25.1 user: unreserved, escaped or user-unreserved. */
function isUser(user: string): boolean {
  return /^(?:[\w.!~*'()&=+$,;?/#-]|%[\da-f]{2})*$/i.test(user)
}
