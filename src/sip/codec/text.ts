import { isBlank, isClass, TOKEN } from './chars.ts'

/** A header value as one line: each line end with the blanks around it becomes one space (RFC 3261 §7.3.1). */
export function unfold(text: string): string {
  let out = ''
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code !== 10 && code !== 13) continue
    let before = at
    while (before > from && isBlank(text.charCodeAt(before - 1))) before--
    while (at + 1 < text.length && isBlank(text.charCodeAt(at + 1))) at++
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
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
    if (value > max) return -1
  }
  return to > from ? value : -1
}

/** Whether the text is a token of at least one character (RFC 3261 §25.1). */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isClass(text.charCodeAt(i), TOKEN)) return false
  return text !== ''
}
