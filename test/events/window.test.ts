import { afterEach, describe, expect, it } from 'vitest'
import { EventBus } from '../../src/events/bus.ts'
import { DELIVERED, type Delivery, type Sink, type Transport } from '../../src/events/transport.ts'
import { systemClock } from '../../src/util/clock.ts'
import { silentLog } from '../conformance/host.ts'

/** A receiver that says how many events are worth giving at once, and counts how many are. */
class NarrowTransport implements Transport {
  readonly scheme = 'narrow'
  readonly window: number
  most = 0
  #open = 0

  constructor(window: number) {
    this.window = window
  }

  parse(rest: string) {
    return { scheme: this.scheme, text: `narrow:${rest}`, key: rest }
  }

  open(): Sink {
    return {
      health: { state: 'up', sinceMs: 0 },
      window: this.window,
      send: () => this.#take(),
      flush: async () => {},
      close: async () => {},
      onHealth: () => {},
    }
  }

  async #take(): Promise<Delivery> {
    this.most = Math.max(this.most, ++this.#open)
    await new Promise(resolve => setImmediate(resolve))
    this.#open--
    return DELIVERED
  }
}

const buses: EventBus[] = []
afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close(AbortSignal.timeout(2000))
})

describe('a sink with a window', () => {
  it.each([
    ['in order', '', 3, 3],
    ['by key', ' [key=n]', 3, 3],
    ['in order, in a smaller window of the subscription', ' [window=2]', 3, 2],
    ['by key, in a smaller window of the subscription', ' [key=n window=2]', 3, 2],
  ])('is never given more events at once, %s', async (_, options, window, most) => {
    const transport = new NarrowTransport(window)
    const bus = new EventBus({ clock: systemClock, log: silentLog })
    buses.push(bus)
    bus.registerTransport(transport)
    const type = bus.catalogue.define('E_X', null, 'test')
    const socket = `narrow:x${options}`
    const subscription = bus.subscribe({ event: 'E_X', socket, expireS: null, by: 'script' })
    for (let n = 0; n < 50; n++) bus.raise(type, ['n'], [n])
    await subscription.whenIdle()
    expect(subscription.counters.delivered).toBe(50)
    expect(transport.most).toBe(most)
  })
})
