import { type FrameFault, type FrameLimits, frame } from '../codec/frame.ts'

const LF = 10
const FIRST_CAPACITY_BYTES = 2048
const PING_BEGINNINGS = ['\r\n\r', '\r\n', '\r']
const NOTHING = Buffer.alloc(0)

/** Why a byte stream cannot be read on. The connection is of no more use. */
export interface StreamFault {
  /** The reply owed to the request whose head was read; 0 for none. */
  readonly status: number
  readonly reason: string
}

/** What a framer finds, in the order of the bytes. */
export interface FramerSink {
  /** One whole message. The bytes belong to the receiver. */
  message(bytes: Buffer): void
  /** Keep-alives, each of which is owed one CRLF (RFC 5626 §4.4.1). Told once a segment. */
  pings(count: number): void
  /** The stream is broken; nothing follows. `head` is start line and headers where they were complete, else empty. */
  fault(head: Buffer, fault: StreamFault): void
}

/** What a broken stream owes (sip-core 1.10, 14.1): a reply only where the head of a message could be read. */
const FAULTS: Readonly<Record<FrameFault, StreamFault>> = {
  'not-sip': { status: 0, reason: 'not SIP' },
  'headers-too-large': { status: 0, reason: 'headers longer than the limit' },
  'message-too-large': { status: 513, reason: 'Message Too Large' },
  'no-content-length': { status: 400, reason: 'Missing Content-Length' },
  'bad-content-length': { status: 400, reason: 'Bad Content-Length' },
}

/**
 * Cuts a byte stream into SIP messages by Content-Length (RFC 3261 §18.3). CRLFs between messages are skipped, a pair of
 * them is a keep-alive. However the stream is cut into segments, each byte is looked at a bounded number of times.
 */
export class StreamFramer {
  readonly #sink: FramerSink
  readonly #limits: FrameLimits
  /** What is not yet handed on: `#bytes` from `#start` to `#end`. */
  #bytes: Buffer = NOTHING
  #start = 0
  #end = 0
  /** Whether `#bytes` may be written behind `#end`: not where parts of it were handed out, nor a segment as received. */
  #ownsBytes = false
  #resume = 0
  /** The message cannot end before the bytes reach this far; 0 while its headers have not ended. */
  #need = 0
  #isInMessage = false
  #begun = 0
  #isStopped = false

  constructor(sink: FramerSink, limits: FrameLimits) {
    this.#sink = sink
    this.#limits = limits
  }

  /** Whether a message has begun that is not complete. */
  get isInMessage(): boolean {
    return this.#isInMessage
  }

  /** How many messages were found: tells whether the unfinished one is still the same as before. */
  get begun(): number {
    return this.#begun
  }

  /** Takes the next segment, which the framer owns from now on. */
  push(segment: Buffer): void {
    if (this.#isStopped) return
    this.#append(segment)
    if (this.#isInMessage && !this.#mayBeComplete(segment)) return
    let pings = 0
    while (this.#start < this.#end) {
      const found = frame(this.#bytes, this.#start, this.#end, this.#limits, this.#resume)
      if (found.kind === 'bad') {
        this.#fail(found.reason, found.headersEnd)
        break
      }
      if (found.kind === 'incomplete') {
        this.#isInMessage = found.started
        this.#resume = found.resume
        this.#need = found.need
        if (!found.started) this.#forgetLineEnds()
        break
      }
      const from = this.#start
      this.#restartAt(found.end)
      if (found.kind === 'ping') pings += 1
      else this.#sink.message(this.#bytes.subarray(from, found.end))
    }
    if (pings > 0) this.#sink.pings(pings)
    this.#releaseBytes()
  }

  /** Nothing more is handed on, also not from a segment that is being worked on. */
  stop(): void {
    this.#isStopped = true
    this.#isInMessage = false
    this.#bytes = NOTHING
    this.#end = this.#start = 0
  }

  /** Whether looking at the bytes again can find more than before: neither headers nor body can end otherwise. */
  #mayBeComplete(segment: Buffer): boolean {
    if (this.#need > 0) return this.#end >= this.#need
    return segment.includes(LF) || this.#end - this.#start > this.#limits.maxHeaderBytes
  }

  /** Of line ends without a message only those are kept that may begin a ping. */
  #forgetLineEnds(): void {
    const last = this.#bytes.toString('latin1', Math.max(this.#start, this.#end - 3), this.#end)
    const kept = PING_BEGINNINGS.find(beginning => last.endsWith(beginning)) ?? ''
    this.#start = this.#resume = this.#end - kept.length
  }

  #restartAt(start: number): void {
    this.#start = this.#resume = start
    this.#need = 0
    this.#isInMessage = false
    this.#begun += 1
    this.#ownsBytes = false
  }

  #append(segment: Buffer): void {
    const kept = this.#end - this.#start
    if (kept === 0) {
      this.#bytes = segment
      this.#start = this.#resume = this.#need = 0
      this.#end = segment.length
      this.#ownsBytes = false
      return
    }
    if (!this.#ownsBytes || this.#end + segment.length > this.#bytes.length) this.#grow(kept + segment.length)
    this.#end += segment.copy(this.#bytes, this.#end)
  }

  /** Moves what is kept into a buffer with room for `length` bytes and as many again. */
  #grow(length: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY_BYTES, length * 2))
    this.#bytes.copy(grown, 0, this.#start, this.#end)
    this.#end -= this.#start
    this.#resume = Math.max(0, this.#resume - this.#start)
    this.#need = Math.max(0, this.#need - this.#start)
    this.#start = 0
    this.#bytes = grown
    this.#ownsBytes = true
  }

  #releaseBytes(): void {
    if (this.#start === this.#end) this.#bytes = NOTHING
  }

  #fail(reason: FrameFault, headersEnd: number): void {
    const fault = FAULTS[reason]
    const head = fault.status === 0 ? NOTHING : this.#bytes.subarray(this.#start, headersEnd)
    this.stop()
    this.#sink.fault(head, fault)
  }
}
