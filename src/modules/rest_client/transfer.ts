import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Got, OptionsInit, PlainResponse, Request } from 'got'
import type { Clock, Timer } from '../../util/clock.ts'
import { failure, failureOf, type HttpFailure, type HttpOutcome, RestCode, systemCode } from './http-reply.ts'

export interface TransferLimits {
  /** Longest wait for the connection, TLS included; 0: none. */
  readonly connectMs: number
  /** Most bytes of a reply; 0: any number. */
  readonly maxBytes: number
}

interface TransferParts {
  readonly got: Got
  readonly clock: Clock
  readonly url: URL
  readonly options: OptionsInit
  readonly limits: TransferLimits
  /** Called once, when there is a connection or none will come. */
  readonly onConnected: () => void
  /** Called once. */
  readonly onOutcome: (outcome: HttpOutcome) => void
}

/** One request on its way to a web server, and the reply on its way back. */
export class Transfer {
  readonly #parts: TransferParts
  #stream: Request | null = null
  #connecting: Timer | null = null
  #isConnected = false
  #isOver = false
  /** The request went over a connection that had served others, and nothing came back on it yet. */
  #mayBeStale = false
  #wasRepeated = false
  #response: PlainResponse | null = null
  #sizeBytes = 0
  #chunks: Buffer[] = []

  constructor(parts: TransferParts) {
    this.#parts = parts
  }

  get isConnecting(): boolean {
    return !this.#isConnected
  }

  start(): void {
    const { clock, limits } = this.#parts
    if (limits.connectMs > 0)
      this.#connecting = clock.after(limits.connectMs, () =>
        this.end(failure(RestCode.connectTimeout, `no connection within ${limits.connectMs} ms`)),
      )
    this.#send()
  }

  /** Ends it with this outcome, unless it has ended. */
  end(outcome: HttpOutcome): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#connected()
    this.#stream?.destroy()
    this.#chunks = []
    this.#parts.onOutcome(outcome)
  }

  #send(): void {
    const { got, url, options } = this.#parts
    try {
      const stream = got.stream(url, options)
      this.#stream = stream
      stream.on('request', (request: ClientRequest) => this.#watch(request))
      stream.on('response', (response: PlainResponse) => {
        this.#mayBeStale = false
        this.#response = response
        this.#connected()
      })
      stream.on('data', (chunk: Buffer) => this.#take(chunk))
      stream.on('end', () => this.#complete())
      stream.on('error', (error: Error) => this.#fail(error))
      stream.on('close', () => this.end(failure(RestCode.failed, 'the connection ended before the reply')))
    } catch (error) {
      this.end(failure(RestCode.failed, error instanceof Error ? error.message : String(error)))
    }
  }

  #watch(request: ClientRequest): void {
    request.once('socket', (socket: Socket) => {
      this.#mayBeStale = request.reusedSocket
      const isSecure = 'encrypted' in socket
      if (request.reusedSocket || (!socket.connecting && !isSecure)) this.#connected()
      else socket.once(isSecure ? 'secureConnect' : 'connect', () => this.#connected())
    })
  }

  #connected(): void {
    if (this.#isConnected) return
    this.#isConnected = true
    this.#connecting?.clear()
    this.#parts.onConnected()
  }

  #take(chunk: Buffer): void {
    if (this.#isOver) return
    const { maxBytes } = this.#parts.limits
    this.#sizeBytes += chunk.length
    if (maxBytes > 0 && this.#sizeBytes > maxBytes)
      this.end(failure(RestCode.failed, `the reply has more than ${maxBytes} bytes (max_transfer_size)`))
    else this.#chunks.push(chunk)
  }

  #complete(): void {
    const response = this.#response
    if (response === null) return
    const contentType = response.headers['content-type'] ?? null
    const body = Buffer.concat(this.#chunks).toString('utf8')
    this.end({ code: RestCode.done, status: response.statusCode, contentType, body })
  }

  /** A server may close a kept connection in the very moment in which it is used again: then it has seen nothing. */
  #fail(error: Error): void {
    if (this.#isOver) return
    if (this.#mayBeStale && !this.#wasRepeated && STALE.has(systemCode(error))) {
      this.#wasRepeated = true
      this.#stream?.removeAllListeners('close')
      this.#send()
      return
    }
    this.end(this.#isConnected ? asTransferFailure(error) : failureOf(error))
  }
}

const STALE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

const asTransferFailure = (error: Error): HttpFailure => failure(RestCode.failed, error.message)
