import { isBlank, isClass, skipBlanks, TOKEN } from '../codec/chars.ts'

/** Most parameters a Digest header may have; more are hostile. */
const MAX_PARAMS = 64

/** Parameters of a (Proxy-)Authorization or (Proxy-)Authenticate header: names in lower case, values without their quotes. */
export type AuthParams = ReadonlyMap<string, string>

/** The parameters behind a scheme, or what is wrong with them. `params` holds those before the fault. */
export interface AuthParamsReading {
  readonly params: AuthParams
  readonly fault: string | null
}

/** The scheme a header begins with, in lower case, and where its parameters start. */
export function authScheme(header: string): { readonly scheme: string; readonly end: number } {
  const start = skipBlanks(header, 0, header.length)
  const end = tokenEnd(header, start)
  return { scheme: header.slice(start, end).toLowerCase(), end }
}

/**
 * Reads `name=value, name="value"` from `from` on (RFC 7235 §2.1, RFC 3261 §25.1 auth-param). Quotes are taken away,
 * backslashes in them stay: digests are computed of the text as it stands between the quotes (RFC 7616 §3.4.2, unq).
 * Empty list elements are passed over. A name may stand once.
 */
export function readAuthParams(header: string, from: number): AuthParamsReading {
  const params = new Map<string, string>()
  const failed = (fault: string): AuthParamsReading => ({ params, fault })
  let at = skipSeparators(header, from)
  while (at < header.length) {
    const nameEnd = tokenEnd(header, at)
    if (nameEnd === at) return failed(`expected a parameter at offset ${at}`)
    const name = header.slice(at, nameEnd).toLowerCase()
    const equals = skipBlanks(header, nameEnd, header.length)
    if (header[equals] !== '=') return failed(`parameter ${name} has no value`)
    const value = readValue(header, skipBlanks(header, equals + 1, header.length))
    if (value === null) return failed(`the value of parameter ${name} cannot be read`)
    if (params.has(name)) return failed(`parameter ${name} is given twice`)
    if (params.size === MAX_PARAMS) return failed(`more than ${MAX_PARAMS} parameters`)
    params.set(name, value.text)
    const next = skipBlanks(header, value.end, header.length)
    if (next < header.length && header[next] !== ',') return failed(`expected a comma at offset ${next}`)
    at = skipSeparators(header, next)
  }
  return { params, fault: null }
}

/** Text as it may stand between quotes (RFC 3261 §25.1 quoted-string): what could end it is escaped, line ends are dropped. */
export const quotable = (text: string): string => text.replace(/[\r\n]/g, '').replace(/["\\]/g, '\\$&')

function readValue(header: string, at: number): { readonly text: string; readonly end: number } | null {
  if (header[at] !== '"') {
    const end = bareEnd(header, at)
    return end === at ? null : { text: header.slice(at, end), end }
  }
  for (let end = at + 1; end < header.length; end++) {
    if (header[end] === '\\') end++
    else if (header[end] === '"') return { text: header.slice(at + 1, end), end: end + 1 }
  }
  return null
}

/** Bare values are read generously: some clients leave out the quotes of a URI. */
function bareEnd(header: string, from: number): number {
  let at = from
  while (at < header.length && !isBlank(header.charCodeAt(at)) && header[at] !== ',' && header[at] !== '"') at++
  return at
}

function tokenEnd(header: string, from: number): number {
  let at = from
  while (at < header.length && isClass(header.charCodeAt(at), TOKEN)) at++
  return at
}

function skipSeparators(header: string, from: number): number {
  let at = from
  while (at < header.length && (isBlank(header.charCodeAt(at)) || header[at] === ',')) at++
  return at
}
