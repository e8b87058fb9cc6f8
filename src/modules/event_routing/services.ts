import type { EventType } from '../../events/catalogue.ts'
import type { Log } from '../../log/log.ts'
import type { Host, ModuleApis } from '../../module/define.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import type { Counter } from '../../util/spec.ts'
import type { Strictness } from './filters.ts'
import type { Notifier } from './notifier.ts'
import type { Transaction, Waits } from './waits.ts'

/** What every file of the module works with. */
export interface RoutingServices {
  readonly host: Host
  readonly log: Log
  readonly tm: ModuleApis['tm']
  /** Null where the script does not load it. */
  readonly dialog: ModuleApis['dialog'] | null
  readonly waits: Waits
  readonly notifier: Notifier
  readonly settings: {
    readonly strictness: Strictness
    readonly defaultTimeoutS: number
    /** `$rc` in a resume route after the time is over. */
    readonly asyncTimeoutCode: number
    /** Most live waits. */
    readonly maxWaits: number
  }
  readonly counts: { readonly notified: Counter; readonly dropped: Counter; readonly refused: Counter }
}

/** Who subscribed to what a route is run for. */
export interface Subscriber {
  readonly callId: string
  readonly transaction: Transaction | null
}

/** In the message of a notified route: its subscriber. */
export const subscriberSlot = messageSlot<Subscriber>()

/** Whom a function means: in a notified route the subscriber, elsewhere the message itself. */
export function subscriberOf({ tm }: Pick<RoutingServices, 'tm'>, m: RouteContext): Subscriber {
  return subscriberSlot.get(m) ?? { callId: m.message.callId, transaction: tm.current(m) }
}

/**
 * The published event of a name, with the bus told to bring it here; undefined when nobody has published it. The one
 * subscription serves all waits for the event.
 */
export function openEvent({ host }: Pick<RoutingServices, 'host'>, name: string): EventType | undefined {
  const type = host.bus.catalogue.find(name)
  if (type === undefined) return undefined
  const socket = `routing:${name}`
  host.bus.subscribe({ event: name, socket, expireS: null, by: 'script' })
  return type
}
