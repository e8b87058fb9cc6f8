import { existsSync } from 'node:fs'
import type { Log } from '../../log/log.ts'
import type { Clock } from '../../util/clock.ts'
import type { EventBus } from '../bus.ts'
import type { EventType } from '../catalogue.ts'
import type { RaisedEvent } from '../event.ts'
import type { EventStore, StoreRequest } from '../event-store.ts'
import { DeadLetterLog } from './dead-letter-log.ts'
import { DeferredStore } from './deferred-store.ts'
import { spoolFolder } from './files.ts'
import { KeptSubscriptions } from './kept-subscriptions.ts'
import { OverflowStore } from './overflow-store.ts'
import { Spool, type SpoolLimits, type SpoolListener } from './spool.ts'
import { SpoolStore } from './spool-store.ts'
import { storedEvents } from './stored-event.ts'

/** After a folder could not be opened it is tried again this often. */
const RETRY_MS = 5000

export interface EventSpoolOptions {
  /** Absolute path of the folder; null: there is no spool, and subscriptions that need one are refused. */
  readonly folder: string | null
  readonly clock: Clock
  readonly log: Log
  readonly limits: Partial<SpoolLimits>
  /** The type of an event by its name; makes one for an event that no loaded module has any more. */
  readonly typeOf: (name: string) => EventType
  readonly listener?: SpoolListener<RaisedEvent>
  /** The script names the folder: it is used for dead letters also when nothing is durable. */
  readonly isNamed?: boolean
}

/**
 * The spool of an instance. Its folder is opened when the first subscription needs it, or at the start when an earlier run
 * left one; until then, and while it cannot be opened, events wait in memory.
 */
export class EventSpool {
  readonly #options: EventSpoolOptions
  #spool: Spool<RaisedEvent> | undefined
  #opening: Promise<Spool<RaisedEvent> | undefined> | undefined
  #isClosed = false
  /** The durable subscriptions of management; null where there is no folder. */
  readonly subscriptions: KeptSubscriptions | null
  #deadLetters: DeadLetterLog | undefined
  readonly #waiting: {
    readonly deferred: DeferredStore
    readonly storeOn: (spool: Spool<RaisedEvent>) => EventStore
  }[] = []

  constructor(options: EventSpoolOptions) {
    this.#options = options
    const { folder, clock, log } = options
    this.subscriptions = folder === null ? null : new KeptSubscriptions(folder, clock, log)
  }

  /** Keeps dead letters and the durable subscriptions of management in the folder. To be called once, before `start`. */
  keepFor(bus: Pick<EventBus, 'deadLetters' | 'follow'>): void {
    const { folder, clock, log, typeOf, isNamed = false } = this.#options
    if (folder === null || this.subscriptions === null) return
    const isWanted = (): boolean => isNamed || this.#opening !== undefined
    const letters = bus.deadLetters
    this.#deadLetters = new DeadLetterLog({ folder, clock, log, letters, typeOf, isWanted })
    letters.keepIn(this.#deadLetters)
    bus.follow(this.subscriptions)
  }

  /** Absolute path of its folder; null: there is none. */
  get folder(): string | null {
    return this.#options.folder
  }

  /** Undefined until somebody needed it. */
  get spool(): Spool<RaisedEvent> | undefined {
    return this.#spool
  }

  /** Opens what an earlier run left. */
  async start(): Promise<void> {
    const { folder } = this.#options
    if (folder === null || !existsSync(folder)) return
    await this.#open()
    await this.#deadLetters?.start()
    await this.subscriptions?.load()
  }

  /** Where the events of a lane wait that is durable, or whose queue overflows to disk. */
  readonly openStore = ({ subscription, event, socket, policy }: StoreRequest): EventStore => {
    const name = `${event} ${socket} ${subscription.slice(0, 12)}`
    const storeOn = (spool: Spool<RaisedEvent>): EventStore => {
      const store = new SpoolStore(spool, name, this.#options.clock)
      return policy.durable ? store : new OverflowStore(store, policy)
    }
    if (this.#spool !== undefined) return storeOn(this.#spool)
    const deferred = new DeferredStore(policy.maxQueued)
    this.#waiting.push({ deferred, storeOn })
    void this.#open()
    return deferred
  }

  /** What waits is written; then every file is closed. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#opening
    await this.#deadLetters?.close()
    await this.subscriptions?.written()
    await this.#spool?.close()
  }

  #open(): Promise<Spool<RaisedEvent> | undefined> {
    this.#opening ??= this.#tryOpen()
    return this.#opening
  }

  async #tryOpen(): Promise<Spool<RaisedEvent> | undefined> {
    const { folder, clock, log, limits, typeOf, listener } = this.#options
    if (folder === null) return undefined
    try {
      const files = await spoolFolder(folder)
      const codec = storedEvents(typeOf)
      this.#spool = await Spool.open({
        files,
        clock,
        log,
        limits,
        codec,
        ...(listener === undefined ? {} : { listener }),
      })
      const spool = this.#spool
      DeferredStore.resolveAll(
        this.#waiting.splice(0).map(({ deferred, storeOn }) => [deferred, storeOn(spool)] as const),
      )
      return spool
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log.error('the spool cannot be opened; durable events wait in memory', { folder, reason })
      if (!this.#isClosed) {
        clock.after(RETRY_MS, () => {
          this.#opening = undefined
          void this.#open()
        })
      }
      return undefined
    }
  }
}
