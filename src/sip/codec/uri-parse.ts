import { CLASS, codeAt, HEX, HOST, isClass } from './chars.ts'
import { Params } from './params.ts'

/** A `sip:`, `sips:` or `tel:` URI (RFC 3261 §19.1.1, RFC 3966), its parts as written, escapes included. */
export interface SipUri {
  /** `sip`, `sips` or `tel`. */
  readonly scheme: string
  /** '' when absent; of a `tel:` URI the number. May hold `;` and `?`. */
  readonly user: string
  readonly password: string
  /** IPv6 in brackets; '' in a `tel:` URI. */
  readonly host: string
  /** 0 when absent. */
  readonly port: number
  readonly params: Params
  /** Behind the `?`; '' when absent. */
  readonly headers: string
}

/** Where the parts of a URI stand in its text: character offsets. */
export interface UriSplit {
  readonly scheme: string
  readonly userStart: number
  /** Where the password starts, behind its colon; −1 without one. */
  readonly passwordStart: number
  /** Where the `@` stands; −1 without one. Of a `tel:` URI: behind the number. */
  readonly userEnd: number
  readonly hostStart: number
  readonly hostEnd: number
  readonly port: number
  /** Behind host and port; parameters reach from here to `headersStart`. */
  readonly paramsStart: number
  /** Where the `?` stands, or the end of the text. */
  readonly headersStart: number
}

/** The scheme of a URI in lower case, '' when the text does not begin with one (RFC 3986 §3.1). */
export function uriScheme(text: string): string {
  if (text.startsWith('sip:')) return 'sip'
  const colon = text.indexOf(':')
  if (colon <= 0 || (codeAt(text, 0) | 32) < 97 || (codeAt(text, 0) | 32) > 122) return ''
  for (let i = 1; i < colon; i++) {
    const code = codeAt(text, i)
    const isSchemeChar = isClass(code, HOST) ? code !== 95 : code === 43
    if (!isSchemeChar) return ''
  }
  return text.slice(0, colon).toLowerCase()
}

/** The URIs read last: each is asked for several times while a message is under way. */
const recentTexts = ['', '', '', '']
const recentUris: (SipUri | null)[] = [null, null, null, null]
let oldest = 0

/** Null when the text is no well-formed `sip:`, `sips:` or `tel:` URI. */
export function parseUri(text: string): SipUri | null {
  for (let i = 0; i < 4; i++) if (recentTexts[i] === text) return recentUris[i]!
  const uri = readUri(text)
  recentTexts[oldest] = text
  recentUris[oldest] = uri
  oldest = (oldest + 1) & 3
  return uri
}

function readUri(text: string): SipUri | null {
  const split = splitUri(text)
  if (split === null) return null
  const { scheme, userStart, passwordStart, userEnd, hostStart, hostEnd, paramsStart, headersStart } = split
  return {
    scheme,
    user: userEnd < 0 ? '' : text.slice(userStart, passwordStart < 0 ? userEnd : passwordStart - 1),
    password: passwordStart < 0 ? '' : text.slice(passwordStart, userEnd),
    host: text.slice(hostStart, hostEnd),
    port: split.port,
    params: Params.parse(text.slice(paramsStart, headersStart)),
    headers: text.slice(headersStart + 1),
  }
}

/** The URI as text. What {@link parseUri} gave comes back as it was, but for scheme case and leading zeros of the port. */
export function formatUri(uri: SipUri): string {
  const { scheme, user, password, host, port, params, headers } = uri
  const userInfo = password === '' ? user : `${user}:${password}`
  const tail = `${params.text}${headers === '' ? '' : `?${headers}`}`
  if (scheme === 'tel') return `tel:${user}${tail}`
  return `${scheme}:${userInfo === '' ? '' : `${userInfo}@`}${host}${port === 0 ? '' : `:${port}`}${tail}`
}

