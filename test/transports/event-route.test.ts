import { describe, expect, it } from 'vitest'
import { EventBus } from '../../src/events/bus.ts'
import type { RaisedEvent } from '../../src/events/event.ts'
import { SubscribeError } from '../../src/events/subscribe-request.ts'
import { DELIVERED, type Delivery } from '../../src/events/transport.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import eventRoute from '../../transports/event-route/index.ts'
import { setUpTransport, silentLog } from '../conformance/host.ts'
import { Arrivals } from '../conformance/json-arrival.ts'
import { type Arrival, transportConformance } from '../conformance/transport.ts'

/** The event routes that conformance events go to, by name: what each was run with. */
const routes = new Map<string, Arrivals<Arrival>>()
let lastRoute = 0

transportConformance({
  name: 'route',
  module: eventRoute,
  route: name => {
    const arrivals = routes.get(name)
    if (arrivals === undefined) return undefined
    return ({ name: event, values }) => {
      arrivals.add({ event, values: values.map(value => value ?? null) })
      return DELIVERED
    }
  },
  makePeer: async () => {
    const name = `E_PEER${lastRoute++}`
    const arrivals = new Arrivals<Arrival>()
    routes.set(name, arrivals)
    return {
      socket: `route:${name}`,
      arrivals: () => arrivals.all,
      arrived: count => arrivals.reached(count),
      close: async () => void routes.delete(name),
    }
  },
})

const NEVER = new AbortController().signal

function setUp(run: (event: RaisedEvent) => Delivery | Promise<Delivery> = () => DELIVERED) {
  const clock = new VirtualClock()
  const bus = new EventBus({ clock, log: silentLog })
  for (const transport of setUpTransport(eventRoute, {}, clock).transports) bus.registerTransport(transport)
  const routes = new Set(['E_X', 'OTHER'])
  bus.setRouteRunner(name => (routes.has(name) ? run : undefined))
  const type = bus.catalogue.define('E_X', null, 'script')
  const subscribe = (socket: string) => bus.subscribe({ event: 'E_X', socket, expireS: null, by: 'script' })
  return { clock, bus, type, subscribe, routes }
}

describe('the route transport', () => {
  it.each([
    ['route:E_X', 'route:E_X'],
    ['route:E_X/async', 'route:E_X'],
    ['route:E_X/sync', 'route:E_X/sync'],
    ['route:OTHER', 'route:OTHER'],
  ])('lists %s as %s', (socket, text) => {
    expect(setUp().subscribe(socket).socket).toBe(text)
  })

  it.each([
    ['route:', 'expected the name of an event_route'],
    ['route:E_X/later', 'expected /sync or /async after the name, found "/later"'],
    ['route:NONE', 'the script has no event_route[NONE]'],
  ])('refuses %s: %s', (socket, message) => {
    expect(() => setUp().subscribe(socket)).toThrow(SubscribeError)
    expect(() => setUp().subscribe(socket)).toThrow(message)
  })

  it('runs a sync route inside the raise, on the message that raised', () => {
    const seen: unknown[] = []
    const { bus, type, subscribe } = setUp(event => {
      seen.push(event.message, event.values)
      return DELIVERED
    })
    subscribe('route:E_X/sync')
    const message = { eventDepth: 0 }
    bus.raise(type, null, [1], { message })
    expect(seen).toEqual([message, [1]])
  })

  it('runs an async route later, in order, without the message', async () => {
    const seen: unknown[] = []
    const { bus, type, subscribe, clock } = setUp(event => {
      seen.push([event.values[0], event.message])
      return DELIVERED
    })
    subscribe('route:E_X')
    bus.raise(type, null, [1], { message: { eventDepth: 0 } })
    bus.raise(type, null, [2])
    expect(seen).toEqual([])
    await clock.advance(0)
    expect(seen).toEqual([
      [1, undefined],
      [2, undefined],
    ])
  })

  it('never runs a route twice for one event, however long it takes or however it fails', async () => {
    let runs = 0
    const { bus, type, subscribe, clock } = setUp(event => {
      runs++
      if (event.values[0] === 1) return new Promise(() => undefined)
      if (event.values[0] === 2) return Promise.reject(new Error('bug'))
      throw new Error('bug')
    })
    const subscription = subscribe('route:E_X')
    for (const n of [1, 2, 3]) bus.raise(type, null, [n])
    await clock.advance(60_000)
    expect(runs).toBe(3)
    expect(subscription.counters).toMatchObject({ raised: 3, delivered: 1, failed: 2, queued: 0, inFlight: 0 })
  })

  it('fails for good when a reload has taken the route away', async () => {
    const { bus, type, subscribe, clock, routes } = setUp()
    const subscription = subscribe('route:E_X')
    routes.clear()
    bus.raise(type, null, [])
    await clock.advance(0)
    expect(subscription.counters).toMatchObject({ failed: 1, queued: 0 })
    expect(subscription.lastError?.message).toBe('the script has no event_route[E_X]')
  })

  it('waits for routes that run before it closes', async () => {
    const { promise, resolve } = Promise.withResolvers<Delivery>()
    const { bus, type, subscribe, clock } = setUp(() => promise)
    const subscription = subscribe('route:E_X')
    bus.raise(type, null, [])
    await clock.advance(0)
    let isClosed = false
    const closing = bus.close(NEVER).then(() => (isClosed = true))
    await clock.advance(0)
    expect(isClosed).toBe(false)
    resolve(DELIVERED)
    await closing
    expect(subscription.counters.delivered).toBe(1)
  })
})
