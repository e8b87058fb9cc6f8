import { countDrop, noDeliveries, type SubscriptionCounters } from './counters.ts'
import type { FanOut, RaisedEvent } from './event.ts'
import type { Lane } from './lane.ts'
import type { Fate } from './ledger.ts'

/** The best first. */
const FATES = ['delivered', 'coalesced', 'closed', 'expired', 'overflow', 'failed'] as const satisfies readonly Fate[]
const RANK = Object.fromEntries(FATES.map((fate, rank) => [fate, rank])) as Readonly<Record<Fate, number>>

/** The fate of each event as a whole where it goes several ways at once: delivered when all have it, else its worst. */
export class FanOutTally {
  readonly #ways: number
  readonly #done = noDeliveries()
  /** Events that some way is not done with. */
  #pending = 0

  constructor(ways: number) {
    this.#ways = ways
  }

  /** Before the event is offered to its ways; `ways` when it goes only some of them. */
  begin(event: RaisedEvent, ways = this.#ways): void {
    this.#done.raised++
    this.#pending++
    event.fanOut = { owner: this, next: event.fanOut, left: ways, worst: 0 }
  }

  /** One way is done with the event. */
  end(event: RaisedEvent, fate: Fate): void {
    const progress = this.#progressOf(event)
    if (progress === undefined) return
    progress.worst = Math.max(progress.worst, RANK[fate])
    if (--progress.left > 0) return
    event.fanOut = without(event.fanOut, progress)
    this.#pending--
    const worst = FATES[progress.worst] ?? 'failed'
    if (worst === 'delivered' || worst === 'failed') this.#done[worst]++
    else countDrop(this.#done, worst)
  }

  /** Attempts are counted on each way; an event that is on its way anywhere counts as in flight. */
  counters(lanes: readonly Lane[]): SubscriptionCounters {
    const pending = this.#pending
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

  #progressOf(event: RaisedEvent): FanOut | undefined {
    let progress = event.fanOut
    while (progress !== undefined && progress.owner !== this) progress = progress.next
    return progress
  }
}

/** The chain without one of its links. */
function without(chain: FanOut | undefined, link: FanOut): FanOut | undefined {
  if (chain === undefined || chain === link) return chain?.next
  return { ...chain, next: without(chain.next, link) }
}
