import { CLASS, DIGIT, HOST } from './chars.ts'

/**
 * Whether `bytes[start, end)` is a URI in the form that nearly all Request-URIs have, which RFC 3261 §19.1.1 allows there:
 * `sip:` or `sips:`, an optional user part, host and port, parameters. False: it may be fine all the same.
 */
export function isPlainUri(bytes: Uint8Array, start: number, end: number): boolean {
  const from = behindScheme(bytes, start)
  if (from === 0 || from >= end) return false
  let host = from
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!
    if (byte <= 32 || byte >= 127 || byte === 34 || byte === 60 || byte === 62 || byte === 63) return false
    if (byte === 64 && host === from) host = at + 1
  }
  let at = host
  while (at < end && (CLASS[bytes[at]!]! & HOST) !== 0) at++
  if (at === host) return false
  if (at < end && bytes[at] === 58) {
    const portStart = ++at
    let port = 0
    for (; at < end && (CLASS[bytes[at]!]! & DIGIT) !== 0 && port <= 65_535; at++) port = port * 10 + bytes[at]! - 48
    if (at === portStart || port === 0 || port > 65_535) return false
  }
  return at === end || bytes[at] === 59
}

/** Behind `sip:` or `sips:`, in lower case; 0 when neither stands there. */
function behindScheme(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== 115 || bytes[start + 1] !== 105 || bytes[start + 2] !== 112) return 0
  if (bytes[start + 3] === 58) return start + 4
  return bytes[start + 3] === 115 && bytes[start + 4] === 58 ? start + 5 : 0
}
