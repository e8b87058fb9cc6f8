import { BRANCH_COOKIE } from './branch-cookie.ts'
import { CLASS, DIGIT, HOST, PLAIN, TOKEN } from './chars.ts'
import { Params } from './params.ts'
import { latin1At } from './text.ts'
import type { CharacterSink, Via } from './via.ts'

/** `SIP/2.0/`, as nearly every Via begins. */
const START = Buffer.from('SIP/2.0/')
const COOKIE = Buffer.from(BRANCH_COOKIE)
const MAX_PORT = 65_535

/** Parameters every Via is asked for, by the length of their names. */
const BRANCH = Buffer.from('branch')
const RPORT = Buffer.from('rport')
const RECEIVED = Buffer.from('received')

/**
 * A Via value in the form that nearly all have: `SIP/2.0/transport SP host [":" port] *( ";" name ["=" value] )`, nothing
 * quoted, commented or spaced out. It is read in one pass over the bytes; its parts become texts when they are asked for.
 */
export class PlainVia implements Via {
  readonly protocol = 'SIP'
  readonly version = '2.0'
  readonly comment = ''
  readonly isMalformed = false
  readonly start: number
  readonly header: number
  end: number
  port = 0
  rport: number | null = null
  /** Where the parameters stand from their names to the ends of their values; 0 where there is none. */
  rportStart = 0
  rportEnd = 0
  receivedStart = 0
  receivedEnd = 0
  readonly #bytes: Buffer
  #hostStart = 0
  #hostEnd = 0
  #branchStart = 0
  #branchEnd = 0
  #paramsStart = 0
  #host: string | null = null
  #branch: string | null = null
  #params: Params | null = null

  private constructor(bytes: Buffer, header: number, start: number, end: number) {
    this.#bytes = bytes
    this.header = header
    this.start = start
    this.end = end
  }

  /**
   * Reads the value that begins at `start` and reaches to a comma or to `end`. Null when it is not of that form: it may be a
   * Via all the same.
   */
  static read(bytes: Buffer, header: number, start: number, end: number): PlainVia | null {
    for (let i = 0; i < START.length; i++) if (bytes[start + i] !== START[i]) return null
    const via = new PlainVia(bytes, header, start, end)
    return via.#readSentBy(endOfToken(bytes, start + START.length, end)) ? via : null
  }

  get transport(): string {
    const at = this.start + START.length
    if (
      this.#bytes[at] === 85 &&
      this.#bytes[at + 1] === 68 &&
      this.#bytes[at + 2] === 80 &&
      at + 4 === this.#hostStart
    )
      return 'UDP'
    return latin1At(this.#bytes, at, this.#hostStart - 1).toUpperCase()
  }

  get host(): string {
    return (this.#host ??= this.#text(this.#hostStart, this.#hostEnd))
  }

  get branch(): string {
    return (this.#branch ??= this.#text(this.#branchStart, this.#branchEnd))
  }

  get received(): string {
    const value = this.receivedStart + RECEIVED.length + 1
    return value > this.receivedEnd ? '' : this.#text(value, this.receivedEnd)
  }

  get params(): Params {
    return (this.#params ??= Params.parse(this.#text(this.#paramsStart, this.end)))
  }

  hostTo(sink: CharacterSink): void {
    sink.foldedBytes(this.#bytes, this.#hostStart, this.#hostEnd)
  }

  branchTo(sink: CharacterSink): void {
    sink.bytes(this.#bytes, this.#branchStart, this.#branchEnd)
  }

  get hasCookie(): boolean {
    if (this.#branchEnd - this.#branchStart <= COOKIE.length) return false
    for (let i = 0; i < COOKIE.length; i++) if (this.#bytes[this.#branchStart + i] !== COOKIE[i]) return false
    return true
  }

  #text(start: number, end: number): string {
    return start === end ? '' : latin1At(this.#bytes, start, end)
  }

  /** From the blank behind the transport on. */
  #readSentBy(blank: number): boolean {
    const bytes = this.#bytes
    const { end } = this
    if (blank === this.start + START.length || bytes[blank] !== 32) return false
    let at = blank + 1
    this.#hostStart = at
    while (at < end && (CLASS[bytes[at]!]! & HOST) !== 0) at++
    this.#hostEnd = at
    if (at === this.#hostStart) return false
    if (at < end && bytes[at] === 58) {
      const portStart = ++at
      for (; at < end && (CLASS[bytes[at]!]! & DIGIT) !== 0 && this.port <= MAX_PORT; at++)
        this.port = this.port * 10 + bytes[at]! - 48
      if (at === portStart || this.port === 0 || this.port > MAX_PORT) return false
    }
    this.#paramsStart = at
    return this.#readParams(at)
  }

  #readParams(from: number): boolean {
    const bytes = this.#bytes
    const { end } = this
    for (let at = from; at < end; ) {
      if (bytes[at] === 44) {
        this.end = at
        return true
      }
      if (bytes[at] !== 59) return false
      const name = at + 1
      const nameEnd = endOfToken(bytes, name, end)
      if (nameEnd === name) return false
      at = nameEnd
      if (at < end && bytes[at] === 61) {
        at++
        while (at < end && (CLASS[bytes[at]!]! & PLAIN) !== 0) at++
      }
      this.#note(name, nameEnd, at)
    }
    return true
  }

  /** Of repeated names the first counts. */
  #note(name: number, nameEnd: number, end: number): void {
    const value = nameEnd === end ? end : nameEnd + 1
    switch (nameEnd - name) {
      case 6:
        if (this.#branchEnd !== 0 || !isNamed(this.#bytes, name, BRANCH)) return
        this.#branchStart = value
        this.#branchEnd = end
        return
      case 5:
        if (this.rport !== null || !isNamed(this.#bytes, name, RPORT)) return
        this.rport = portAt(this.#bytes, value, end)
        this.rportStart = name
        this.rportEnd = end
        return
      case 8:
        if (this.receivedEnd !== 0 || !isNamed(this.#bytes, name, RECEIVED)) return
        this.receivedStart = name
        this.receivedEnd = end
    }
  }
}

function endOfToken(bytes: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && (CLASS[bytes[at]!]! & TOKEN) !== 0) at++
  return at
}

function isNamed(bytes: Uint8Array, start: number, folded: Uint8Array): boolean {
  for (let i = 0; i < folded.length; i++) if ((bytes[start + i]! | 32) !== folded[i]) return false
  return true
}

/** The port; 0 for one that cannot be read. */
function portAt(bytes: Uint8Array, start: number, end: number): number {
  let port = 0
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48
    if (digit < 0 || digit > 9) return 0
    port = port * 10 + digit
    if (port > MAX_PORT) return 0
  }
  return port
}
