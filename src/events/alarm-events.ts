import type { Clock, Timer } from '../util/clock.ts'
import { type EventSpec, field } from '../util/spec.ts'
import type { RaisedEvent } from './event.ts'
import type { LaneAlarm } from './ledger.ts'
import type { DeliveryError } from './transport.ts'

/** The events by which the bus tells of its own deliveries. */
export const ALARM_EVENTS = {
  E_EVI_FAILURE: {
    doc: 'Deliveries of a subscription fail. At most one in ten seconds for each socket and kind.',
    fields: {
      event: field('str', 'Name of the event subscribed to, or `*`.'),
      socket: field('str', 'Where it leads, secrets masked.'),
      kind: field('str', '`held`: events wait; `dead`: refused for good; `dropped`: given up unsent.'),
      code: field('str', 'Code of the error, `E_NOT_CONNECTED`.'),
      reason: field('str', 'What went wrong.'),
      events: field('int', 'Held: events that wait. Otherwise: events lost since this was last told.'),
      id: field('str', 'Id of the latest event lost; empty for `held`.'),
      attempts: field('int', 'How often that event was tried.'),
    },
  },
  E_EVI_RECOVERED: {
    doc: 'Deliveries of a subscription go on after they were held up.',
    fields: {
      event: field('str', 'Name of the event subscribed to, or `*`.'),
      socket: field('str', 'Where it leads, secrets masked.'),
      down_ms: field('int', 'How long deliveries were held up, milliseconds.'),
      queued: field('int', 'Events that wait.'),
    },
  },
  E_EVI_LAG: {
    doc: 'More than half of the queue of a subscription is full, or an event has waited for a minute.',
    fields: {
      event: field('str', 'Name of the event subscribed to, or `*`.'),
      socket: field('str', 'Where it leads, secrets masked.'),
      queued: field('int', 'Events that wait.'),
      oldest_ms: field('int', 'How long the oldest has waited, milliseconds.'),
    },
  },
} as const satisfies Readonly<Record<string, EventSpec>>

export type AlarmEvent = keyof typeof ALARM_EVENTS

/** Whether an event tells of deliveries: its own fate is told to nobody, or each telling would lead to the next. */
export const isAlarmEvent = (name: string): name is AlarmEvent => Object.hasOwn(ALARM_EVENTS, name)

/** Raises one of the events. */
export type RaiseAlarm = (name: AlarmEvent, values: readonly (string | number)[]) => void

const TELL_EVERY_MS = 10_000

interface Losses {
  events: number
  id: string
  error: DeliveryError
  attempts: number
  timer: Timer | undefined
}

/** Turns what the lanes of one subscription tell into events. A storm of losses becomes one event every ten seconds. */
export class Alarm implements LaneAlarm {
  readonly #event: string
  readonly #clock: Clock
  readonly #raise: RaiseAlarm
  /** Made with the first loss: most subscriptions never have one. */
  #losses: Map<string, Losses> | undefined

  /** `event` is what the subscription takes. */
  constructor(event: string, clock: Clock, raise: RaiseAlarm) {
    this.#event = event
    this.#clock = clock
    this.#raise = raise
  }

  heldUp(socket: string, { code, message }: DeliveryError, queued: number): void {
    this.#raise('E_EVI_FAILURE', [this.#event, socket, 'held', code, message, queued, '', 0])
  }

  recovered(socket: string, downMs: number, queued: number): void {
    this.#raise('E_EVI_RECOVERED', [this.#event, socket, Math.round(downMs), queued])
  }

  lagging(socket: string, queued: number, oldestMs: number): void {
    this.#raise('E_EVI_LAG', [this.#event, socket, queued, Math.round(oldestMs)])
  }

  lost(socket: string, event: RaisedEvent, error: DeliveryError, attempts: number): void {
    if (isAlarmEvent(event.name)) return
    const kind = attempts > 0 ? 'dead' : 'dropped'
    const key = `${kind} ${socket}`
    const all = (this.#losses ??= new Map())
    const known = all.get(key)
    if (known === undefined) {
      const losses: Losses = { events: 1, id: event.id, error, attempts, timer: undefined }
      all.set(key, losses)
      this.#tell(socket, kind, key, losses)
      return
    }
    known.events++
    known.id = event.id
    known.error = error
    known.attempts = attempts
  }

  /** Tells now, and again after a while if more was lost meanwhile. */
  #tell(socket: string, kind: string, key: string, losses: Losses): void {
    const { events, id, error, attempts } = losses
    losses.events = 0
    losses.timer = this.#clock.after(TELL_EVERY_MS, () => {
      if (losses.events > 0) this.#tell(socket, kind, key, losses)
      else this.#losses?.delete(key)
    })
    this.#raise('E_EVI_FAILURE', [this.#event, socket, kind, error.code, error.message, events, id, attempts])
  }
}

/** For the subscriptions to these events themselves. */
export const NO_ALARM: LaneAlarm = {
  heldUp: () => undefined,
  recovered: () => undefined,
  lagging: () => undefined,
  lost: () => undefined,
}
