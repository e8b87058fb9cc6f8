import type { Clock } from '../util/clock.ts'

/** After a line was written, those that say the same are held back for so long. */
export const REPEAT_MS = 10_000
/** Most different lines that are told apart; what is beyond them shares one place. */
const MOST_KEYS = 1000

interface Said {
  untilMs: number
  /** How many lines were held back since. */
  held: number
  /** Writes the latest of them. */
  write: (again: number) => void
}

/**
 * Lines that may come with every message. The first is written at once; of those that say the same within ten seconds the
 * latest is written when these are over, and told for how many it stands.
 */
export class Repeats {
  readonly #clock: Clock
  readonly #said = new Map<string, Said>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `write` is called now with 0, or later with the number of lines it stands for, or not at all if another takes its place. */
  say(key: string, write: (again: number) => void): void {
    const nowMs = this.#clock.monotonicMs()
    const said = this.#said.get(key)
    if (said !== undefined && nowMs < said.untilMs) this.#hold(said, write, nowMs)
    else if (said === undefined && this.#isFull(nowMs) && key !== '') this.say('', write)
    else {
      this.#said.set(key, { untilMs: nowMs + REPEAT_MS, held: 0, write })
      write(0)
    }
  }

  /** Writes what is held back. */
  flush(): void {
    for (const said of this.#said.values()) this.#release(said)
  }

  #hold(said: Said, write: Said['write'], nowMs: number): void {
    said.write = write
    if (said.held++ > 0) return
    this.#clock.after(said.untilMs - nowMs, () => {
      said.untilMs = this.#clock.monotonicMs() + REPEAT_MS
      this.#release(said)
    })
  }

  #release(said: Said): void {
    const { held } = said
    said.held = 0
    if (held > 0) said.write(held)
  }

  #isFull(nowMs: number): boolean {
    if (this.#said.size < MOST_KEYS) return false
    for (const [key, { untilMs, held }] of this.#said) if (untilMs <= nowMs && held === 0) this.#said.delete(key)
    return this.#said.size >= MOST_KEYS
  }
}
