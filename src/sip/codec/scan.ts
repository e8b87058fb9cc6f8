import { CLASS, TOKEN } from './chars.ts'
import { HeaderId, headerIdAt } from './header-id.ts'

/**
 * The one pass over a received message: where everything stands, as small integers in an array. First the slots of
 * {@link Slot}, then {@link STRIDE} numbers a header line. Offsets count from the start of the message.
 */
export const Slot = {
  /** Behind the method; 0 in a reply. */
  methodEnd: 0,
  /** The Request-URI, or the status code. */
  targetStart: 1,
  targetEnd: 2,
  /** The reason phrase of a reply; in a request the SIP version. */
  restStart: 3,
  restEnd: 4,
  headersStart: 5,
  /** Where the empty line stands. */
  headersEnd: 6,
  bodyStart: 7,
  headerCount: 8,
  /** One of {@link ScanFault}, and where. The first found counts. */
  fault: 9,
  faultOffset: 10,
  /** Bit n: header number n was seen; was seen again. Numbers up to 31. */
  seen: 11,
  repeated: 12,
  /** From here, by header number below {@link INDEXED}: index of the first such header. Only those that were seen count. */
  first: 13,
  headers: 29,
} as const

/** The headers with lower numbers are found by their number; the others are looked for. */
export const INDEXED = 16

/** Numbers of one header line, from its place in the array. */
export const Field = { id: 0, start: 1, nameEnd: 2, valueStart: 3, valueEnd: 4, end: 5 } as const
export const STRIDE = 6
/** Set in the id of a header whose value goes over several lines. */
export const FOLDED = 256

export const ScanFault = {
  none: 0,
  version: 1,
  requestLine: 2,
  requestUri: 3,
  status: 4,
  header: 5,
  unterminated: 6,
} as const

const LF = 10
const CR = 13
const SP = 32
const HTAB = 9

/** Reused by every scan; grows to the largest message seen, which the receive buffers bound. */
const slots: number[] = new Array(Slot.headers + STRIDE * 64).fill(0)

/**
 * Scans one message that starts at offset 0. Null when the first line is no SIP request or status line at all; other
 * things wrong are noted in the result. Lines may end in a bare LF (tolerance).
 */
export function scan(bytes: Uint8Array): readonly number[] | null {
  for (let i = 0; i < Slot.first; i++) slots[i] = 0
  if (!scanStartLine(bytes)) return null
  // A copy of an array of integers costs less than a view of a typed one.
  return slots.slice(0, scanHeaders(bytes, slots[Slot.headersStart]!))
}

function fault(code: number, offset: number): void {
  if (slots[Slot.fault] !== ScanFault.none) return
  slots[Slot.fault] = code
  slots[Slot.faultOffset] = offset
}

/** Whether `bytes[start, end)`, a line without its end, looks like a request or status line of some SIP version. */
export function isStartLine(bytes: Uint8Array, start: number, end: number): boolean {
  if (isVersionAt(bytes, start, end)) return end > start + 8 && isBlankByte(bytes[endOfWord(bytes, start, end)])
  const methodEnd = endOfToken(bytes, start, end)
  if (methodEnd === start || !isBlankByte(bytes[methodEnd])) return false
  const trimmed = trimEnd(bytes, start, end)
  return isVersionAt(bytes, startOfWord(bytes, methodEnd, trimmed), trimmed)
}

function scanStartLine(bytes: Uint8Array): boolean {
  const newline = bytes.indexOf(LF)
  const lineEnd = newline < 0 ? bytes.length : newline > 0 && bytes[newline - 1] === CR ? newline - 1 : newline
  if (!isStartLine(bytes, 0, lineEnd)) return false
  slots[Slot.headersStart] = newline < 0 ? bytes.length : newline + 1
  if (isVersionAt(bytes, 0, lineEnd)) scanStatusLine(bytes, lineEnd)
  else scanRequestLine(bytes, lineEnd)
  return true
}

/** `Method SP Request-URI SP SIP/2.0`, each blank exactly one (RFC 3261 §7.1). */
function scanRequestLine(bytes: Uint8Array, lineEnd: number): void {
  const methodEnd = endOfToken(bytes, 0, lineEnd)
  const versionEnd = trimEnd(bytes, 0, lineEnd)
  const versionStart = startOfWord(bytes, methodEnd, versionEnd)
  let uriStart = methodEnd
  while (uriStart < versionStart && isBlankByte(bytes[uriStart])) uriStart++
  const uriEnd = trimEnd(bytes, uriStart, versionStart)
  slots[Slot.methodEnd] = methodEnd
  slots[Slot.targetStart] = uriStart
  slots[Slot.targetEnd] = uriEnd
  slots[Slot.restStart] = versionStart
  slots[Slot.restEnd] = versionEnd
  if (!isVersion2(bytes, versionStart, versionEnd)) fault(ScanFault.version, versionStart)
  if (uriStart === uriEnd || uriStart !== methodEnd + 1) fault(ScanFault.requestLine, methodEnd)
  if (versionStart !== uriEnd + 1) fault(ScanFault.requestLine, uriEnd)
  if (versionEnd !== lineEnd) fault(ScanFault.requestLine, versionEnd)
  for (let i = uriStart; i < uriEnd; i++) if (isBlankByte(bytes[i]) || bytes[i] === CR) fault(ScanFault.requestUri, i)
}

