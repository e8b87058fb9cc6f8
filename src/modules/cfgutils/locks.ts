import type { Log } from '../../log/log.ts'
import { messageSlot, type RouteContext, type Verdict } from '../../script/context.ts'

interface Lock {
  holder: RouteContext
  readonly waiting: { readonly m: RouteContext; readonly enter: () => void }[]
}

/** What each message holds. */
const held = messageSlot<Set<string>>()

/** Locks by name, for scripts that wait inside of what must not be done twice at a time. A lock exists while it is held. */
export class Locks {
  readonly #locks = new Map<string, Lock>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Takes a lock, at once or when its turn comes: 1. −1 where the message has it already, which would wait for itself. */
  get(m: RouteContext, key: string): Verdict | Promise<Verdict> {
    const lock = this.#locks.get(key)
    if (lock === undefined) {
      this.#locks.set(key, { holder: m, waiting: [] })
      note(m, key)
      return 1
    }
    if (lock.holder === m) {
      this.#log.error('the message holds this lock already', { lock: key })
      return -1
    }
    return new Promise(resolve => lock.waiting.push({ m, enter: () => resolve(1) }))
  }

  /** Gives a lock up, whoever took it: 1, or −1 where nobody has it. */
  release(key: string): Verdict {
    const lock = this.#locks.get(key)
    if (lock === undefined) {
      this.#log.warn('a lock is released that nobody holds', { lock: key })
      return -1
    }
    held.get(lock.holder)?.delete(key)
    const next = lock.waiting.shift()
    if (next === undefined) this.#locks.delete(key)
    else {
      lock.holder = next.m
      note(next.m, key)
      next.enter()
    }
    return 1
  }

  /** Gives up what a message still holds when its script has ended. */
  releaseAll(m: RouteContext): void {
    for (const key of held.get(m) ?? []) {
      this.#log.error('the script ended with a lock held', { lock: key })
      this.release(key)
    }
  }
}

function note(m: RouteContext, key: string): void {
  const keys = held.get(m) ?? new Set()
  keys.add(key)
  held.set(m, keys)
}
