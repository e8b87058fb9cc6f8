import type { Clock } from '../../util/clock.ts'
import { MiError } from '../mi-error.ts'
import type { HttpAnswer, HttpRequest, HttpStream, HttpWriter } from './http.ts'

/**
 * Starts what a stream shows, as its query says: each item is given to `send`, which makes JSON of it. Returns how to stop.
 * Throws MiError when the query is no good.
 */
export type StreamSource = (query: URLSearchParams, send: (item: unknown) => void) => () => void

/** A watcher that takes no more than this is left out until it has caught up. */
const MAX_BACKLOG_BYTES = 1 << 20
/** Streams open at one time; further ones are answered 503. */
const MAX_STREAMS = 64
/** Comments keep proxies from closing a quiet stream, and show that the client is still there. */
const HEARTBEAT_MS = 15_000

/**
 * Live items as server-sent events (HTML Living Standard §9.2), one `data:` line of JSON each. A client too slow for them
 * misses some and is told how many in an event of type `missed`.
 */
export class LiveStreams {
  readonly #source: StreamSource
  readonly #clock: Clock
  readonly #open = new Set<HttpWriter>()

  constructor(source: StreamSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  answer({ method, query }: HttpRequest): HttpAnswer | HttpStream {
    if (method !== 'GET') return { status: 405, contentType: 'text/plain', body: '', close: true }
    if (this.#open.size >= MAX_STREAMS) return { status: 503, contentType: 'text/plain', body: 'too many streams' }
    const watcher = new Watcher()
    let stop: () => void
    try {
      stop = this.#source(query, item => watcher.take(item))
    } catch (error) {
      if (!(error instanceof MiError)) throw error
      const status = error.code === 404 || error.code === 503 ? error.code : 400
      return { status, contentType: 'text/plain', body: error.data ?? error.message }
    }
    return { contentType: 'text/event-stream', open: out => this.#start(watcher, out, stop) }
  }

  /** Ends every stream. */
  close(): void {
    for (const out of this.#open) out.end()
  }

  #start(watcher: Watcher, out: HttpWriter, stop: () => void): () => void {
    this.#open.add(out)
    watcher.connect(out)
    const heartbeat = this.#clock.every(HEARTBEAT_MS, () => watcher.beat())
    return () => {
      this.#open.delete(out)
      heartbeat.clear()
      stop()
    }
  }
}

class Watcher {
  #out: HttpWriter | null = null
  #missed = 0

  connect(out: HttpWriter): void {
    this.#out = out
    // Sends the headers at once: the client then knows that nothing later escapes it.
    out.write(': ready\n\n')
  }

  take(item: unknown): void {
    if (this.#out === null || this.#out.backlogBytes() > MAX_BACKLOG_BYTES) {
      this.#missed++
      return
    }
    this.#tellMissed()
    this.#out.write(`data: ${JSON.stringify(item)}\n\n`)
  }

  beat(): void {
    if (this.#out === null || this.#out.backlogBytes() > MAX_BACKLOG_BYTES) return
    this.#tellMissed()
    this.#out.write(': still here\n\n')
  }

  #tellMissed(): void {
    if (this.#missed === 0) return
    this.#out?.write(`event: missed\ndata: ${this.#missed}\n\n`)
    this.#missed = 0
  }
}
