import { CLASS, TOKEN } from './chars.ts'
import { HeaderId } from './header-id.ts'
import { Field, FOLDED, isStartLine, Slot, STRIDE, scan, trimEnd } from './scan.ts'
import { parseNumber } from './text.ts'

/** How much one message on a stream may take. */
export interface FrameLimits {
  /** Most bytes of start line and headers together, the empty line included. */
  readonly maxHeaderBytes: number
  /** Most bytes of a message, body included. */
  readonly maxMessageBytes: number
}

/** Why a stream cannot be read on. */
export type FrameFault =
  | 'not-sip'
  | 'headers-too-large'
  | 'message-too-large'
  | 'no-content-length'
  | 'bad-content-length'

/** What stands at the start of a stream's buffer. All offsets are in that buffer. */
export type Frame =
  /** A whole message ends at `end`; line ends before its start line are part of it. */
  | { readonly kind: 'message'; readonly end: number }
  /**
   * More bytes are wanted. `started`: not only line ends have come. `resume`: give it back the next time, so that bytes
   * are not read twice. `need`: it is of no use to ask before the buffer reaches this far; 0 when unknown.
   */
  | { readonly kind: 'incomplete'; readonly started: boolean; readonly resume: number; readonly need: number }
  /** CRLFCRLF, to be answered with CRLF (RFC 5626 §4.4.1). */
  | { readonly kind: 'ping'; readonly end: number }
  /** The connection is lost: where the next message begins is unknown. `headersEnd`: behind the headers, −1 if they have not ended. */
  | { readonly kind: 'bad'; readonly reason: FrameFault; readonly headersEnd: number }

/**
 * Finds the first message in `buffer[start, end)` of a stream (RFC 3261 §18.3): it ends Content-Length bytes behind its
 * headers. Single line ends before it are passed over. `resume` is what the last call on these bytes gave, or `start`.
 */
export function frame(buffer: Buffer, start: number, end: number, limits: FrameLimits, resume: number = start): Frame {
  if (isPing(buffer, start, end)) return { kind: 'ping', end: start + 4 }
  const first = skipLineEnds(buffer, start, end)
  if (first === end) return { kind: 'incomplete', started: false, resume: start, need: 0 }
  const from = Math.max(first, resume)
  const bodyStart = findHeadersEnd(buffer, from, end)
  if (!mayBeSip(buffer, first, bodyStart < 0 ? end : bodyStart)) return bad('not-sip', -1)
  const headerBytes = (bodyStart < 0 ? end : bodyStart) - first
  if (headerBytes > limits.maxHeaderBytes) return bad('headers-too-large', bodyStart)
  if (bodyStart < 0) return { kind: 'incomplete', started: true, resume: Math.max(first, end - 2), need: 0 }
  const length = contentLength(buffer.subarray(first, bodyStart))
  if (typeof length === 'string') return bad(length, bodyStart)
  const messageEnd = bodyStart + length
  if (messageEnd - first > limits.maxMessageBytes) return bad('message-too-large', bodyStart)
  if (messageEnd <= end) return { kind: 'message', end: messageEnd }
  return { kind: 'incomplete', started: true, resume: Math.max(first, bodyStart - 3), need: messageEnd }
}

/** Behind the first empty line that ends at or behind `from`; −1 when there is none before `end`. */
export function findHeadersEnd(buffer: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    if (buffer[at] !== 10) continue
    if (at + 1 < end && buffer[at + 1] === 10) return at + 2
    if (at + 2 < end && buffer[at + 1] === 13 && buffer[at + 2] === 10) return at + 3
  }
  return -1
}

function bad(reason: FrameFault, headersEnd: number): Frame {
  return { kind: 'bad', reason, headersEnd }
}

function isPing(buffer: Uint8Array, start: number, end: number): boolean {
  if (end - start < 4) return false
  return buffer[start] === 13 && buffer[start + 1] === 10 && buffer[start + 2] === 13 && buffer[start + 3] === 10
}

function skipLineEnds(buffer: Uint8Array, from: number, end: number): number {
  while (from < end && (buffer[from] === 13 || buffer[from] === 10)) from++
  return from
}

/** False once the first line has ended and is no SIP start line, or its first byte cannot begin one. */
function mayBeSip(buffer: Uint8Array, first: number, end: number): boolean {
  if ((CLASS[buffer[first]!]! & TOKEN) === 0) return false
  let lineEnd = first
  while (lineEnd < end && buffer[lineEnd] !== 10) lineEnd++
  return lineEnd === end || isStartLine(buffer, first, trimEnd(buffer, first, lineEnd))
}

/** The Content-Length of a header block; on a stream it must be there (RFC 3261 §18.3), and be one. */
function contentLength(block: Buffer): number | 'not-sip' | 'no-content-length' | 'bad-content-length' {
  const slots = scan(block)
  if (slots === null) return 'not-sip'
  let length = -1
  for (let field: number = Slot.headers; field < slots.length; field += STRIDE) {
    if ((slots[field + Field.id]! & ~FOLDED) !== HeaderId.contentLength) continue
    const text = block.toString('latin1', slots[field + Field.valueStart], slots[field + Field.valueEnd])
    const value = parseNumber(text, 0, text.length, Number.MAX_SAFE_INTEGER)
    if (value < 0 || (length >= 0 && value !== length)) return 'bad-content-length'
    length = value
  }
  return length < 0 ? 'no-content-length' : length
}
