import { Socket } from 'node:net'
import type { Clock } from '../../util/clock.ts'
import { ConnectionLost } from './connection.ts'

export interface SocketOptions {
  readonly clock: Clock
  /** Longest silence of the server that is waited for. */
  readonly timeoutMs: number
}

/**
 * The socket that a client library talks to its server through. It ends when the server is silent for too long while something
 * is asked of it, and when the library throws at what the server sent.
 */
export class ServerSocket extends Socket {
  readonly #options: SocketOptions
  #heardMs = 0
  #reason = 'the server has closed the connection'

  constructor(options: SocketOptions) {
    super()
    this.#options = options
  }

  /** Gives what `start` is answered. Rejects with what it is refused with, or with ConnectionLost once the socket has closed. */
  ask<T>(start: (resolve: (value: T) => void, reject: (reason: Error) => void) => void): Promise<T> {
    const { clock } = this.#options
    return new Promise<T>((resolve, reject) => {
      if (this.destroyed) return void reject(new ConnectionLost(this.#reason))
      this.#heardMs = clock.monotonicMs()
      let timer = clock.after(this.#leftMs(), () => look())
      const look = (): void => {
        if (this.#leftMs() > 0) timer = clock.after(this.#leftMs(), look)
        else this.destroy(new Error(`no answer within ${this.#options.timeoutMs} ms`))
      }
      const closed = (): void => settle(() => reject(new ConnectionLost(this.#reason)))
      const settle = (how: () => void): void => {
        timer.clear()
        this.off('close', closed)
        how()
      }
      this.once('close', closed)
      start(
        value => settle(() => resolve(value)),
        reason => settle(() => reject(reason)),
      )
    })
  }

  override emit(name: string | symbol, ...values: unknown[]): boolean {
    if (name === 'data') this.#heardMs = this.#options.clock.monotonicMs()
    if (name === 'error' && values[0] instanceof Error) this.#reason = values[0].message || this.#reason
    try {
      return super.emit(name as string, ...(values as []))
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)))
      return true
    }
  }

  #leftMs(): number {
    return this.#heardMs + this.#options.timeoutMs - this.#options.clock.monotonicMs()
  }
}
