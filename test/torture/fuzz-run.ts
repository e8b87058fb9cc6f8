import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type RunningProxy, startFile } from '../../src/main.ts'
import { SipMessage } from '../../src/sip/codec/message.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { freePort } from '../support/ports.ts'
import { replyTo } from '../support/sip-reply.ts'
import { FULL_SCRIPT } from './full-script.ts'
import { MESSAGES, mutate, randomFrom } from './mutate.ts'
import { WsSender } from './ws-sender.ts'

const CALLS = new URL('../fixtures/calls/', import.meta.url)
/** The torture messages and those of ordinary calls. */
export const CORPUS: readonly Buffer[] = [
  ...MESSAGES,
  ...readdirSync(CALLS).map(file => readFileSync(new URL(file, CALLS))),
]

const STATUSES = [100, 180, 183, 200, 302, 401, 404, 407, 486, 503, 603]
/** Messages between two looks at what the proxy says and holds. */
const BATCH = 50
/** Between two looks every transaction, dialog and connection has had its time. */
const EXPIRY_MS = 600_000
const PATIENCE_MS = 60_000

export interface FuzzFinding {
  readonly what: 'error' | 'hang' | 'growth' | 'leftovers'
  readonly detail: string
  /** The messages since the last look, oldest first. */
  readonly messages: readonly Buffer[]
}

export interface FuzzResult {
  readonly rounds: number
  readonly relayed: number
  readonly heapBytes: readonly number[]
  readonly slowestMs: number
  readonly findings: readonly FuzzFinding[]
}

interface FuzzOptions {
  readonly seed: number
  /** Asked before each batch. */
  readonly goesOn: (rounds: number) => boolean
  /** A batch that takes longer counts as a hang. */
  readonly hangMs: number
  /** The heap may grow by this much after the first looks. */
  readonly growthBytes: number
  /** Looks at the heap are this many batches apart. */
  readonly batchesALook: number
}

