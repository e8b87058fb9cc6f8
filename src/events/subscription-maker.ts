import { createHash } from 'node:crypto'
import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { Alarm, isAlarmEvent, NO_ALARM, type RaiseAlarm } from './alarm-events.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { EventStore, OpenStore } from './event-store.ts'
import type { Lane } from './lane.ts'
import type { DeliveryObserver, LaneAlarm, LaneContext } from './ledger.ts'
import { openLane } from './open-lane.ts'
import type { Outlets } from './outlets.ts'
import type { DeliveryPolicy } from './policy.ts'
import { DeliveryScheduler } from './scheduler.ts'
import type { PooledSink } from './sink-pool.ts'
import { NO_OPTIONS, type SubscriptionOptions } from './socket-options.ts'
import { Subscription, type SubscriptionParts, type SubscriptionPlan } from './subscription.ts'
import { type Address, AddressError } from './transport.ts'
import { type WayParts, Ways } from './ways.ts'

/** What all subscriptions are made with. */
export interface MakerParts {
  readonly clock: Clock
  readonly log: Log
  readonly policy: DeliveryPolicy
  readonly outlets: Outlets
  readonly deadLetters: DeadLetters
  readonly openStore: OpenStore | undefined
  readonly raiseAlarm: RaiseAlarm
  /** Who watches the deliveries of this subscription now. */
  readonly observerOf: (subscription: Subscription) => DeliveryObserver | undefined
}

/** Makes subscriptions, and once they have something to send, their lanes and queues. */
export class SubscriptionMaker implements SubscriptionParts, WayParts {
  readonly clock: Clock
  readonly log: Log
  readonly scheduler: DeliveryScheduler
  readonly deadLetters: DeadLetters
  readonly observerOf: MakerParts['observerOf']
  readonly parse: (text: string) => Address
  readonly #parts: MakerParts
  readonly #alarms = new Map<string, LaneAlarm>()
  readonly #policies = new WeakMap<SubscriptionOptions, DeliveryPolicy>()
  #serial = 0

  constructor(parts: MakerParts) {
    this.clock = parts.clock
    this.log = parts.log
    this.scheduler = new DeliveryScheduler(parts.clock)
    this.deadLetters = parts.deadLetters
    this.observerOf = parts.observerOf
    this.parse = parts.outlets.parse
    this.#parts = parts
  }

  /** Opens all it takes, or nothing. Throws AddressError. */
  open(plan: SubscriptionPlan): Subscription {
    const { address, options } = plan
    const policy = this.policyOf(options)
    const isStored = needsStore(policy)
    if (isStored && this.#parts.openStore === undefined)
      throw new AddressError('durable and when_full=spool need a spool, and this instance has none', address.text, 0)
    const held = this.#parts.outlets.hold(address, { format: options.format, key: policy.key ?? undefined })
    const subscription = new Subscription(this.#serial++, plan, held, this)
    if (isStored) subscription.begin()
    return subscription
  }

  /** A subscription that leads nowhere: describes one that has ended already. */
  describe(plan: SubscriptionPlan): Subscription {
    return new Subscription(this.#serial++, plan, [], this)
  }

  openWays(subscription: Subscription, held: readonly PooledSink[]): Ways {
    // What waits on disk can be more than memory has room to remember one by one.
    const isTallied = held.length > 1 && !needsStore(this.policyOf(subscription.options))
    return new Ways(this, subscription, held, isTallied)
  }

  openLane(subscription: Subscription, way: PooledSink, context: LaneContext): Lane {
    const { address } = way
    const policy = this.policyOf(subscription.options)
    const isInline = this.#parts.outlets.isInline(address)
    const store = isInline ? undefined : this.#store(subscription, policy, address)
    return openLane({ socket: address.text, sink: way.share(), policy, context, store, isInline })
  }

  alarmOf(event: string): LaneAlarm {
    if (isAlarmEvent(event)) return NO_ALARM
    let alarm = this.#alarms.get(event)
    if (alarm === undefined)
      this.#alarms.set(event, (alarm = new Alarm(event, this.#parts.clock, this.#parts.raiseAlarm)))
    return alarm
  }

  policyOf(options: SubscriptionOptions): DeliveryPolicy {
    // Most ask for nothing of their own and share one.
    if (options.policy === NO_OPTIONS.policy) return this.#parts.policy
    let policy = this.#policies.get(options)
    if (policy === undefined) this.#policies.set(options, (policy = merged(this.#parts.policy, options)))
    return policy
  }

  #store(subscription: Subscription, policy: DeliveryPolicy, way: Address): EventStore | undefined {
    if (!needsStore(policy)) return undefined
    const { event } = subscription
    return this.#parts.openStore?.({ subscription: durableName(subscription, way), event, socket: way.text, policy })
  }
}

const needsStore = ({ durable, overflow }: DeliveryPolicy): boolean => durable || overflow === 'spool'

/** What is kept on disk is kept until somebody has it, unless its age was bounded by the same words. */
function merged(usual: DeliveryPolicy, { policy }: SubscriptionOptions): DeliveryPolicy {
  const isKept = policy.durable === true && policy.maxAgeMs === undefined
  return { ...usual, ...policy, ...(isKept ? { maxAgeMs: Number.POSITIVE_INFINITY } : {}) }
}

/** The same in every run: made of what is shown, not of passwords, which may change. */
function durableName({ event, filterText, socket }: Subscription, way: Address): string {
  const parts = JSON.stringify([event, socket, filterText, way.text])
  return createHash('sha256').update(parts).digest('hex').slice(0, 32)
}
