import { setImmediate as turn } from 'node:timers/promises'
import type { Condition, RowOf, TableSpec } from '../../db/schema.ts'
import type { Table } from '../../db/table.ts'
import type { Log } from '../../log/log.ts'

/** What a row is to be. Null: it is to go. */
interface Change<S extends TableSpec> {
  readonly where: readonly Condition<keyof S['columns'] & string>[]
  readonly row: (() => Readonly<Partial<RowOf<S>>>) | null
}

/** Changes that wait for the database; beyond, what was to be deleted is left to the clean-up. */
const MOST_PENDING = 200_000
/** Rows written before other work gets its turn. */
const SLICE = 10

/**
 * Writes rows that have changed, each once however often it changed meanwhile, between messages. What the database does not
 * take waits for the next time.
 */
export class RowKeeper<S extends TableSpec> {
  readonly #table: Table<S>
  readonly #log: Log
  readonly #changes = new Map<string, Change<S>>()
  #work: Promise<void> = Promise.resolve()
  #isDue = false

  constructor(table: Table<S>, log: Log) {
    this.#table = table
    this.#log = log
  }

  /** `id` tells rows apart here. `row` is asked when the row is written. */
  keep(id: string, where: Change<S>['where'], row: Change<S>['row']): void {
    if (this.#changes.size < MOST_PENDING || this.#changes.has(id)) this.#changes.set(id, { where, row })
  }

  /** Writes what has changed, once the work at hand is done. */
  flushSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    void this.flush()
  }

  /** Ends when everything that has changed up to now was written, or could not be. Never rejects. */
  flush(): Promise<void> {
    this.#work = this.#work.then(() => this.#write())
    return this.#work
  }

  async #write(): Promise<void> {
    await turn()
    this.#isDue = false
    const batch = [...this.#changes]
    this.#changes.clear()
    let failed = 0
    let reason = ''
    for (const [i, [id, change]] of batch.entries()) {
      try {
        if (change.row === null) await this.#table.delete(change.where)
        else await this.#table.replace(change.row(), change.where)
      } catch (error) {
        failed++
        reason = String(error)
        if (!this.#changes.has(id)) this.#changes.set(id, change)
      }
      if (i % SLICE === SLICE - 1) await turn()
    }
    if (failed > 0)
      this.#log.error('rows were not written to the database; they wait for the next time', {
        table: this.#table.name,
        rows: failed,
        reason,
      })
  }
}