/** `SIP/2.0 SP 3DIGIT SP Reason-Phrase`; the phrase may be empty, and its blank absent (tolerance). */
function scanStatusLine(bytes: Uint8Array, lineEnd: number): void {
  const versionEnd = endOfWord(bytes, 0, lineEnd)
  const codeStart = versionEnd + 1
  const codeEnd = endOfWord(bytes, codeStart, lineEnd)
  slots[Slot.targetStart] = codeStart
  slots[Slot.targetEnd] = codeEnd
  slots[Slot.restStart] = Math.min(codeEnd + 1, lineEnd)
  slots[Slot.restEnd] = lineEnd
  if (!isVersion2(bytes, 0, versionEnd)) fault(ScanFault.version, 0)
  if (codeEnd - codeStart !== 3 || statusOf(bytes, codeStart) === 0) fault(ScanFault.status, codeStart)
}

/** The status code in the three bytes at `at`; 0 when they are not within 100…699. */
export function statusOf(bytes: Uint8Array, at: number): number {
  let status = 0
  for (let i = at; i < at + 3; i++) {
    const digit = (bytes[i] ?? 0) - 48
    if (digit < 0 || digit > 9) return 0
    status = status * 10 + digit
  }
  return status >= 100 && status <= 699 ? status : 0
}

/** Reads header lines up to the empty one; gives how many slots are used. */
function scanHeaders(bytes: Uint8Array, from: number): number {
  let at = from
  let slot: number = Slot.headers
  while (at < bytes.length) {
    const byte = bytes[at]!
    if (byte === LF || (byte === CR && bytes[at + 1] === LF)) {
      slots[Slot.headersEnd] = at
      slots[Slot.bodyStart] = at + (byte === LF ? 1 : 2)
      return slot
    }
    while (slot + STRIDE > slots.length) slots.push(0)
    const end = scanHeader(bytes, at, slot)
    if (slots[slot + Field.end] === end) slot += STRIDE
    at = end
  }
  // A datagram that ends behind a whole header line lacks only the empty line; the writers add it.
  if (bytes[bytes.length - 1] !== LF) fault(ScanFault.unterminated, bytes.length)
  slots[Slot.headersEnd] = bytes.length
  slots[Slot.bodyStart] = bytes.length
  return slot
}

/** Reads the header line at `start` into `slot`; gives where the next begins. A line that is no header fills no slot. */
function scanHeader(bytes: Uint8Array, start: number, slot: number): number {
  const { length } = bytes
  let at = start
  while (at < length && (CLASS[bytes[at]!]! & TOKEN) !== 0) at++
  const nameEnd = at
  while (at < length && isBlankByte(bytes[at])) at++
  const isHeader = nameEnd > start && bytes[at] === 58
  let valueStart = at + 1
  while (valueStart < length && isBlankByte(bytes[valueStart])) valueStart++
  let folded = 0
  let end = endOfLine(bytes, isHeader ? valueStart : start)
  while (end < length && isBlankByte(bytes[end])) {
    folded = FOLDED
    end = endOfLine(bytes, end)
  }
  if (!isHeader) {
    fault(ScanFault.header, start)
    slots[slot + Field.end] = -1
    return end
  }
  const valueEnd = trimEnd(bytes, valueStart, end)
  while (folded !== 0 && valueStart < valueEnd && isBlankOrNewline(bytes[valueStart]!)) valueStart++
  const id = headerIdAt(bytes, start, nameEnd)
  note(id, slots[Slot.headerCount]!++)
  slots[slot + Field.id] = id | folded
  slots[slot + Field.start] = start
  slots[slot + Field.nameEnd] = nameEnd
  slots[slot + Field.valueStart] = Math.min(valueStart, valueEnd)
  slots[slot + Field.valueEnd] = valueEnd
  slots[slot + Field.end] = end
  return end
}

function note(id: HeaderId, index: number): void {
  if (id === HeaderId.other || id > 31) return
  const bit = 1 << id
  if ((slots[Slot.seen]! & bit) !== 0) {
    slots[Slot.repeated]! |= bit
    return
  }
  slots[Slot.seen]! |= bit
  if (id < INDEXED) slots[Slot.first + id] = index
}

/**
 * Behind the LF that ends the line `from` stands in, or the end of all. A CR by itself is a fault: who takes it for the end
 * of a line would see other headers than we do.
 */
function endOfLine(bytes: Uint8Array, from: number): number {
  const { length } = bytes
  for (let at = from; at < length; at++) {
    const byte = bytes[at]!
    if (byte > CR) continue
    if (byte === LF) return at + 1
    if (byte === CR && at + 1 < length && bytes[at + 1] !== LF) fault(ScanFault.header, at)
  }
  return length
}

function endOfToken(bytes: Uint8Array, from: number, end: number): number {
  while (from < end && (CLASS[bytes[from]!]! & TOKEN) !== 0) from++
  return from
}

function endOfWord(bytes: Uint8Array, from: number, end: number): number {
  while (from < end && !isBlankByte(bytes[from])) from++
  return from
}

function startOfWord(bytes: Uint8Array, from: number, end: number): number {
  while (end > from && !isBlankByte(bytes[end - 1])) end--
  return end
}

/** Behind the last byte before `end` that is no blank or line end, at least `from`. */
export function trimEnd(bytes: Uint8Array, from: number, end: number): number {
  while (end > from && isBlankOrNewline(bytes[end - 1]!)) end--
  return end
}

function isBlankByte(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB
}

function isBlankOrNewline(byte: number): boolean {
  return byte === SP || byte === HTAB || byte === CR || byte === LF
}

/** Whether `SIP/`, in any case, stands at `at`. */
function isVersionAt(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    at + 4 < end &&
    (bytes[at]! | 32) === 115 &&
    (bytes[at + 1]! | 32) === 105 &&
    (bytes[at + 2]! | 32) === 112 &&
    bytes[at + 3] === 47
  )
}

function isVersion2(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 7 && bytes[start + 4] === 50 && bytes[start + 5] === 46 && bytes[start + 6] === 48
}
