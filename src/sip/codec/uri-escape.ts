import { CLASS, codeAt, UNRESERVED } from './chars.ts'
import { hexValue } from './uri-parse.ts'

/** What a user part may hold unescaped beside unreserved characters (RFC 3261 §25.1 user-unreserved). */
const USER = '&=+$,;?/'
/** What a URI parameter may hold unescaped beside unreserved characters (RFC 3261 §25.1 param-unreserved). */
const PARAM = '[]/:&+$'

/** The text with each `%HH` replaced by its byte, read as UTF-8. `%` without two hexadecimal digits stays as it is. */
export function unescapeUri(text: string): string {
  if (!text.includes('%')) return text
  const from = Buffer.from(text, 'utf8')
  let length = 0
  for (let i = 0; i < from.length; i++) {
    const escaped = from[i] === 37 ? escapedByte(from, i) : -1
    if (escaped >= 0) i += 2
    from[length++] = escaped >= 0 ? escaped : from[i]!
  }
  return from.toString('utf8', 0, length)
}

function escapedByte(bytes: Uint8Array, at: number): number {
  if (at + 2 >= bytes.length) return -1
  const high = hexValue(bytes[at + 1]!)
  const low = hexValue(bytes[at + 2]!)
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

/** See {@link unescapeUri}. */
export const unescapeUser: (text: string) => string = unescapeUri
/** See {@link unescapeUri}. */
export const unescapeParam: (text: string) => string = unescapeUri

/** The text as it may stand in the user part of a URI: other bytes become `%HH`, hexadecimal digits in lower case. */
export function escapeUser(text: string): string {
  return percentEncode(text, USER)
}

/** The text as it may stand in the value of a URI parameter; as {@link escapeUser}. */
export function escapeParam(text: string): string {
  return percentEncode(text, PARAM)
}

function percentEncode(text: string, alsoAllowed: string): string {
  let out = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte)
    const isPlain = (CLASS[byte]! & UNRESERVED) !== 0 || alsoAllowed.includes(character)
    out += isPlain ? character : `%${byte.toString(16).padStart(2, '0')}`
  }
  return out
}

/**
 * One spelling for texts that differ only in escapes that mean nothing (RFC 3261 §19.1.4: characters other than those
 * in the reserved set equal their `%HH`). Reserved characters and bytes that are not printable keep or get their escape.
 */
export function canonicalEscapes(text: string): string {
  if (isPlainText(text)) return text
  const bytes = Buffer.from(text, 'utf8')
  let out = ''
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    const escaped = byte === 37 ? escapedByte(bytes, i) : -1
    if (escaped >= 0) i += 2
    const value = escaped >= 0 ? escaped : byte
    const isPlain = escaped >= 0 ? (CLASS[value]! & UNRESERVED) !== 0 : byte > 32 && byte < 127
    out += isPlain ? String.fromCharCode(value) : `%${value.toString(16).padStart(2, '0')}`
  }
  return out
}

function isPlainText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = codeAt(text, i)
    if (code === 37 || code <= 32 || code >= 127) return false
  }
  return true
}
