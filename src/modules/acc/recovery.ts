import { writeCall } from './calls.ts'
import type { AccContext } from './context.ts'
import type { CallJournal } from './journal.ts'
import type { OpenCall } from './journal-lines.ts'
import type { AccServices } from './services.ts'

/** Brings back the calls of a process before this one: those that go on, and records that were not written. */
export class Recovery {
  readonly #services: AccServices
  readonly #journal: CallJournal
  #found: readonly OpenCall[] = []
  #ended: { readonly context: AccContext; readonly endedMs: number }[] = []

  constructor(services: AccServices, journal: CallJournal) {
    this.#services = services
    this.#journal = journal
  }

  /** Reads the journal. Rejects with an Error that says why it cannot be taken over. */
  async read(): Promise<void> {
    try {
      this.#found = await this.#journal.recover()
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`the journal of running calls cannot be taken over: ${reason}`, { cause })
    }
  }

  /** Lets the calls go on, once the sockets they use are open. Gives how many were found. */
  resume(): number {
    const { calls, log, running } = this.#services
    let unknown = 0
    for (const found of this.#found) {
      const restored = running.restore(found)
      if (restored === null) unknown++
      else if (restored.dialog === null) this.#ended.push({ context: restored.context, endedMs: found.endedMs })
      else calls.set(restored.dialog, restored.context)
    }
    const count = this.#found.length - unknown
    if (count > 0) log.notice('calls of a process before this one were taken over', { calls: count })
    if (unknown > 0)
      log.error('calls stay in the journal: without the module dialog they cannot be followed', { calls: unknown })
    this.#found = []
    return count
  }

  /** Writes the records of calls that had ended, once those who subscribe to them have. */
  writeEnded(): void {
    for (const ended of this.#ended.splice(0)) writeCall(this.#services, ended)
  }
}
