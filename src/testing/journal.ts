/** What a line of a trace tells of. */
export type EntryKind = 'step' | 'message' | 'event' | 'delivery' | 'log'

/** Something that happened while a test ran. */
export interface JournalEntry {
  /** Milliseconds of the test's own time since its start. */
  readonly atMs: number
  readonly kind: EntryKind
  readonly text: string
}

/** More is not kept: what a failure is explained by happened lately. */
const MOST_ENTRIES = 5_000

/** What happened in a test, in order. */
export class Journal {
  readonly #nowMs: () => number
  #entries: JournalEntry[] = []
  /** Grows with every entry. */
  count = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get entries(): readonly JournalEntry[] {
    return this.#entries
  }

  add(kind: EntryKind, text: string): void {
    this.count += 1
    this.#entries.push({ atMs: this.#nowMs(), kind, text })
    if (this.#entries.length >= 2 * MOST_ENTRIES) this.#entries = this.#entries.slice(-MOST_ENTRIES)
  }
}
