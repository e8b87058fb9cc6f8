import type { EventType } from '../../events/catalogue.ts'
import type { RaisedEvent } from '../../events/event.ts'
import type { Filter } from '../../events/filter.ts'
import { type Filtered, FilterIndex } from '../../events/filter-index.ts'
import type { ModuleApis } from '../../module/define.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'
import { timerQueuesOf } from '../../util/timer-queues.ts'

/** A transaction of tm. */
export type Transaction = NonNullable<ReturnType<ModuleApis['tm']['current']>>

/** Longest wait: what the timers of the machine can count. */
const MAX_TIMEOUT_S = 2_147_483

/** Why a wait is over. */
export type End = 'matched' | 'timeout' | 'cancelled' | 'stopped'

/** What a script waits for, and who is told. */
export interface WaitRequest {
  readonly event: EventType
  /** Null: every event of the type. */
  readonly filter: Filter | null
  readonly timeoutS: number
  /** `notify` goes on until its time is over, `wait` ends with its first match. */
  readonly kind: 'notify' | 'wait'
  /** The route to run; '' for a script that stands still meanwhile. */
  readonly route: string
  /** Of the message that the script was handling. */
  readonly callId: string
  readonly transaction: Transaction | null
  /** An event matches. Called inside the raise: must be quick, and must not throw. */
  onMatch(event: RaisedEvent): void
  /** Called once, whatever ends it. Must not throw. */
  onEnd?(why: End): void
}

/** A live wait. */
export interface Wait extends Filtered, WaitRequest {
  /** 1, 2, 3 … in the order they began. */
  readonly id: number
  /** On the monotonic clock. */
  readonly dueMs: number
  /** How many events have matched. */
  readonly matches: number
  readonly isOver: boolean
  /** Calls back once, when it is over. */
  whenOver(callback: () => void): void
}

/** A wait as only this file may change it. */
interface LiveWait extends Wait {
  matches: number
  isOver: boolean
  timer: Timer | null
  followers: (() => void)[] | null
}

/**
 * All waits there are. An event finds those it matches through an index of their filters, so that what a raise costs
 * follows the matches and not the waits.
 */
export class Waits {
  readonly #clock: Clock
  readonly #byId = new Map<number, LiveWait>()
  readonly #byEvent = new Map<string, FilterIndex<LiveWait>>()
  #lastId = 0
  readonly #timedOut: Counter

  /** `timedOut` counts those that run out of time. */
  constructor(clock: Clock, timedOut: Counter) {
    this.#clock = clock
    this.#timedOut = timedOut
  }

  get size(): number {
    return this.#byId.size
  }

  /** Begins a wait. With a time of 0 s it is over in the next turn. */
  add(request: WaitRequest): Wait {
    const timeoutMs = Math.min(Math.max(0, request.timeoutS), MAX_TIMEOUT_S) * 1000
    const wait: LiveWait = {
      ...request,
      id: ++this.#lastId,
      dueMs: this.#clock.monotonicMs() + timeoutMs,
      matches: 0,
      isOver: false,
      timer: null,
      followers: null,
      whenOver: callback => void (wait.followers ??= []).push(callback),
    }
    wait.timer = timerQueuesOf(this.#clock).after(timeoutMs, () => this.end(wait, 'timeout'))
    this.#byId.set(wait.id, wait)
    this.#indexOf(request.event.name).add(wait)
    return wait
  }

  /** Tells everyone whom the event concerns, the newest first. Gives how many. */
  raised(event: RaisedEvent): number {
    const index = this.#byEvent.get(event.name)
    if (index === undefined) return 0
    const found: LiveWait[] = []
    index.collect(event.names, event.values, found)
    if (found.length > 1) found.sort((a, b) => b.id - a.id)
    const nowMs = this.#clock.monotonicMs()
    let told = 0
    for (const wait of found) {
      // The timer may be a little late.
      if (wait.isOver || nowMs > wait.dueMs) continue
      told++
      wait.matches++
      if (wait.kind === 'wait') this.end(wait, 'matched')
      wait.onMatch(event)
    }
    return told
  }

  /** Ends a wait. Gives false when it is over already. */
  end(wait: Wait, why: End): boolean {
    const live = this.#byId.get(wait.id)
    if (live === undefined) return false
    if (why === 'timeout') this.#timedOut.value++
    live.isOver = true
    live.timer?.clear()
    live.timer = null
    this.#byId.delete(live.id)
    const { name } = live.event
    const index = this.#byEvent.get(name)
    index?.remove(live)
    if (index?.size === 0) this.#byEvent.delete(name)
    live.onEnd?.(why)
    for (const follow of live.followers ?? []) follow()
    return true
  }

  endAll(why: End): void {
    for (const wait of this.#byId.values()) this.end(wait, why)
  }

  find(id: number): Wait | undefined {
    return this.#byId.get(id)
  }

  /** The oldest first. */
  all(): IterableIterator<Wait> {
    return this.#byId.values()
  }

  #indexOf(event: string): FilterIndex<LiveWait> {
    let index = this.#byEvent.get(event)
    if (index === undefined) this.#byEvent.set(event, (index = new FilterIndex()))
    return index
  }
}
