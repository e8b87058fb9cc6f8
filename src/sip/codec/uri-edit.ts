import { codeAt } from './chars.ts'
import { endOfDigits, endOfHost, parsePort, splitUri, type UriSplit } from './uri-parse.ts'

/**
 * The edits scripts make to a Request-URI (`sethost`, `setuser`, `strip` …; core functions reference). Each takes and
 * gives text and keeps every part it does not name byte for byte. Each gives null when the URI is malformed or of a
 * kind that has no such part, when the new part is not one, or when the result is longer than {@link MAX_URI_BYTES}.
 */

/** Longest URI an edit may make. */
export const MAX_URI_BYTES = 1024

/** Takes `text` as the whole new URI (`seturi`). Any scheme. */
export function replaceUri(text: string): string | null {
  return text === '' ? null : bounded(text)
}

/** Replaces the host, keeps the port, removes `maddr` (`sethost`). */
export function setHost(uri: string, host: string): string | null {
  const split = splitSip(uri)
  if (split === null || host === '' || endOfHost(host, 0) !== host.length) return null
  return bounded(uri.slice(0, split.hostStart) + host + uri.slice(split.hostEnd, split.paramsStart) + tail(uri, split))
}

/** Replaces host and port by `host[:port]`, removes `maddr` (`sethostport`). */
export function setHostPort(uri: string, hostPort: string): string | null {
  const split = splitSip(uri)
  if (split === null || !isHostPort(hostPort)) return null
  return bounded(uri.slice(0, split.hostStart) + hostPort + tail(uri, split))
}

/** Replaces the port; '' removes it (`setport`). */
export function setPort(uri: string, port: string): string | null {
  const split = splitSip(uri)
  if (split === null || (port !== '' && !isPort(port, 0))) return null
  const colon = port === '' ? '' : `:${port}`
  return bounded(uri.slice(0, split.hostEnd) + colon + uri.slice(split.paramsStart))
}

/** Replaces the user, keeps the password; '' removes the user, and the `@` when there is no password (`setuser`). */
export function setUser(uri: string, user: string): string | null {
  const split = splitUri(uri)
  if (split === null || !isUserText(user, split)) return null
  const { userStart, passwordStart, userEnd } = split
  if (split.scheme === 'tel') return bounded(uri.slice(0, userStart) + user + uri.slice(userEnd))
  const rest = passwordStart < 0 ? hostOn(uri, split, user) : uri.slice(passwordStart - 1)
  return bounded(uri.slice(0, userStart) + user + rest)
}

/** Replaces user and password by `user[:password]`; '' removes both (`setuserpass`). */
export function setUserPassword(uri: string, userPassword: string): string | null {
  const split = splitSip(uri)
  if (split === null || !isUserText(userPassword, split)) return null
  return bounded(uri.slice(0, split.userStart) + userPassword + hostOn(uri, split, userPassword))
}

/** Puts `prefix` before the user (`prefix`). A URI without user gets it as its user. */
export function prefixUser(uri: string, prefix: string): string | null {
  const user = userOf(uri)
  return user === null ? null : setUser(uri, prefix + user)
}

/** Takes the first `count` characters off the user; all when it is shorter (`strip`). */
export function stripUser(uri: string, count: number): string | null {
  const user = userOf(uri)
  return user === null || count < 0 ? null : setUser(uri, user.slice(count))
}

/** Takes the last `count` characters off the user; all when it is shorter (`strip_tail`). */
export function stripUserTail(uri: string, count: number): string | null {
  const user = userOf(uri)
  return user === null || count < 0 ? null : setUser(uri, user.slice(0, Math.max(0, user.length - count)))
}

function splitSip(uri: string): UriSplit | null {
  const split = splitUri(uri)
  return split === null || split.scheme === 'tel' ? null : split
}

function userOf(uri: string): string | null {
  const split = splitUri(uri)
  if (split === null) return null
  const { userStart, passwordStart, userEnd } = split
  return userEnd < 0 ? '' : uri.slice(userStart, passwordStart < 0 ? userEnd : passwordStart - 1)
}

function hostOn(uri: string, split: UriSplit, userInfo: string): string {
  return (userInfo === '' ? '' : '@') + uri.slice(split.hostStart)
}

/** Parameters and headers, without `maddr`: it would send the request where the old host was (RFC 3261 §19.1.1). */
function tail(uri: string, split: UriSplit): string {
  const params = uri.slice(split.paramsStart, split.headersStart)
  const kept = params.split(';').filter(param => !/^maddr(=|$)/i.test(param))
  return kept.join(';') + uri.slice(split.headersStart)
}

function isHostPort(text: string): boolean {
  const hostEnd = endOfHost(text, 0)
  if (hostEnd === 0) return false
  return hostEnd === text.length || (codeAt(text, hostEnd) === 58 && isPort(text, hostEnd + 1))
}

function isPort(text: string, from: number): boolean {
  return endOfDigits(text, from) === text.length && parsePort(text, from, text.length) > 0
}

/** Nothing that would end the user part or the URI. */
function isUserText(text: string, split: UriSplit): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = codeAt(text, i)
    if (code <= 32 || code === 34 || code === 60 || code === 62 || code === 64 || code === 127) return false
  }
  return split.scheme !== 'tel' || text !== ''
}

function bounded(uri: string): string | null {
  return Buffer.byteLength(uri) > MAX_URI_BYTES ? null : uri
}
