import { RaisedEvent } from '../../events/event.ts'
import {
  type Address,
  AddressError,
  DELIVERED,
  DeliveryError,
  failed,
  type Sink,
  type Transport,
} from '../../events/transport.ts'
import type { Clock } from '../../util/clock.ts'

interface RoutingAddress extends Address {
  readonly scheme: 'routing'
  readonly event: string
}

/**
 * The way of an event from the bus to the waits of the script: one subscription `routing:EVENT` for each event that any of
 * them names (events reference §3.9). Delivered inside the raise; all that takes time happens later.
 */
export function routingTransport(clock: Clock, raised: (event: RaisedEvent) => void): Transport<RoutingAddress> {
  return {
    scheme: 'routing',
    formats: [],
    isInline: () => true,
    parse: rest => {
      if (rest === '') throw new AddressError('expected the name of an event, found nothing', rest, 0)
      const text = `routing:${rest}`
      return { scheme: 'routing', text, key: text, event: rest }
    },
    open: ({ event: name }): Sink => ({
      health: { state: 'up', sinceMs: clock.monotonicMs() },
      send: event => {
        if (event.name !== name || !(event instanceof RaisedEvent)) return failed(wrongEvent(event.name, name))
        raised(event)
        return DELIVERED
      },
      flush: async () => {},
      close: async () => {},
      onHealth: () => {},
    }),
  }
}

function wrongEvent(name: string, expected: string): DeliveryError {
  return new DeliveryError('E_REFUSED', `routing:${expected} takes events ${expected}, not ${name}`, {
    permanent: true,
  })
}
