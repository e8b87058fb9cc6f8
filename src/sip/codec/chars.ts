/** Character classes of SIP (RFC 3261 §25.1), one bit each, for {@link CLASS}. */
export const TOKEN = 1
export const DIGIT = 2
export const HOST = 4
export const HEX = 8
/** Printable US-ASCII that may stand for itself in any part of a URI: neither escape, reserved nor excluded (RFC 2396 §2.3). */
export const UNRESERVED = 16
/** What parameter values are made of where they are neither quoted nor spaced out: tokens, hosts, ports, paths. */
export const PLAIN = 32

/**
 * The code of the character at `at`. Not written as a method: texts come in more representations than the runtime keeps
 * apart, and then it would look the method up at each character.
 */
export const codeAt: (text: string, at: number) => number = Function.prototype.call.bind(String.prototype.charCodeAt)

/** Class bits of each byte value. Bytes over 127 have none. */
export const CLASS = new Uint8Array(256)
/** Each byte value with A–Z folded to a–z. */
export const FOLD = new Uint8Array(256)

const ALPHANUMERIC = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
mark(`${ALPHANUMERIC}-.!%*_+\`'~`, TOKEN)
mark('0123456789', DIGIT)
mark(`${ALPHANUMERIC}-._`, HOST)
mark('0123456789abcdefABCDEF', HEX)
mark(`${ALPHANUMERIC}-_.!~*'()`, UNRESERVED)
mark(`${ALPHANUMERIC}-.!%*_+\`'~:[]/`, PLAIN)
for (let byte = 0; byte < 256; byte++) FOLD[byte] = byte >= 65 && byte <= 90 ? byte + 32 : byte

function mark(characters: string, bit: number): void {
  for (let i = 0; i < characters.length; i++) CLASS[codeAt(characters, i)]! |= bit
}

/** Whether the character code is in the class; false for anything over 255. */
export function isClass(code: number, bit: number): boolean {
  return code < 256 && (CLASS[code]! & bit) !== 0
}

/** Whether the character code is a blank of linear white space: SP, HTAB, CR or LF. */
export function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 10
}

/** Index of the first character at or behind `from` that is not blank, at most `end`. */
export function skipBlanks(text: string, from: number, end: number): number {
  while (from < end && isBlank(codeAt(text, from))) from++
  return from
}

/** Index behind the last character before `end` that is not blank, at least `from`. */
export function trimBlanks(text: string, from: number, end: number): number {
  while (end > from && isBlank(codeAt(text, end - 1))) end--
  return end
}

/** Index behind the quoted string that opens at `from`, or −1 when it is not closed before `end` (RFC 3261 §25.1 quoted-string). */
export function quotedEnd(text: string, from: number, end: number): number {
  for (let i = from + 1; i < end; i++) {
    const code = codeAt(text, i)
    if (code === 92) i++
    else if (code === 34) return i + 1
  }
  return -1
}
