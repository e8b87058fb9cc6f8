import { createHash } from 'node:crypto'
import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { Alarm, isAlarmEvent, NO_ALARM, type RaiseAlarm } from './alarm-events.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { EventStore, OpenStore } from './event-store.ts'
import { FanOutTally } from './fan-out-tally.ts'
import type { Filter } from './filter.ts'
import type { Lane } from './lane.ts'
import type { DeliveryObserver, LaneContext } from './ledger.ts'
import { openLane } from './open-lane.ts'
import type { Outlet, Outlets } from './outlets.ts'
import type { DeliveryPolicy } from './policy.ts'
import type { DeliveryScheduler } from './scheduler.ts'
import { NO_OPTIONS, type SubscriptionOptions } from './socket-options.ts'
import { Subscription } from './subscription.ts'
import { type Address, AddressError } from './transport.ts'

/** What a subscription is to be, all of it checked but for the address. */
export interface SubscriptionPlan {
  readonly event: string
  readonly address: Address
  readonly filter: Filter | null
  readonly options: SubscriptionOptions
}

/** What all subscriptions are made with. */
export interface MakerParts {
  readonly clock: Clock
  readonly log: Log
  readonly policy: DeliveryPolicy
  readonly outlets: Outlets
  readonly scheduler: DeliveryScheduler
  readonly deadLetters: DeadLetters
  readonly openStore: OpenStore | undefined
  readonly raiseAlarm: RaiseAlarm
  /** Who watches the deliveries of this subscription now. */
  readonly observerOf: (subscription: Subscription) => DeliveryObserver | undefined
  readonly onExpired: (subscription: Subscription) => void
}

/** Makes subscriptions: their sinks, queues and lanes. */
export class SubscriptionMaker {
  readonly #parts: MakerParts
  #serial = 0

  constructor(parts: MakerParts) {
    this.#parts = parts
  }

  /** Opens all it takes, or nothing. Throws AddressError. */
  open(plan: SubscriptionPlan): Subscription {
    const { address, options } = plan
    // Most ask for nothing of their own and share one.
    const policy = options.policy === NO_OPTIONS.policy ? this.#parts.policy : this.#policyOf(options)
    if (needsStore(policy) && this.#parts.openStore === undefined)
      throw new AddressError('durable and when_full=spool need a spool, and this instance has none', address.text, 0)
    const outlets = this.#parts.outlets.open(address, { format: options.format, key: policy.key ?? undefined })
    // What waits on disk can be more than memory has room to remember one by one.
    const isTallied = outlets.length > 1 && !needsStore(policy)
    const tally = isTallied ? new FanOutTally(outlets.length) : undefined
    const context = this.#context(plan, tally, () => subscription)
    const lanes = outlets.map(outlet => this.#lane(plan, policy, outlet, context))
    const subscription: Subscription = this.#make(plan, lanes, tally)
    return subscription
  }

  /** A subscription without lanes: describes one that has ended already. */
  describe(plan: SubscriptionPlan): Subscription {
    return this.#make(plan, [], undefined)
  }

  /** What is kept on disk is kept until somebody has it, unless its age was bounded by the same words. */
  #policyOf({ policy }: SubscriptionOptions): DeliveryPolicy {
    const isKept = policy.durable === true && policy.maxAgeMs === undefined
    return { ...this.#parts.policy, ...policy, ...(isKept ? { maxAgeMs: Number.POSITIVE_INFINITY } : {}) }
  }

  #lane(
    plan: SubscriptionPlan,
    policy: DeliveryPolicy,
    { address, sink, isInline }: Outlet,
    context: LaneContext,
  ): Lane {
    const store = isInline ? undefined : this.#store(plan, policy, address)
    return openLane({ socket: address.text, sink, policy, context, store, isInline })
  }

  #store(plan: SubscriptionPlan, policy: DeliveryPolicy, way: Address): EventStore | undefined {
    if (!needsStore(policy)) return undefined
    const { event } = plan
    return this.#parts.openStore?.({ subscription: durableName(plan, way), event, socket: way.text, policy })
  }

  #make(plan: SubscriptionPlan, lanes: readonly Lane[], tally: FanOutTally | undefined): Subscription {
    const { clock, outlets, onExpired } = this.#parts
    const parse = outlets.parse
    return new Subscription({ ...plan, serial: this.#serial++, lanes, tally, clock, parse, onExpired })
  }

  #context({ event }: SubscriptionPlan, tally: FanOutTally | undefined, whose: () => Subscription): LaneContext {
    const { clock, log, scheduler, deadLetters, raiseAlarm, observerOf } = this.#parts
    return {
      clock,
      log,
      scheduler,
      observer: () => observerOf(whose()),
      alarm: isAlarmEvent(event) ? NO_ALARM : new Alarm(event, clock, raiseAlarm),
      settled: tally === undefined ? undefined : (one, fate) => tally.end(one, fate),
      deadLetter: (socket, dead, error, attempts) =>
        deadLetters.add({ event: dead, subscribed: event, socket, error, attempts, diedAtMs: clock.nowMs() }),
    }
  }
}

const needsStore = ({ durable, overflow }: DeliveryPolicy): boolean => durable || overflow === 'spool'

/** The same in every run: made of what is shown, not of passwords, which may change. */
function durableName({ event, filter, address }: SubscriptionPlan, way: Address): string {
  const parts = JSON.stringify([event, address.text, filter?.text ?? null, way.text])
  return createHash('sha256').update(parts).digest('hex').slice(0, 32)
}
