import {
  type Address,
  AddressError,
  DELIVERED,
  type Delivery,
  DeliveryError,
  defineTransport,
  failed,
  type Health,
  type Sink,
  type Transport,
  type TransportHost,
  type WireEvent,
} from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import { settledBefore } from '../../src/util/settled-before.ts'

/** `route:NAME[/sync|/async]`. */
interface RouteAddress extends Address {
  readonly scheme: 'route'
  readonly name: string
  readonly isSync: boolean
}

/** Events handed to an `event_route` of the script (events reference §1.7, §3.9). */
export default defineTransport(
  {
    module: 'event_route',
    doc: 'Runs an event_route of the script for each event. `/async`, the default, runs it later on the dummy request; `/sync` runs it inside the raise, on the message that raised it. Delivered means that the route was run: it is never run twice for one event.',
    grammar: '"route:" name [ "/sync" | "/async" ]',
    examples: ['route:E_PIKE_BLOCKED', 'route:E_PIKE_BLOCKED/sync'],
    promises: { ordered: true, delivered: 'accepted', noticesAbsence: true },
  },
  () => {
    const route: Transport<RouteAddress> = {
      scheme: 'route',
      formats: [],
      parse: (rest, host) => {
        const address = parseRoute(rest)
        if (host.route(address.name) === undefined)
          throw new AddressError(`the script has no event_route[${address.name}]`, rest, 0)
        return address
      },
      open: (address, host) => new RouteSink(address.name, host),
      isInline: address => address.isSync,
    }
    return { transports: [route] }
  },
)

function parseRoute(rest: string): RouteAddress {
  const slash = rest.lastIndexOf('/')
  const mode = slash < 0 ? 'async' : rest.slice(slash + 1)
  const name = slash < 0 ? rest : rest.slice(0, slash)
  if (name === '') throw new AddressError('expected the name of an event_route, found nothing', rest, 0)
  if (mode !== 'sync' && mode !== 'async')
    throw new AddressError(`expected /sync or /async after the name, found "/${mode}"`, rest, slash)
  const text = mode === 'sync' ? `route:${name}/sync` : `route:${name}`
  return { scheme: 'route', text, key: text, name, isSync: mode === 'sync' }
}

const CLOSED: Delivery = failed(new DeliveryError('E_CLOSED', 'the sink is closed'))

class RouteSink implements Sink {
  readonly health: Health
  readonly #name: string
  readonly #host: TransportHost
  readonly #clock: Clock
  readonly #running = new Set<Promise<Delivery>>()
  #isClosed = false

  constructor(name: string, host: TransportHost) {
    this.#name = name
    this.#host = host
    this.#clock = host.clock
    this.health = { state: 'up', sinceMs: host.clock.monotonicMs() }
  }

  onHealth(): void {}

  send(event: WireEvent, deadlineMs: number): Delivery | Promise<Delivery> {
    if (this.#isClosed) return CLOSED
    // Asked for each time: a reloaded script may have another route of this name, or none.
    const run = this.#host.route(this.#name)
    if (run === undefined) return failed(refused(`the script has no event_route[${this.#name}]`))
    let result: Delivery | Promise<Delivery>
    try {
      result = run(event)
    } catch (cause) {
      return failed(refused(`event_route[${this.#name}] failed: ${reasonOf(cause)}`))
    }
    return 'outcome' in result ? result : this.#wait(result, deadlineMs)
  }

  async flush(signal: AbortSignal): Promise<void> {
    await settledBefore(Promise.all(this.#running), signal)
  }

  close(signal: AbortSignal): Promise<void> {
    this.#isClosed = true
    return this.flush(signal)
  }

  /** A route that waits for something has the event all the same: at the deadline it counts as delivered. */
  #wait(running: Promise<Delivery>, deadlineMs: number): Promise<Delivery> {
    const { promise, resolve } = Promise.withResolvers<Delivery>()
    const timer = this.#clock.after(Math.max(1, deadlineMs - this.#clock.monotonicMs()), () => resolve(DELIVERED))
    this.#running.add(promise)
    running
      .catch(cause => failed(refused(`event_route[${this.#name}] failed: ${reasonOf(cause)}`)))
      .then(delivery => {
        timer.clear()
        resolve(delivery)
      })
    return promise.finally(() => this.#running.delete(promise))
  }
}

function refused(message: string): DeliveryError {
  return new DeliveryError('E_REFUSED', message, { permanent: true })
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
