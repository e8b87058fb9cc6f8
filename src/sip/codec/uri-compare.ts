import { codeAt } from './chars.ts'
import type { Params } from './params.ts'
import { canonicalEscapes } from './uri-escape.ts'
import { isVisualSeparator, parseUri, type SipUri, uriScheme } from './uri-parse.ts'

/** Parameters that keep two URIs apart when only one has them (RFC 3261 §19.1.4; `transport` by its examples). */
const NEVER_IGNORED = ['transport', 'user', 'ttl', 'maddr', 'method'] as const

/**
 * Whether two URIs are the same by RFC 3261 §19.1.4, `tel:` by RFC 3966 §4. URIs of other schemes, and malformed ones,
 * are compared as text, the scheme in any case.
 */
export function sameUri(a: string, b: string): boolean {
  if (a === b) return true
  const left = parseUri(a)
  const right = parseUri(b)
  if (left === null || right === null) return left === right && sameOpaque(a, b)
  if (left.scheme !== right.scheme) return false
  return left.scheme === 'tel' ? sameTel(left, right) : sameSip(left, right)
}

function sameOpaque(a: string, b: string): boolean {
  const scheme = uriScheme(a)
  return scheme !== '' && scheme === uriScheme(b) && a.slice(scheme.length) === b.slice(scheme.length)
}

function sameSip(a: SipUri, b: SipUri): boolean {
  return (
    a.port === b.port &&
    a.host.toLowerCase() === b.host.toLowerCase() &&
    canonicalEscapes(a.user) === canonicalEscapes(b.user) &&
    canonicalEscapes(a.password) === canonicalEscapes(b.password) &&
    NEVER_IGNORED.every(name => a.params.has(name) === b.params.has(name)) &&
    sharedParamsMatch(a.params, b.params) &&
    sameHeaders(a.headers, b.headers)
  )
}

/** "Any uri-parameter appearing in both URIs must match." */
function sharedParamsMatch(a: Params, b: Params): boolean {
  for (const [name, value] of a.entries()) {
    const other = b.raw(name)
    if (other !== null && foldedValue(value ?? '') !== foldedValue(other)) return false
  }
  return true
}

function foldedValue(value: string): string {
  return canonicalEscapes(value).toLowerCase()
}

/** "URI header components are never ignored", and their order does not count. */
function sameHeaders(a: string, b: string): boolean {
  if (a === b) return true
  const left = headerList(a)
  const right = headerList(b)
  return left.length === right.length && left.every((header, i) => header === right[i])
}

function headerList(headers: string): string[] {
  const list = headers.split('&').map(header => {
    const equals = header.indexOf('=')
    const nameEnd = equals < 0 ? header.length : equals
    return foldedValue(header.slice(0, nameEnd)) + canonicalEscapes(header.slice(nameEnd))
  })
  return list.sort()
}

/** Visual separators do not count, case neither, and every parameter must be on both sides (RFC 3966 §4). */
function sameTel(a: SipUri, b: SipUri): boolean {
  if (a.params.size !== b.params.size || digits(a.user) !== digits(b.user)) return false
  return a.params.entries().every(([name, value]) => {
    const other = b.params.raw(name)
    return other !== null && phoneValue(name, value ?? '') === phoneValue(name, other)
  })
}

function phoneValue(name: string, value: string): string {
  const isNumber = /^(ext|phone-context)$/i.test(name) && /^[+0-9(]/.test(value)
  return isNumber ? digits(value) : foldedValue(value)
}

function digits(number: string): string {
  let out = ''
  for (const character of number) if (!isVisualSeparator(codeAt(character, 0))) out += character
  return out.toLowerCase()
}
