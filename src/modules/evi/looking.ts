import { DeliveryTrail, type TrailStep } from '../../events/delivery-trail.ts'
import { fieldValue } from '../../events/filter.ts'
import type { Condition } from '../../events/filter-conditions.ts'
import type { Subscription } from '../../events/subscription.ts'
import { MiError } from '../../mi/management-interface.ts'
import { arg, type Host, optional } from '../../module/define.ts'
import type { Commands, Value } from '../../util/spec.ts'
import { readRaisedParams } from './raised-params.ts'

/** Commands for those who look for an event. */
export const lookingCommands = {
  trail: {
    args: [
      optional(arg('id', 'str', 'Id of the event.')),
      optional(arg('callid', 'str', 'Call-ID of the call the event belongs to.')),
      optional(arg('limit', 'int', 'Most steps that are listed, the latest; 100 if absent.')),
    ],
    doc: 'tells what became of an event: each attempt to deliver it, with its outcome and time',
  },
  explain: {
    args: [
      arg('event', 'str', 'Name of the event.'),
      optional(arg('params', 'json', 'The values it would have: an object (or its JSON text), or an array.')),
    ],
    doc: 'tells who would get an event, and who would not and why; raises nothing',
  },
} as const

/** What these commands keep, and their handlers. `steps`: how many raises and attempts are remembered; 0 for none. */
export function looking(
  host: Host,
  steps: number,
): { readonly commands: Commands<{ readonly commands: typeof lookingCommands }>; stop(): void } {
  const trail = steps > 0 ? new DeliveryTrail(steps, () => host.clock.nowMs()) : undefined
  const stop = trail?.watch(host.bus) ?? (() => {})
  return {
    stop,
    commands: {
      trail: ({ id, callid, limit = 100 }) => {
        if (trail === undefined) throw new MiError(480, 'Not kept', 'event_trail is 0: no attempts are remembered')
        const found = trail.find({ id, callId: callid })
        return { Steps: found.slice(-Math.max(1, limit)).map(describeStep) }
      },
      explain: ({ event, params }) => explain(host, event, params),
    },
  }
}

function describeStep({ event, subscription, delivery, atMs }: TrailStep): unknown {
  const about = { at: new Date(atMs).toISOString(), id: event.id, event: event.name }
  if (subscription === null || delivery === null) return { ...about, step: 'raised' }
  const { socket } = subscription
  if (delivery.outcome === 'delivered') return { ...about, step: delivery.outcome, socket }
  return { ...about, step: delivery.outcome, socket, code: delivery.error.code, reason: delivery.error.message }
}

function explain({ bus }: Host, event: string, params: unknown): unknown {
  const type = bus.catalogue.find(event)
  if (type === undefined) throw new MiError(404, 'Event not published')
  const { names, values } = readRaisedParams(params)
  const subscriptions = bus.subscriptions().filter(s => s.event === event || s.event === '*')
  return {
    event,
    Subscribers: subscriptions.map(subscription => {
      const missed = missedCondition(subscription, names, values)
      return {
        socket: subscription.socket,
        subscribed: subscription.event,
        gets: missed === undefined ? 1 : 0,
        why: missed === undefined ? whyItMatches(subscription) : whyItMisses(missed, names, values),
        health: subscription.health.state,
        queued: subscription.counters.queued,
      }
    }),
  }
}

function missedCondition(
  { filter }: Subscription,
  names: readonly string[] | null,
  values: readonly (Value | undefined)[],
): Condition | undefined {
  return filter?.conditions.find(condition => !condition.holds(fieldValue(names, values, condition.key)))
}

const whyItMatches = ({ filterText, event }: Subscription): string =>
  filterText === null
    ? event === '*'
      ? 'takes every event'
      : 'has no filter'
    : `all of its filter holds: ${filterText}`

function whyItMisses(
  { key, text }: Condition,
  names: readonly string[] | null,
  values: readonly (Value | undefined)[],
): string {
  const value = fieldValue(names, values, key)
  return `${text} does not hold: ${key} is ${value === undefined ? 'not there' : JSON.stringify(value)}`
}
