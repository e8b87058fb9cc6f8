import { FOLD } from './chars.ts'

/** Small numbers for the header fields this proxy knows by name. 0 stands for every other one. */
export const HeaderId = {
  other: 0,
  via: 1,
  from: 2,
  to: 3,
  callId: 4,
  cseq: 5,
  contact: 6,
  maxForwards: 7,
  route: 8,
  recordRoute: 9,
  contentLength: 10,
  contentType: 11,
  expires: 12,
  path: 13,
  supported: 14,
  require: 15,
  proxyRequire: 16,
  userAgent: 17,
  allow: 18,
  event: 19,
  authorization: 20,
  proxyAuthorization: 21,
  wwwAuthenticate: 22,
  proxyAuthenticate: 23,
  minExpires: 24,
  contentEncoding: 25,
  subject: 26,
  referTo: 27,
  referredBy: 28,
  rejectContact: 29,
  allowEvents: 30,
  requestDisposition: 31,
  sessionExpires: 32,
  acceptContact: 33,
  identity: 34,
  identityInfo: 35,
  accept: 36,
  unsupported: 37,
  retryAfter: 38,
  server: 39,
  diversion: 40,
  pAssertedIdentity: 41,
  pPreferredIdentity: 42,
  remotePartyId: 43,
  subscriptionState: 44,
  sipIfMatch: 45,
  sipEtag: 46,
  minSe: 47,
  rseq: 48,
  rack: 49,
  reason: 50,
  warning: 51,
  privacy: 52,
  date: 53,
  replaces: 54,
  serviceRoute: 55,
  historyInfo: 56,
  authenticationInfo: 57,
} as const
export type HeaderId = number

/** The full name and, where one is registered, the compact form (IANA SIP header fields), by number from 1. */
const NAMES: readonly (readonly [name: string, compact?: string])[] = [
  ['via', 'v'],
  ['from', 'f'],
  ['to', 't'],
  ['call-id', 'i'],
  ['cseq'],
  ['contact', 'm'],
  ['max-forwards'],
  ['route'],
  ['record-route'],
  ['content-length', 'l'],
  ['content-type', 'c'],
  ['expires'],
  ['path'],
  ['supported', 'k'],
  ['require'],
  ['proxy-require'],
  ['user-agent'],
  ['allow'],
  ['event', 'o'],
  ['authorization'],
  ['proxy-authorization'],
  ['www-authenticate'],
  ['proxy-authenticate'],
  ['min-expires'],
  ['content-encoding', 'e'],
  ['subject', 's'],
  ['refer-to', 'r'],
  ['referred-by', 'b'],
  ['reject-contact', 'j'],
  ['allow-events', 'u'],
  ['request-disposition', 'd'],
  ['session-expires', 'x'],
  ['accept-contact', 'a'],
  ['identity', 'y'],
  ['identity-info', 'n'],
  ['accept'],
  ['unsupported'],
  ['retry-after'],
  ['server'],
  ['diversion'],
  ['p-asserted-identity'],
  ['p-preferred-identity'],
  ['remote-party-id'],
  ['subscription-state'],
  ['sip-if-match'],
  ['sip-etag'],
  ['min-se'],
  ['rseq'],
  ['rack'],
  ['reason'],
  ['warning'],
  ['privacy'],
  ['date'],
  ['replaces'],
  ['service-route'],
  ['history-info'],
  ['authentication-info'],
]

interface Entry {
  readonly folded: Uint8Array
  readonly id: HeaderId
}

const BY_NAME = new Map<string, HeaderId>()
/** The known names by length, then by folded first letter; so a lookup compares one or two names, whole. */
const BY_LENGTH: (Entry[] | undefined)[][] = []
NAMES.forEach(([name, compact], index) => {
  enter(name, index + 1)
  if (compact !== undefined) enter(compact, index + 1)
})

function enter(name: string, id: HeaderId): void {
  BY_NAME.set(name, id)
  const folded = Uint8Array.from(Buffer.from(name, 'latin1'))
  const byFirst = (BY_LENGTH[name.length] ??= [])
  const entries = (byFirst[folded[0]!] ??= [])
  entries.push({ folded, id })
}

/** The number of the header name in `bytes[start, end)`, in any case and compact form; 0 when it is none we know. */
export function headerIdAt(bytes: Uint8Array, start: number, end: number): HeaderId {
  const entries = BY_LENGTH[end - start]?.[FOLD[bytes[start]!]!]
  if (entries === undefined) return HeaderId.other
  for (const { folded, id } of entries) {
    let i = folded.length - 1
    while (i > 0 && FOLD[bytes[start + i]!] === folded[i]) i--
    if (i === 0) return id
  }
  return HeaderId.other
}

/** The number of a header name, in any case and compact form (RFC 3261 §7.3.3); 0 when it is none we know. */
export function headerIdOf(name: string): HeaderId {
  return BY_NAME.get(name.toLowerCase()) ?? HeaderId.other
}
