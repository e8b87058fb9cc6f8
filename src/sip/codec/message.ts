import { codeAt, FOLD, isBlank } from './chars.ts'
import { endOfElement, type HeaderElement, splitElements } from './elements.ts'
import { type Fault, type FaultCode, findFault } from './fault.ts'
import { HeaderId, headerIdOf } from './header-id.ts'
import { type NameAddr, parseRouteValue, type RouteValue } from './name-addr.ts'
import { readPlainAddress } from './plain-address.ts'
import { isPlainUri } from './plain-uri.ts'
import { PlainVia } from './plain-via.ts'
import { Field, FOLDED, INDEXED, Slot, STRIDE, scan, statusOf, trimEnd } from './scan.ts'
import { methodAt, numberAt, tokenAt, unfold, utf8At } from './text.ts'
import { parseVia, type Via } from './via.ts'

export type { Fault, FaultCode } from './fault.ts'
export type { NameAddr, RouteValue } from './name-addr.ts'
export type { Via } from './via.ts'

/** Largest CSeq number (RFC 3261 §8.1.1.5: less than 2**31). */
const MAX_CSEQ = 0x7fffffff
const MAX_MAX_FORWARDS = 255
/** What every reply copies (RFC 3261 §8.2.6.2). */
const ANSWER_NEEDS = [HeaderId.from, HeaderId.to, HeaderId.callId, HeaderId.cseq]
/** Content-Length that is there but cannot be read. */
const UNREADABLE = -2

/**
 * A SIP message as received: its bytes and where in them everything stands. Values are read when first asked for.
 * It never changes; see Edits and the writers. Nothing here throws, whatever the bytes are.
 */
export class SipMessage {
  /** Exactly this message: leading line ends and what stands behind Content-Length cut off. Not to be changed. */
  readonly bytes: Buffer
  readonly isRequest: boolean
  /** How many header lines there are. Lines that are none are not counted. */
  readonly headerCount: number
  /** Behind the start line. */
  readonly headersStart: number
  /** Where the empty line stands; equal to `bodyStart` when the datagram ends without one. */
  readonly headersEnd: number
  readonly bodyStart: number
  /** −1 when absent, −2 when unreadable. */
  readonly contentLength: number

  readonly #slots: readonly number[]
  readonly #lengthFault: FaultCode | null
  #method: string | undefined
  #requestUri: string | undefined
  #fault: Fault | null | undefined
  #vias: readonly Via[] | undefined
  #topVia: Via | null | undefined
  #from: NameAddr | null | undefined
  #to: NameAddr | null | undefined
  #callId: string | undefined
  #cseq: { readonly number: number; readonly method: string } | undefined
  #contacts: readonly NameAddr[] | '*' | null | undefined
  #routes: RouteList | undefined
  #recordRoutes: RouteList | undefined

  private constructor(bytes: Buffer, slots: readonly number[]) {
    this.#slots = slots
    this.isRequest = slots[Slot.methodEnd]! > 0
    this.headerCount = slots[Slot.headerCount]!
    this.headersStart = slots[Slot.headersStart]!
    this.headersEnd = slots[Slot.headersEnd]!
    this.bodyStart = slots[Slot.bodyStart]!
    this.bytes = bytes
    this.contentLength = this.#number(HeaderId.contentLength, Number.MAX_SAFE_INTEGER)
    const rest = bytes.length - this.bodyStart
    this.#lengthFault = this.#findLengthFault(rest)
    if (this.#lengthFault === null && this.contentLength >= 0 && this.contentLength < rest) {
      this.bytes = bytes.subarray(0, this.bodyStart + this.contentLength)
    }
  }

  /**
   * Reads one message out of a datagram or a frame. The buffer is kept, not copied. Null when it holds nothing that
   * looks like a SIP start line: keep-alives, noise.
   */
  static parse(bytes: Buffer): SipMessage | null {
    let start = 0
    while (start < bytes.length && (bytes[start] === 13 || bytes[start] === 10)) start++
    const message = start === 0 ? bytes : bytes.subarray(start)
    const slots = scan(message)
    return slots === null ? null : new SipMessage(message, slots)
  }

