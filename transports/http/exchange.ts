import type { Dispatcher } from 'undici'
import type { Clock, Timer } from '../../src/util/clock.ts'

/** The rest of an answer is of no interest: more than this of it, or a longer wait for it, costs its connection. */
const DRAIN = { bytes: 65_536, ms: 1000 } as const

/** What came of a request: an answer, or why there is none. */
export type Result =
  | { readonly status: number; readonly retryAfter: string | undefined }
  | { readonly status: 0; readonly error: Error; readonly isSent: boolean; readonly isTimeout: boolean }

/** One request on its way. Settles by `dueMs` of the monotonic clock, whatever the peer does. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #clock: Clock
  readonly #settle: (result: Result) => void
  #timer: Timer
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #retryAfter: string | undefined
  #bytes = 0
  #isSettled = false
  readonly #dueMs: number

  constructor(clock: Clock, dueMs: number, settle: (result: Result) => void) {
    this.#clock = clock
    this.#dueMs = dueMs
    this.#settle = settle
    this.#timer = this.#after(dueMs - clock.monotonicMs())
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isSettled) controller.abort(new Error('out of time before it was sent'))
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    const { 'retry-after': retryAfter } = headers
    this.#status = status
    this.#retryAfter = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter
    this.#timer.clear()
    this.#timer = this.#after(Math.min(DRAIN.ms, this.#dueMs - this.#clock.monotonicMs()))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes <= DRAIN.bytes) return
    this.#answered()
    controller.abort(new Error('too long an answer'))
  }

  onResponseEnd(): void {
    this.#answered()
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#status > 0) this.#answered()
    else this.#end({ status: 0, error, isSent: this.#controller !== undefined, isTimeout: false })
  }

  #after(delayMs: number): Timer {
    return this.#clock.after(Math.max(0, delayMs), () => this.#timeOut())
  }

  #timeOut(): void {
    const error = new Error('out of time')
    if (this.#status > 0) this.#answered()
    else this.#end({ status: 0, error, isSent: this.#controller !== undefined, isTimeout: true })
    this.#controller?.abort(error)
  }

  #answered(): void {
    this.#end({ status: this.#status, retryAfter: this.#retryAfter })
  }

  #end(result: Result): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#timer.clear()
    this.#settle(result)
  }
}
