const SIGNALS = ['SIGTERM', 'SIGINT'] as const
/** What a process that a second signal has cut short exits with. */
const CUT_SHORT = 1

/**
 * Takes SIGTERM and SIGINT for as long as it is held, and keeps the process alive until then: the first one asks for an
 * orderly end, the second one ends the process where it stands.
 */
export class StopSignals {
  /** Settles with the first signal. */
  readonly first: Promise<void>
  readonly #alive = setInterval(() => {}, 2 ** 30)
  readonly #take: () => void

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.first = promise
    let count = 0
    this.#take = () => {
      if (++count > 1) process.exit(CUT_SHORT)
      resolve()
    }
    for (const signal of SIGNALS) process.on(signal, this.#take)
  }

  /** Gives the signals back their usual effect. */
  release(): void {
    clearInterval(this.#alive)
    for (const signal of SIGNALS) process.off(signal, this.#take)
  }
}
