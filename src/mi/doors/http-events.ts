import type { Clock } from '../../util/clock.ts'
import { LiveStreams } from './http-streams.ts'

/** An event as watchers get it. */
export interface TailEvent {
  readonly event: string
  /** Wall-clock time of the raise, milliseconds since 1970. */
  readonly timeMs: number
  /** Named parameters, or positional ones; null when the event has none. */
  readonly params: Readonly<Record<string, unknown>> | readonly unknown[] | null
}

/**
 * Gives live events to a listener: of one name or of all (null), those that a `name=value` filter lets through or
 * all (null). Returns how to stop. Throws MiError when the event or the filter is no good.
 */
export type TailSource = (
  event: string | null,
  filter: string | null,
  listener: (event: TailEvent) => void,
) => () => void

/** `GET /<root>/events?event=E_X&filter=k=v`: live events, each with members `event`, `time` and `params`. */
export class EventStreams extends LiveStreams {
  constructor(source: TailSource, clock: Clock) {
    super((query, send) => source(query.get('event'), query.get('filter'), event => send(shown(event))), clock)
  }
}

const shown = ({ event, timeMs, params }: TailEvent): unknown => ({
  event,
  time: new Date(timeMs).toISOString(),
  ...(params === null ? {} : { params }),
})