/** Sends mutated messages to a whole proxy over UDP, TCP and WebSocket until told to stop, and says what it has found. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const run = await FuzzRun.start(options)
  try {
    await run.go()
  } finally {
    await run.stop()
  }
  return run.result
}

class FuzzRun {
  readonly #options: FuzzOptions
  readonly #random: (below: number) => number
  readonly #proxy: RunningProxy
  readonly #clock: VirtualClock
  readonly #log: string[]
  readonly #port: number
  readonly #folder: string
  readonly #sender: UdpSocket
  readonly #next: UdpSocket
  readonly #findings: FuzzFinding[] = []
  readonly #heap: number[] = []
  #stream: Socket | null = null
  #streamIsClosed = true
  readonly #webSocket: WsSender
  #batch: Buffer[] = []
  #rounds = 0
  #relayed = 0
  #answered = 0
  #slowestMs = 0
  #collect: () => void

  private constructor(
    options: FuzzOptions,
    parts: { proxy: RunningProxy; clock: VirtualClock; log: string[]; port: number; ws: number; folder: string },
    sender: UdpSocket,
    next: UdpSocket,
  ) {
    this.#options = options
    this.#random = randomFrom(options.seed)
    this.#proxy = parts.proxy
    this.#clock = parts.clock
    this.#log = parts.log
    this.#port = parts.port
    this.#webSocket = new WsSender(parts.ws, this.#random)
    this.#folder = parts.folder
    this.#sender = sender
    this.#next = next
    setFlagsFromString('--expose-gc')
    this.#collect = runInNewContext('gc')
    sender.on('message', bytes => {
      if (bytes.includes('fuzz-probe-')) this.#answered += 1
    })
    next.on('message', bytes => this.#reply(bytes))
  }

  static async start(options: FuzzOptions): Promise<FuzzRun> {
    const [port, ws] = [await freePort(), await freePort()]
    const [sender, next] = [await bound(), await bound()]
    const folder = mkdtempSync(join(tmpdir(), 'fanfare-fuzz-'))
    const file = join(folder, 'fuzz.cfg')
    const names = { '@SIP@': port, '@WS@': ws, '@NEXT@': next.address().port }
    const script = Object.entries(names).reduce(
      (text, [name, value]) => text.replaceAll(name, String(value)),
      FULL_SCRIPT,
    )
    writeFileSync(file, script)
    const log: string[] = []
    const clock = new VirtualClock()
    const { proxy, text } = await startFile({ file, clock, write: line => void log.push(line) })
    if (proxy === null) throw new Error(`the proxy did not start:\n${text}${log.join('')}`)
    return new FuzzRun(options, { proxy, clock, log, port, ws, folder }, sender, next)
  }

  get result(): FuzzResult {
    return {
      rounds: this.#rounds,
      relayed: this.#relayed,
      heapBytes: this.#heap,
      slowestMs: this.#slowestMs,
      findings: this.#findings,
    }
  }

  async go(): Promise<void> {
    for (let batches = 0; this.#findings.length === 0 && this.#options.goesOn(this.#rounds); batches++) {
      const from = performance.now()
      for (let i = 0; i < BATCH; i++) await this.#send()
      await this.#probe(batches)
      const tookMs = performance.now() - from
      this.#slowestMs = Math.max(this.#slowestMs, tookMs)
      if (tookMs > this.#options.hangMs) this.#found('hang', `a batch took ${Math.round(tookMs)} ms`)
      this.#readLog()
      if (batches % this.#options.batchesALook === this.#options.batchesALook - 1) await this.#look()
    }
    if (this.#findings.length === 0) await this.#look()
  }

  async stop(): Promise<void> {
    this.#stream?.destroy()
    this.#webSocket.close()
    await this.#proxy.stop(AbortSignal.abort())
    await Promise.all(
      [this.#sender, this.#next].map(socket => new Promise<void>(done => void socket.close(() => done()))),
    )
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #send(): Promise<void> {
    this.#rounds += 1
    const original = CORPUS[this.#random(CORPUS.length)] ?? Buffer.alloc(0)
    // Each with a branch of its own, or all would be retransmissions.
    const text = original.toString('latin1').replace(/z9hG4bK/g, `$&${this.#rounds}x`)
    const bytes = mutate(Buffer.from(text, 'latin1'), this.#random)
    this.#batch.push(bytes)
    this.#sender.send(bytes, this.#port, '127.0.0.1')
    if (this.#random(4) === 0) this.#overTcp(bytes)
    if (this.#random(6) === 0) this.#webSocket.send(bytes)
    await turn()
  }

  #overTcp(bytes: Buffer): void {
    if (this.#streamIsClosed) {
      const stream = connect(this.#port, '127.0.0.1')
      stream.on('error', () => {})
      stream.on('data', () => {})
      stream.on('close', () => {
        if (this.#stream === stream) this.#streamIsClosed = true
      })
      this.#stream = stream
      this.#streamIsClosed = false
    }
    this.#stream?.write(bytes)
  }

  #reply(bytes: Buffer): void {
    const request = SipMessage.parse(bytes)
    this.#relayed += 1
    if (request === null || !request.isRequest || request.method === 'ACK') return
    const status = STATUSES[this.#random(STATUSES.length)] ?? 200
    const reply = Buffer.from(replyTo(request, status, 'Any'), 'latin1')
    this.#next.send(this.#random(3) === 0 ? mutate(reply, this.#random) : reply, this.#port, '127.0.0.1')
  }

  /** A request that must be answered: the proxy is then through with everything that was sent before. */
  async #probe(number: number): Promise<void> {
    const wanted = this.#answered + 1
    const until = performance.now() + PATIENCE_MS
    for (let tries = 0; this.#answered < wanted; tries++) {
      if (performance.now() > until) {
        this.#found('hang', 'no answer any more')
        return
      }
      if (tries % 5000 === 0)
        this.#sender.send(
          `OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${this.#sender.address().port};branch=z9hG4bKp${number}\r\n` +
            `Max-Forwards: 70\r\nFrom: <sip:probe@localhost>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: fuzz-probe-${number}\r\n` +
            'CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n',
          this.#port,
          '127.0.0.1',
        )
      await turn()
    }
  }

  #readLog(): void {
    const bad = this.#log.filter(line => /\b(ERROR|CRITICAL|ALERT)\b/.test(line) && !line.includes('secret seen'))
    this.#log.length = 0
    if (bad.length > 0) this.#found('error', bad.slice(0, 3).join(''))
  }

  /** Lets everything expire and looks at what is left. */
  async #look(): Promise<void> {
    this.#stream?.destroy()
    this.#webSocket.close()
    let left: number | undefined
    // What was still on its way over TCP begins something new after time was moved on: that, too, has to end.
    for (let times = 0; times < 5 && left !== 0; times++) {
      for (let i = 0; i < 100; i++) await turn()
      await this.#clock.advance(EXPIRY_MS)
      // Dialogs last longer than anything else.
      await this.#clock.advance(13 * 3_600_000)
      left = this.#proxy.host.stats.find('inuse_transactions')?.read()
    }
    if (left !== 0) this.#found('leftovers', `${left} transactions`)
    this.#batch = []
    this.#collect()
    const { heapUsed } = process.memoryUsage()
    this.#heap.push(heapUsed)
    const base = this.#heap[Math.min(1, this.#heap.length - 1)] ?? heapUsed
    if (heapUsed - base > this.#options.growthBytes)
      this.#found('growth', `from ${base} to ${heapUsed} bytes of heap after ${this.#rounds} messages`)
  }

  #found(what: FuzzFinding['what'], detail: string): void {
    this.#findings.push({ what, detail, messages: this.#batch })
  }
}

async function bound(): Promise<UdpSocket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 })
  await new Promise<void>(resolve => void socket.bind(0, '127.0.0.1', resolve))
  return socket
}
