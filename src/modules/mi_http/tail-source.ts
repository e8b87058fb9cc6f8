import type { EventType } from '../../events/catalogue.ts'
import { type Filter, parseFilter } from '../../events/filter.ts'
import { FilterError } from '../../events/filter-scanner.ts'
import type { EventData, WireEvent } from '../../events/transport.ts'
import type { TailEvent, TailSource } from '../../mi/doors/http-events.ts'
import { MiError } from '../../mi/management-interface.ts'
import type { Value } from '../../util/spec.ts'
import { masked } from './masked.ts'

/** The part of the event bus that live watching needs. */
export interface EventTap {
  readonly catalogue: { find(name: string): EventType | undefined }
  /** Calls back for every raise with `subscription` null, and for every delivery with the subscription it is of. */
  tail(listener: (event: WireEvent, subscription: unknown, delivery: unknown) => void): () => void
}

/** Live events of a bus, chosen by name and filter, secrets masked, for the event streams of the management interface. */
export function tailSource(bus: EventTap): TailSource {
  return (name, filterText, listener) => {
    const isAll = name === null || name === '' || name === '*'
    const type = isAll ? null : find(bus, name)
    const filter = filterText === null || filterText === '' ? null : readFilter(filterText, type)
    return bus.tail((event, subscription) => {
      if (subscription !== null || (type !== null && event.name !== type.name)) return
      if (filter === null || filter.matches(event.names, event.values)) listener(asTailEvent(event))
    })
  }
}

function find(bus: EventTap, name: string): EventType {
  const type = bus.catalogue.find(name)
  if (type === undefined) throw new MiError(404, 'Event not published', `no module publishes an event ${name}`)
  return type
}

function readFilter(text: string, type: EventType | null): Filter {
  try {
    return parseFilter(text, type)
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    throw new MiError(400, 'Bad parameter value', `filter, character ${error.offset + 1}: ${error.message}`)
  }
}

function asTailEvent(event: WireEvent): TailEvent {
  return { event: event.name, timeMs: event.raisedAtMs, params: paramsOf(event) }
}

function paramsOf({ names, values }: EventData): TailEvent['params'] {
  if (values.length === 0) return null
  if (names === null) return values.filter(value => value !== undefined).map(value => masked(undefined, value))
  const params = new Map<string, Value>()
  for (const [i, name] of names.entries()) {
    const value = values[i]
    // Of several parameters of one name the first counts, as in filters.
    if (value !== undefined && !params.has(name)) params.set(name, masked(name, value))
  }
  return Object.fromEntries(params)
}
