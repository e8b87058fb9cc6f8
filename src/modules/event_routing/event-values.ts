import type { RaisedEvent } from '../../events/event.ts'
import type { PvarSite } from '../../module/define.ts'
import { EventParams } from '../../module/event-params.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import type { PvarHandler } from '../../script/pvar.ts'
import type { Value } from '../../util/spec.ts'

/** The event that a message was told of last. */
const slot = messageSlot<EventParams>()

/** Names that talks about event routing used for fields called otherwise. */
const TALKED_OF: Readonly<Record<string, string>> = { contact: 'uri' }

/**
 * Gives a message the values of an event: as AVPs named like its parameters, in front of others of that name, and for
 * `$event`. Positional parameters have no name to be found by and are left out.
 */
export function giveEvent(m: RouteContext, event: RaisedEvent): EventParams {
  const params = new EventParams(event)
  slot.set(m, params)
  const { names, values } = event
  // The last one pushed is at index 0: of two with one name that is to be the first.
  for (let i = (names?.length ?? 0) - 1; i >= 0; i--) {
    const [name, value] = [names?.[i] ?? '', values[i]]
    if (name !== '' && value !== undefined && value !== null) m.avps.push(name, value)
  }
  return params
}

/** `$event(name)`: of the event this message waited for or is told of; in event routes, of the event. */
export function eventPvar({ inner }: PvarSite): PvarHandler {
  return {
    get: m => {
      const params = slot.get(m) ?? (m.kind === 'event' ? m.params : undefined)
      return params === undefined || inner === undefined ? null : fieldOf(params, inner.read(m))
    },
  }
}

function fieldOf(params: Pick<EventParams, 'named'>, name: string): Value {
  const value = params.named(name)
  if (value !== undefined) return value
  const other = TALKED_OF[name]
  return other === undefined ? null : (params.named(other) ?? null)
}
