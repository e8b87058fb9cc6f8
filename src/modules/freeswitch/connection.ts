import { connect, type Socket } from 'node:net'
import type { Clock, Timer } from '../../util/clock.ts'
import { type Frame, FrameReader } from './frame-reader.ts'

/** What a connection needs to know and whom it tells. */
export interface ConnectionParts {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly clock: Clock
  /** From the first packet to the end of authentication. */
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** Authenticated: commands are taken from now on. */
  onReady(peerAddress: string): void
  onEvent(frame: Frame): void
  /** Once, whatever ends it but `close`. */
  onEnd(reason: string): void
}

interface PendingCommand {
  readonly settle: (answer: string | null) => void
}

/** Commands that may wait for their answers; a script that asks for more is told no. */
const MOST_PENDING = 1000
/** A server that has owed an answer for so many time limits answers nothing any more. */
const DEAD_AFTER_TIMEOUTS = 6

/**
 * One connection to the event socket of a FreeSWITCH server, from connecting to its end. Answers come in the order of the
 * commands, so one that comes late is still taken for the command it belongs to.
 */
export class EslConnection {
  readonly #parts: ConnectionParts
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  readonly #pending: PendingCommand[] = []
  readonly #limit: Timer
  #state: 'connecting' | 'authenticating' | 'ready' | 'ended' = 'connecting'

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    this.#socket = connect({ host: parts.host, port: parts.port, noDelay: true })
    this.#limit = parts.clock.after(parts.connectTimeoutMs, () => this.#end('it did not let us in in time'))
    this.#socket.on('error', error => this.#end(error.message))
    this.#socket.on('close', () => this.#end('the server closed the connection'))
    this.#socket.on('data', (bytes: Buffer) => this.#take(bytes))
  }

  get isReady(): boolean {
    return this.#state === 'ready'
  }

  /** The answer to a command, without line ends behind it; null when none came in time. Never rejects. */
  ask(command: string): Promise<string | null> {
    if (!this.isReady || this.#pending.length >= MOST_PENDING) return Promise.resolve(null)
    const { clock, commandTimeoutMs } = this.#parts
    return new Promise(resolve => {
      let timer = clock.after(commandTimeoutMs, () => {
        resolve(null)
        timer = clock.after(commandTimeoutMs * (DEAD_AFTER_TIMEOUTS - 1), () => this.#end('it answers no commands'))
      })
      this.#pending.push({
        settle: answer => {
          timer.clear()
          resolve(answer)
        },
      })
      this.#socket.write(`${command}\n\n`)
    })
  }

  /** Ends it without telling `onEnd`. Idempotent. */
  close(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#limit.clear()
    this.#socket.destroy()
    for (const { settle } of this.#pending.splice(0)) settle(null)
  }

  #end(reason: string): void {
    if (this.#state === 'ended') return
    this.close()
    this.#parts.onEnd(reason)
  }

  #take(bytes: Buffer): void {
    try {
      for (const frame of this.#reader.push(bytes)) if (this.#state !== 'ended') this.#handle(frame)
    } catch (error) {
      this.#end(`it sent what is no event socket: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #handle({ headers, body }: Frame): void {
    switch (headers.get('content-type')) {
      case 'auth/request':
        this.#authenticate()
        break
      case 'command/reply':
        this.#answer(headers.get('reply-text') ?? '')
        break
      case 'api/response':
        this.#answer(body)
        break
      case 'text/event-json':
      case 'text/event-plain':
        this.#parts.onEvent({ headers, body })
        break
      case 'text/rude-rejection':
        this.#end('it refuses connections from here')
        break
      case undefined:
        this.#end('it sent a frame without Content-Type')
    }
  }

  #authenticate(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'authenticating'
    const { user, password } = this.#parts
    this.#socket.write(user === '' ? `auth ${password}\n\n` : `userauth ${user}:${password}\n\n`)
  }

  #answer(text: string): void {
    if (this.#state === 'ready') this.#pending.shift()?.settle(text.trimEnd())
    else if (this.#state === 'authenticating') this.#admit(text)
  }

  #admit(text: string): void {
    if (!text.startsWith('+OK')) {
      this.#end(`it refuses the password: ${text.slice(0, 80)}`)
      return
    }
    this.#limit.clear()
    this.#state = 'ready'
    this.#parts.onReady(this.#socket.remoteAddress ?? this.#parts.host)
  }
}
