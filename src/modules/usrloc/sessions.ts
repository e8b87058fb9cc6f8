import type { Clock } from '../../util/clock.ts'
import type { Domain, Sessions } from './domain.ts'
import type { RowWriter } from './row-writer.ts'

/** Longest wait for the database before the one who asked is told that it failed. */
const PATIENCE_MS = 5_000
/** Work that may wait for the database; more is refused at once. */
const MOST_WAITING = 10_000

/** The database did not do what work on contacts needs. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code = 'E_STORAGE'
}

/** Bounds how much work waits for the database, and for how long. */
export class Patience {
  readonly #clock: Clock
  #waiting = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Gives what `work` gives; rejects with a StorageError when that takes too long, or too much waits already. */
  wait<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MOST_WAITING) return Promise.reject(new StorageError('too much waits for the database'))
    this.#waiting++
    return new Promise<T>((resolve, reject) => {
      const timer = this.#clock.after(PATIENCE_MS, () =>
        reject(new StorageError(`the database did not answer within ${PATIENCE_MS} ms`)),
      )
      work()
        .then(resolve, reject)
        .finally(() => {
          timer.clear()
          this.#waiting--
        })
    })
  }
}

/** Contacts are in memory; whoever changes them waits until the changes are in the database too (write-through). */
export class WriteThroughSessions implements Sessions {
  readonly #writer: RowWriter
  readonly #patience: Patience

  constructor(writer: RowWriter, patience: Patience) {
    this.#writer = writer
    this.#patience = patience
  }

  run<T>(aor: string, work: () => T): T | Promise<T> {
    const before = this.#writer.changes
    const value = work()
    if (this.#writer.changes === before) return value
    return this.#patience.wait(async () => {
      const failed = await this.#writer.flush()
      if (failed.has(aor)) throw new StorageError('contacts were not written to the database')
      return value
    })
  }
}

interface TableSessionParts {
  readonly domain: Domain
  readonly writer: RowWriter
  readonly patience: Patience
  /** Takes the contacts of an AoR in from the database. Rejects with a DatabaseError. */
  readonly load: (aor: string) => Promise<void>
}

/** Contacts are in the database alone: they are in memory only while work on their AoR is done (sql-only). */
export class TableSessions implements Sessions {
  readonly #parts: TableSessionParts
  /** The last work on each AoR. */
  readonly #queues = new Map<string, Promise<unknown>>()

  constructor(parts: TableSessionParts) {
    this.#parts = parts
  }

  run<T>(aor: string, work: () => T): Promise<T> {
    return this.#parts.patience.wait(() => {
      const before = this.#queues.get(aor) ?? Promise.resolve()
      const done = before.then(() => this.#work(aor, work))
      const settled = done.then(
        () => {},
        () => {},
      )
      this.#queues.set(aor, settled)
      void settled.then(() => {
        if (this.#queues.get(aor) === settled) this.#queues.delete(aor)
      })
      return done
    })
  }

  async #work<T>(aor: string, work: () => T): Promise<T> {
    const { domain, writer, load } = this.#parts
    try {
      await load(aor)
      const before = writer.changes
      const value = work()
      const failed = writer.changes === before ? null : await writer.flush()
      if (failed?.has(aor) === true) throw new StorageError('contacts were not written to the database')
      return value
    } finally {
      domain.forget(aor)
    }
  }
}
