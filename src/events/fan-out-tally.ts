import { countDrop, noDeliveries, type SubscriptionCounters } from './counters.ts'
import type { RaisedEvent } from './event.ts'
import type { Lane } from './lane.ts'
import type { Fate } from './ledger.ts'

/** What is known so far of an event that goes several ways. */
interface Progress {
  left: number
  /** The worst of the ways that are done. */
  worst: Fate
}

const WORSE = { delivered: 0, coalesced: 1, closed: 2, expired: 3, overflow: 4, failed: 5 } as const

/** The fate of each event as a whole where it goes several ways at once: delivered when all have it, else its worst. */
export class FanOutTally {
  readonly #ways: number
  readonly #progress = new Map<RaisedEvent, Progress>()
  readonly #done = noDeliveries()

  constructor(ways: number) {
    this.#ways = ways
  }

  /** Before the event is offered to its ways; `ways` when it goes only some of them. */
  begin(event: RaisedEvent, ways = this.#ways): void {
    this.#done.raised++
    this.#progress.set(event, { left: ways, worst: 'delivered' })
  }

  /** One way is done with the event. */
  end(event: RaisedEvent, fate: Fate): void {
    const progress = this.#progress.get(event)
    if (progress === undefined) return
    if (WORSE[fate] > WORSE[progress.worst]) progress.worst = fate
    if (--progress.left > 0) return
    this.#progress.delete(event)
    if (progress.worst === 'delivered' || progress.worst === 'failed') this.#done[progress.worst]++
    else countDrop(this.#done, progress.worst)
  }

  /** Attempts are counted on each way; an event that is on its way anywhere counts as in flight. */
  counters(lanes: readonly Lane[]): SubscriptionCounters {
    const pending = this.#progress.size
    const inFlight = Math.min(pending, Math.max(0, ...lanes.map(lane => lane.inFlight)))
    const sum = (of: (lane: Lane) => number): number => lanes.reduce((total, lane) => total + of(lane), 0)
    return {
      ...this.#done,
      dropped: { ...this.#done.dropped },
      retried: sum(lane => lane.counters.retried),
      maybeDuplicate: sum(lane => lane.counters.maybeDuplicate),
      queued: pending - inFlight,
      inFlight,
      oldestMs: Math.max(0, ...lanes.map(lane => lane.oldestMs)),
    }
  }
}