/** Finds the parts of a `sip:`, `sips:` or `tel:` URI; null when it is malformed or of another scheme. */
export function splitUri(text: string): UriSplit | null {
  const scheme = uriScheme(text)
  if (scheme === 'tel') return isUriText(text) ? splitTel(text) : null
  if ((scheme !== 'sip' && scheme !== 'sips') || !isUriText(text)) return null
  const userStart = scheme.length + 1
  // The first `@` ends the user part, whatever stands before it: `;` and `?` are legal there (RFC 4475 §3.1.1.9).
  const at = text.indexOf('@', userStart)
  const colon = at < 0 ? -1 : text.indexOf(':', userStart)
  const hostStart = at < 0 ? userStart : at + 1
  const hostEnd = endOfHost(text, hostStart)
  if (hostEnd <= hostStart) return null
  const { length } = text
  const portEnd = hostEnd < length && codeAt(text, hostEnd) === 58 ? endOfDigits(text, hostEnd + 1) : hostEnd
  const port = portEnd === hostEnd ? 0 : parsePort(text, hostEnd + 1, portEnd)
  const isLast = portEnd === length
  if (port < 0 || !(isLast || codeAt(text, portEnd) === 59 || codeAt(text, portEnd) === 63)) return null
  const passwordStart = colon >= 0 && colon < at ? colon + 1 : -1
  const headersStart = isLast ? length : questionMark(text, portEnd)
  return { scheme, userStart, passwordStart, userEnd: at, hostStart, hostEnd, port, paramsStart: portEnd, headersStart }
}

/** Index behind the host that starts at `from`: a name, an IPv4 address or an IPv6 reference; `from` when there is none. */
export function endOfHost(text: string, from: number): number {
  const { length } = text
  let at = from
  if (at >= length || codeAt(text, from) !== 91) {
    while (at < length && isClass(codeAt(text, at), HOST)) at++
    return at
  }
  for (at++; at < length; at++) {
    const code = codeAt(text, at)
    if (code === 93) return at > from + 2 ? at + 1 : from
    if (code !== 58 && code !== 46 && !isClass(code, HEX)) return from
  }
  return from
}

/** The port in `text[from, to)`; −1 when it is empty or not within 1…65535. */
export function parsePort(text: string, from: number, to: number): number {
  let port = 0
  for (let i = from; i < to && port <= 65535; i++) port = port * 10 + codeAt(text, i) - 48
  return to > from && port > 0 && port <= 65535 ? port : -1
}

/** Index of the first character at or behind `from` that is no digit. */
export function endOfDigits(text: string, from: number): number {
  const { length } = text
  while (from < length && codeAt(text, from) >= 48 && codeAt(text, from) <= 57) from++
  return from
}

function questionMark(text: string, from: number): number {
  const at = text.indexOf('?', from)
  return at < 0 ? text.length : at
}

function splitTel(text: string): UriSplit | null {
  let end = 4
  while (end < text.length && isPhoneChar(codeAt(text, end))) end++
  const next = codeAt(text, end)
  if (end === 4 || (end < text.length && next !== 59 && next !== 63)) return null
  const headersStart = questionMark(text, end)
  const at = { userStart: 4, passwordStart: -1, userEnd: end, hostStart: end, hostEnd: end }
  return { scheme: 'tel', ...at, port: 0, paramsStart: end, headersStart }
}

/** Phone digits, local digits and visual separators (RFC 3966 §3). */
function isPhoneChar(code: number): boolean {
  return isClass(code, HEX) || code === 43 || code === 42 || code === 35 || isVisualSeparator(code)
}

/** `-`, `.`, `(` and `)`, which mean nothing in a telephone number (RFC 3966 §5.1.1). */
export function isVisualSeparator(code: number): boolean {
  return code === 45 || code === 46 || code === 40 || code === 41
}

/** No blanks, control characters, quotes or angle brackets (RFC 2396 §2.4.3). Bytes over 127 are let through. */
export function isUriText(text: string): boolean {
  const { length } = text
  for (let i = 0; i < length; i++) {
    const code = codeAt(text, i)
    if (code <= 32 || code === 34 || code === 60 || code === 62 || code === 127) return false
  }
  return true
}

/** The value of the hexadecimal digit, −1 when it is none. */
export function hexValue(code: number): number {
  if (code > 255 || (CLASS[code]! & HEX) === 0) return -1
  return code <= 57 ? code - 48 : (code | 32) - 87
}
