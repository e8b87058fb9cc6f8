import type { Delivery, DeliveryError, Health, Link, Outcomes, Sink, WireEvent } from '../../src/events/transport.ts'
import type { FlatFile } from './flat-file.ts'

/** Writes a socket's events into a file that other sockets may write to as well. */
export class FlatstoreLink implements Link {
  readonly maxBatch = 4096
  readonly maxInFlight = 1
  readonly #file: FlatFile
  #onLost: ((error: DeliveryError) => void) | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(file: FlatFile) {
    this.#file = file
  }

  async connect(_signal: AbortSignal, onLost: (error: DeliveryError) => void): Promise<void> {
    this.#onLost = onLost
    await this.#file.connect(onLost)
  }

  write(batch: readonly WireEvent[], deadlineMs: number): Promise<Outcomes> {
    const done = this.#file.append(batch, deadlineMs)
    this.#running = done
    return done
  }

  async close(): Promise<void> {
    if (this.#onLost !== undefined) this.#file.disconnect(this.#onLost)
    await this.#running
  }
}

/** A sink that gives its file back once it is closed for good; a link is closed at every loss. */
export class FlatstoreSink implements Sink {
  readonly #sink: Sink
  readonly #release: () => Promise<void>
  readonly sendAll?: (events: readonly WireEvent[], deadlineMs: number) => Outcomes | Promise<Outcomes>
  #closing: Promise<void> | undefined

  constructor(sink: Sink, release: () => Promise<void>) {
    this.#sink = sink
    this.#release = release
    if (sink.sendAll !== undefined) this.sendAll = sink.sendAll
  }

  get health(): Health {
    return this.#sink.health
  }

  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    return this.#sink.send(event, deadlineMs)
  }

  flush(signal: AbortSignal): Promise<void> {
    return this.#sink.flush(signal)
  }

  close(signal: AbortSignal): Promise<void> {
    this.#closing ??= this.#close(signal)
    return this.#closing
  }

  async #close(signal: AbortSignal): Promise<void> {
    await this.#sink.close(signal)
    const released = this.#release()
    if (signal.aborted) return
    // A file that hangs must not hold up the close.
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    const onAbort = () => resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    await Promise.race([released, aborted])
    signal.removeEventListener('abort', onAbort)
  }

  onHealth(listener: () => void): void {
    this.#sink.onHealth(listener)
  }
}
