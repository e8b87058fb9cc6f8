import { CLASS, codeAt, isBlank, isClass, TOKEN } from './chars.ts'

/** A header value as one line: each line end with the blanks around it becomes one space (RFC 3261 §7.3.1). */
export function unfold(text: string): string {
  let out = ''
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const code = codeAt(text, at)
    if (code !== 10 && code !== 13) continue
    let before = at
    while (before > from && isBlank(codeAt(text, before - 1))) before--
    while (at + 1 < text.length && isBlank(codeAt(text, at + 1))) at++
    out += `${text.slice(from, before)} `
    from = at + 1
  }
  return from === 0 ? text : out + text.slice(from)
}

/**
 * The number written in decimal digits at `from`, which must reach to `to`; −1 when there is none or it is over `max`.
 * Leading zeros are fine.
 */
export function parseNumber(text: string, from: number, to: number, max: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = codeAt(text, at) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
    if (value > max) return -1
  }
  return to > from ? value : -1
}

/** Whether the text is a token of at least one character (RFC 3261 §25.1). */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isClass(codeAt(text, i), TOKEN)) return false
  return text !== ''
}

/**
 * The characters of `bytes[start, end)` as ISO 8859-1, and so of US-ASCII. `toString('latin1')` does the same but looks its
 * encoding up each time.
 */
export const latin1At: (bytes: Buffer, start: number, end: number) => string = Function.prototype.call.bind(
  (Buffer.prototype as Buffer & { latin1Slice(start: number, end: number): string }).latin1Slice,
)

/** The same as UTF-8. */
export const utf8At: (bytes: Buffer, start: number, end: number) => string = Function.prototype.call.bind(
  (Buffer.prototype as Buffer & { utf8Slice(start: number, end: number): string }).utf8Slice,
)

/** As {@link parseNumber}, of bytes. */
export function numberAt(bytes: Uint8Array, from: number, to: number, max: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
    if (value > max) return -1
  }
  return to > from ? value : -1
}

/** The methods there are most of: their names need not be read out of every message. */
const METHODS = ['ACK', 'BYE', 'CANCEL', 'INFO', 'INVITE', 'MESSAGE', 'NOTIFY', 'OPTIONS', 'PRACK', 'PUBLISH', 'REFER']
METHODS.push('REGISTER', 'SUBSCRIBE', 'UPDATE')

/** The text in `bytes[start, end)`, which is most often the name of a method. */
export function methodAt(bytes: Buffer, start: number, end: number): string {
  for (const method of METHODS) if (end - start === method.length && standsAt(bytes, start, method)) return method
  return latin1At(bytes, start, end)
}

/** The token in `bytes[start, end)`; '' when it is none (RFC 3261 §25.1). */
export function tokenAt(bytes: Buffer, start: number, end: number): string {
  for (let at = start; at < end; at++) if ((CLASS[bytes[at]!]! & TOKEN) === 0) return ''
  return methodAt(bytes, start, end)
}

function standsAt(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== codeAt(text, i)) return false
  return true
}
