import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../log/log.ts'
import type { Clock } from '../../util/clock.ts'
import type { SubscribeRequest } from '../subscribe-request.ts'
import type { Subscription } from '../subscription.ts'
import type { SubscriptionListener } from '../subscription-book.ts'
import { checkedJson, readCheckedJson } from './checked-json.ts'

const FILE = 'subscriptions.json'
/** After the file could not be written it is tried again so much later. */
const RETRY_MS = 5000

type Wish = Pick<SubscribeRequest, 'event' | 'socket' | 'filter' | 'format' | 'options'>

/** A subscription as it stands in the file: what was asked for, secrets included, and when it ends. */
interface Stored extends Wish {
  /** Seconds; null for ever. */
  readonly expireS: number | null
  /** Wall clock; null for never. */
  readonly endsAtMs: number | null
}

/**
 * The durable subscriptions that management has made, in a file beside the events that wait for them: the next run makes them
 * again, each with what is left of its lifetime. Those of scripts are made by the script.
 */
export class KeptSubscriptions implements SubscriptionListener {
  readonly #folder: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #kept = new Map<Subscription, Wish>()
  /** Of earlier runs, not made in this one: their module is not loaded, or is not yet. */
  #waiting: readonly Stored[] = []
  #isStale = false
  #writing: Promise<void> | undefined

  /** `folder`: that of the spool. */
  constructor(folder: string, clock: Clock, log: Log) {
    this.#folder = folder
    this.#clock = clock
    this.#log = log
  }

  /** Reads what an earlier run left. A file that is damaged is put aside and reported. */
  async load(): Promise<void> {
    const path = join(this.#folder, FILE)
    let bytes: Buffer
    try {
      bytes = await readFile(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#cannot('read', error)
      return
    }
    const stored = readCheckedJson(bytes) as readonly Stored[] | undefined
    if (stored !== undefined) this.#waiting = stored
    else {
      this.#log.error('the file of kept subscriptions is damaged and was put aside', { file: `${path}.bad` })
      await rename(path, `${path}.bad`).catch(error => this.#cannot('rename', error))
    }
  }

  /** Makes the subscriptions of earlier runs again. One whose time is over is made too, and ends with what it still can send. */
  restore(subscribe: (request: SubscribeRequest) => unknown): void {
    const nowMs = this.#clock.nowMs()
    const failed: Stored[] = []
    for (const one of this.#waiting) {
      const { endsAtMs, ...request } = one
      try {
        const leftMs = endsAtMs === null ? undefined : Math.max(0, endsAtMs - nowMs)
        subscribe({ ...request, leftMs, by: 'mi' })
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        // It may hold a password: the socket is not shown.
        this.#log.error('a subscription that management made cannot be made again', { event: one.event, reason })
        if (endsAtMs === null || endsAtMs > nowMs) failed.push(one)
      }
    }
    this.#waiting = failed
  }

  subscribed(subscription: Subscription, request: SubscribeRequest, isNew: boolean): void {
    if (isNew && request.by === 'mi' && subscription.options.policy.durable === true) this.#keep(subscription, request)
    else if (this.#kept.has(subscription)) this.#save()
  }

  ended(subscription: Subscription): void {
    if (this.#kept.delete(subscription)) this.#save()
  }

  /** Resolves once what is known now is on disk, or the disk has refused it. */
  async written(): Promise<void> {
    await this.#writing
  }

  #keep(subscription: Subscription, { event, socket, filter, format, options }: Wish): void {
    this.#kept.set(subscription, { event, socket, filter, format, options })
    this.#save()
  }

  #save(): void {
    this.#isStale = true
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  async #write(): Promise<void> {
    // What changes in this turn is written together.
    await Promise.resolve()
    try {
      while (this.#isStale) {
        this.#isStale = false
        await storeWhole(this.#folder, checkedJson([...this.#waiting, ...[...this.#kept].map(this.#stored)]))
      }
    } catch (error) {
      this.#cannot('write', error)
      this.#clock.after(RETRY_MS, () => this.#save())
    }
  }

  readonly #stored = ([subscription, wish]: [Subscription, Wish]): Stored => {
    const { expireS, expiresMs } = subscription
    const leftMs = expiresMs - this.#clock.monotonicMs()
    return { ...wish, expireS, endsAtMs: expireS === null ? null : Math.ceil(this.#clock.nowMs() + leftMs) }
  }

  #cannot(what: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.#log.error(`cannot ${what} the file of kept subscriptions`, { folder: this.#folder, reason })
  }
}

/** Puts the file into place as a whole, once it is on the disk. Only the owner may read it: sockets hold passwords. */
async function storeWhole(folder: string, bytes: Buffer): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o750 })
  const path = join(folder, FILE)
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
