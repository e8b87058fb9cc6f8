import type { Clock, Timer } from '../util/clock.ts'
import type { SendResult } from './cluster.ts'

interface CatchUpParts {
  readonly clock: Clock
  /** What has changed since a time, milliseconds since 1970. */
  readonly changedSince: (sinceMs: number) => Iterator<unknown>
  readonly send: (node: number, body: unknown) => SendResult
}

/** Messages sent to a node before other work gets its turn. */
const SLICE = 500

/** Tells nodes that were lost and have come back what they have missed. */
export class CatchUp {
  readonly #parts: CatchUpParts
  /** When nodes were lost, milliseconds since 1970. */
  readonly #lostMs = new Map<number, number>()
  readonly #timers = new Set<Timer>()

  constructor(parts: CatchUpParts) {
    this.#parts = parts
  }

  nodeChanged(node: number, isUp: boolean): void {
    const { changedSince, clock } = this.#parts
    if (!isUp) {
      this.#lostMs.set(node, clock.nowMs())
      return
    }
    const sinceMs = this.#lostMs.get(node)
    if (sinceMs === undefined) return
    this.#lostMs.delete(node)
    this.#continue(node, changedSince(sinceMs))
  }

  stop(): void {
    for (const timer of this.#timers) timer.clear()
  }

  #continue(node: number, rest: Iterator<unknown>): void {
    const { clock, send } = this.#parts
    for (let count = 0; count < SLICE; count++) {
      const next = rest.next()
      if (next.done === true || send(node, next.value) !== 'sent') return
    }
    const timer = clock.after(0, () => {
      this.#timers.delete(timer)
      this.#continue(node, rest)
    })
    this.#timers.add(timer)
  }
}