  /** Of a reply that of its CSeq; '' when that is unreadable. */
  get method(): string {
    if (this.#method !== undefined) return this.#method
    const end = this.#slots[Slot.methodEnd]!
    return (this.#method = this.isRequest ? methodAt(this.bytes, 0, end) : this.cseqMethod)
  }

  /** As received; '' on replies. */
  get requestUri(): string {
    if (!this.isRequest) return ''
    return (this.#requestUri ??= this.text(this.requestUriStart, this.requestUriEnd))
  }

  /** Where the Request-URI stands: byte offset. On replies that of the status code. */
  get requestUriStart(): number {
    return this.#slots[Slot.targetStart]!
  }
  /** Behind the Request-URI or status code. */
  get requestUriEnd(): number {
    return this.#slots[Slot.targetEnd]!
  }

  /** 0 on requests, and when it is not within 100…699. */
  get status(): number {
    const start = this.#slots[Slot.targetStart]!
    return this.isRequest || this.#slots[Slot.targetEnd]! - start !== 3 ? 0 : statusOf(this.bytes, start)
  }

  /** Reason phrase; '' on requests. */
  get reason(): string {
    return this.isRequest ? '' : this.bytes.toString('utf8', this.#slots[Slot.restStart], this.#slots[Slot.restEnd])
  }

  /** A view, not a copy; empty when there is none. */
  get body(): Buffer {
    return this.bytes.subarray(this.bodyStart)
  }

  /** The first thing wrong with the message (RFC 3261 §7, §8.1.1, §18.3); null when it is fine. */
  get fault(): Fault | null {
    if (this.#fault !== undefined) return this.#fault
    const slots = this.#slots
    this.#fault = findFault(this, {
      scanFault: slots[Slot.fault]!,
      scanFaultOffset: slots[Slot.faultOffset]!,
      seen: slots[Slot.seen]!,
      repeated: slots[Slot.repeated]!,
      lengthFault: this.#lengthFault,
      hasPlainUri: isPlainUri(this.bytes, this.requestUriStart, this.requestUriEnd),
      hasBadRoute: (slots[Slot.seen]! & (1 << HeaderId.route)) !== 0 && this.#readRoutes(HeaderId.route).isMalformed,
    })
    return this.#fault
  }

  /** Whether a reply can be built: a request whose Via says where to, with From, To, Call-ID and CSeq to copy. */
  get answerable(): boolean {
    if (!this.isRequest || this.topVia === null) return false
    for (const id of ANSWER_NEEDS) if (isEmpty(this, this.find(id))) return false
    return true
  }

  /** Number of the name of header `i`; 0 when it is none we know. */
  headerId(i: number): HeaderId {
    return this.#field(i, Field.id) & ~FOLDED
  }
  /** As written. */
  headerName(i: number): string {
    return this.bytes.toString('latin1', this.headerStart(i), this.#field(i, Field.nameEnd))
  }
  /** Without the blanks around it, unfolded. */
  headerValue(i: number): string {
    return this.#text(i, this.valueStart(i), this.valueEnd(i))
  }
  headerStart(i: number): number {
    return this.#field(i, Field.start)
  }
  /** Behind the line end; folded lines are part of it. */
  headerEnd(i: number): number {
    return this.#field(i, Field.end)
  }
  /** Where the value stands, without the blanks around it. */
  valueStart(i: number): number {
    return this.#field(i, Field.valueStart)
  }
  valueEnd(i: number): number {
    return this.#field(i, Field.valueEnd)
  }

  /** Index of the first such header at or behind index `from`, −1 when there is none. */
  find(id: HeaderId, from = 0): number {
    const slots = this.#slots
    if (id !== HeaderId.other && id < INDEXED) {
      const bit = 1 << id
      if ((slots[Slot.seen]! & bit) === 0) return -1
      const first = slots[Slot.first + id]!
      if (from <= first) return first
      if ((slots[Slot.repeated]! & bit) === 0) return -1
    }
    for (let i = from; i < this.headerCount; i++) {
      if ((slots[Slot.headers + i * STRIDE]! & ~FOLDED) === id) return i
    }
    return -1
  }

  /** As {@link find}, by any spelling of the name: case, compact form. */
  findNamed(name: string, from = 0): number {
    const id = headerIdOf(name)
    if (id !== HeaderId.other) return this.find(id, from)
    for (let i = from; i < this.headerCount; i++) if (this.#isNamed(i, name)) return i
    return -1
  }

  /** Value of the first such header, null when there is none. */
  value(id: HeaderId): string | null {
    const index = this.find(id)
    return index < 0 ? null : this.headerValue(index)
  }

  /** Every Via value that can be read, comma lists split. */
  get vias(): readonly Via[] {
    if (this.#vias !== undefined) return this.#vias
    const vias: Via[] = []
    for (const element of this.#elements(HeaderId.via)) {
      const via = this.#readVia(element)
      if (via !== null) vias.push(via)
    }
    return (this.#vias = vias)
  }

  /** The first Via value; null when it is absent or unreadable. */
  get topVia(): Via | null {
    if (this.#topVia !== undefined) return this.#topVia
    const header = this.find(HeaderId.via)
    if (header < 0) return (this.#topVia = null)
    const start = this.valueStart(header)
    const plain = PlainVia.read(this.bytes, header, start, this.valueEnd(header))
    if (plain !== null) return (this.#topVia = plain)
    const end = trimEnd(this.bytes, start, endOfElement(this.bytes, start, this.valueEnd(header), true))
    return (this.#topVia = parseVia(this.#text(header, start, end), { header, start, end }))
  }

  /** Null when absent or malformed. */
  get from(): NameAddr | null {
    return this.#from === undefined ? (this.#from = this.#readAddress(HeaderId.from)) : this.#from
  }
  /** Null when absent or malformed. */
  get to(): NameAddr | null {
    return this.#to === undefined ? (this.#to = this.#readAddress(HeaderId.to)) : this.#to
  }
  /** '' when there is none. */
  get fromTag(): string {
    return this.from?.tag ?? ''
  }
  /** '' when there is none. */
  get toTag(): string {
    return this.to?.tag ?? ''
  }
  /** '' when absent. */
  get callId(): string {
    return (this.#callId ??= this.value(HeaderId.callId) ?? '')
  }
  /** −1 when absent, unreadable or not below 2³¹. */
  get cseq(): number {
    return this.#readCSeq().number
  }
  /** '' when absent or unreadable. */
  get cseqMethod(): string {
    return this.#readCSeq().method
  }

  /** Null when a Contact header is malformed, or `*` stands beside others; [] when there is none. */
  get contacts(): readonly NameAddr[] | '*' | null {
    return this.#contacts === undefined ? (this.#contacts = this.#readContacts()) : this.#contacts
  }
  /** Those that can be read: a malformed Route is a fault of the message. */
  get routes(): readonly RouteValue[] {
    return this.#readRoutes(HeaderId.route).values
  }
  /** Those that can be read. */
  get recordRoutes(): readonly RouteValue[] {
    return this.#readRoutes(HeaderId.recordRoute).values
  }

  /** −1 when absent, −2 when unreadable or over 255. */
  get maxForwards(): number {
    return this.#number(HeaderId.maxForwards, MAX_MAX_FORWARDS)
  }

  /** The number that is the value of the first such header: −1 when there is none, −2 when it is no number or over `max`. */
  #number(id: HeaderId, max: number): number {
    const header = this.find(id)
    if (header < 0) return -1
    const value = numberAt(this.bytes, this.valueStart(header), this.valueEnd(header), max)
    return value < 0 ? UNREADABLE : value
  }

  #field(i: number, field: number): number {
    return this.#slots[Slot.headers + i * STRIDE + field]!
  }

  /** What stands at these byte offsets, as it is. Never a slice of a longer text: scanning those is much slower. */
  text(start: number, end: number): string {
    return utf8At(this.bytes, start, end)
  }

  #text(i: number, start: number, end: number): string {
    const text = this.text(start, end)
    return (this.#field(i, Field.id) & FOLDED) === 0 ? text : unfold(text)
  }

  #isNamed(i: number, name: string): boolean {
    const start = this.headerStart(i)
    if (this.#field(i, Field.nameEnd) - start !== name.length) return false
    for (let at = 0; at < name.length; at++) {
      const code = codeAt(name, at)
      if (code > 255 || FOLD[this.bytes[start + at]!] !== FOLD[code]) return false
    }
    return true
  }

  /** All elements of the comma-separated headers with this number. */
  #elements(id: HeaderId): readonly HeaderElement[] {
    const isVia = id === HeaderId.via
    let all = NO_ELEMENTS
    for (let i = this.find(id); i >= 0; i = this.find(id, i + 1)) {
      const elements = splitElements(this.bytes, i, this.valueStart(i), this.valueEnd(i), isVia)
      all = all.length === 0 ? elements : [...all, ...elements]
    }
    return all
  }

  #readVia(element: HeaderElement): Via | null {
    const { header, start, end } = element
    return PlainVia.read(this.bytes, header, start, end) ?? parseVia(this.#text(header, start, end), element)
  }

  #readAddress(id: HeaderId): NameAddr | null {
    const header = this.find(id)
    if (header < 0) return null
    return this.#addressAt({ header, start: this.valueStart(header), end: this.valueEnd(header) })
  }

  #addressAt(element: HeaderElement): RouteValue | null {
    return (
      readPlainAddress(this.bytes, element) ??
      parseRouteValue(this.#text(element.header, element.start, element.end), element)
    )
  }

  #readContacts(): readonly NameAddr[] | '*' | null {
    const contacts: NameAddr[] = []
    let stars = 0
    for (const element of this.#elements(HeaderId.contact)) {
      if (element.end - element.start === 1 && this.bytes[element.start] === 42) {
        stars++
        continue
      }
      const contact = this.#addressAt(element)
      if (contact === null) return null
      contacts.push(contact)
    }
    if (stars === 0) return contacts
    return stars === 1 && contacts.length === 0 ? '*' : null
  }

  #readRoutes(id: HeaderId): RouteList {
    const known = id === HeaderId.route ? this.#routes : this.#recordRoutes
    if (known !== undefined) return known
    const values: RouteValue[] = []
    let isMalformed = false
    for (const element of this.#elements(id)) {
      const value = this.#addressAt(element)
      if (value === null) isMalformed = true
      else values.push(value)
    }
    const list = { values, isMalformed }
    if (id === HeaderId.route) this.#routes = list
    else this.#recordRoutes = list
    return list
  }

  #readCSeq(): { readonly number: number; readonly method: string } {
    if (this.#cseq !== undefined) return this.#cseq
    const header = this.find(HeaderId.cseq)
    if (header < 0) return (this.#cseq = NO_CSEQ)
    const end = this.valueEnd(header)
    const start = this.valueStart(header)
    let blank = start
    while (blank < end && !isBlank(this.bytes[blank]!)) blank++
    let method = blank
    while (method < end && isBlank(this.bytes[method]!)) method++
    const number = numberAt(this.bytes, start, blank, MAX_CSEQ)
    return (this.#cseq = { number, method: tokenAt(this.bytes, method, end) })
  }

  #findLengthFault(rest: number): FaultCode | null {
    if (this.contentLength === -1) return null
    if (this.contentLength === UNREADABLE) return 'bad-content-length'
    if ((this.#slots[Slot.repeated]! & (1 << HeaderId.contentLength)) !== 0 && !this.#areLengthsEqual()) {
      return 'repeated-content-length'
    }
    return this.contentLength > rest ? 'short-body' : null
  }

  #areLengthsEqual(): boolean {
    const id = HeaderId.contentLength
    for (let i = this.find(id); i >= 0; i = this.find(id, i + 1)) {
      const length = numberAt(this.bytes, this.valueStart(i), this.valueEnd(i), Number.MAX_SAFE_INTEGER)
      if (length !== this.contentLength) return false
    }
    return true
  }
}

interface RouteList {
  readonly values: readonly RouteValue[]
  readonly isMalformed: boolean
}

const NO_ELEMENTS: readonly HeaderElement[] = []
const NO_CSEQ = { number: -1, method: '' }

function isEmpty(message: SipMessage, header: number): boolean {
  return header < 0 || message.valueStart(header) >= message.valueEnd(header)
}
