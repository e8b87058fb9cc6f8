import { describe, expect, it } from 'vitest'
import { EventBus } from '../../src/events/bus.ts'
import type { Era, EventType } from '../../src/events/catalogue.ts'
import type { DeliveryPolicy } from '../../src/events/policy.ts'
import { SubscribeError } from '../../src/events/subscribe-request.ts'
import { DELIVERED } from '../../src/events/transport.ts'
import { field, optionalField } from '../../src/util/spec.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import eventRoute from '../../transports/event-route/index.ts'
import { setUpTransport, silentLog } from '../conformance/host.ts'
import { AWAY, MemoryTransport } from './memory-transport.ts'

const NEVER = new AbortController().signal
const CONTACT = {
  doc: 'd',
  fields: { domain: field('str', 'd'), aor: field('str', 'a'), uri: field('str', 'u'), tag: optionalField('str', 't') },
  legacyFields: ['address', 'aor'],
  formerFields: { address: 'uri' },
} as const

function setUp(era: Era = '4.0', policy: Partial<DeliveryPolicy> = {}) {
  const clock = new VirtualClock()
  const bus = new EventBus({ clock, log: silentLog, era, policy })
  const memory = new MemoryTransport()
  bus.registerTransport(memory)
  for (const transport of setUpTransport(eventRoute).transports) bus.registerTransport(transport)
  const type = bus.catalogue.define('E_X', null, 'test')
  const subscribe = (socket: string, more: Partial<Parameters<EventBus['subscribe']>[0]> = {}) =>
    bus.subscribe({ event: 'E_X', socket, expireS: null, by: 'mi', ...more })
  const raise = (n: number, on: EventType = type): number => bus.raise(on, ['n'], [n])
  return { clock, bus, memory, type, subscribe, raise }
}

describe('raising', () => {
  it('does nothing when nobody listens', () => {
    const { bus, raise, type, clock } = setUp()
    expect(raise(1)).toBe(0)
    expect(bus.hasSubscribers(type)).toBe(false)
    expect(clock.pending).toBe(0)
  })

  it('gives the same event to all who subscribed, and says to how many', async () => {
    const { memory, subscribe, raise, clock } = setUp()
    subscribe('mem:a')
    subscribe('mem:b')
    expect(raise(1)).toBe(2)
    await clock.advance(0)
    expect(memory.sink('a').taken[0]).toBe(memory.sink('b').taken[0])
  })

  it('reads the fields of a module event only when somebody listens', async () => {
    const { bus, memory, clock } = setUp()
    const raiser = bus.makeRaiser<typeof CONTACT>(bus.catalogue.define('E_C', CONTACT, 'usrloc'))
    let reads = 0
    const fields = {
      domain: 'd',
      uri: 'u',
      get aor() {
        reads++
        return 'a'
      },
    }
    raiser(fields)
    expect(reads).toBe(0)
    bus.subscribe({ event: 'E_C', socket: 'mem:a', expireS: null, by: 'script' })
    raiser(fields)
    await clock.advance(0)
    expect(memory.sink('a').taken[0]).toMatchObject({
      name: 'E_C',
      names: ['domain', 'aor', 'uri', 'tag'],
      values: ['d', 'a', 'u', undefined],
    })
  })

  it('sends the fields of 2.4 in that era, former names from present fields', async () => {
    const { bus, memory, clock } = setUp('2.4')
    const raiser = bus.makeRaiser<typeof CONTACT>(bus.catalogue.define('E_C', CONTACT, 'usrloc'))
    bus.subscribe({ event: 'E_C', socket: 'mem:a', expireS: null, by: 'script' })
    raiser({ domain: 'd', aor: 'a', uri: 'u' })
    await clock.advance(0)
    expect(memory.sink('a').taken[0]).toMatchObject({ names: ['address', 'aor'], values: ['u', 'a'] })
  })

  it('delivers to the newest subscription first', () => {
    const { bus, memory, subscribe, raise } = setUp()
    const order: string[] = []
    for (const name of ['a', 'b', 'c']) {
      subscribe(`mem:${name}/inline`)
      memory.sink(`${name}/inline`).answer = () => {
        order.push(name)
        return DELIVERED
      }
    }
    bus.subscribe({ event: '*', socket: 'mem:d/inline', expireS: null, by: 'mi' })
    memory.sink('d/inline').answer = () => {
      order.push('d')
      return DELIVERED
    }
    raise(1)
    expect(order).toEqual(['d', 'c', 'b', 'a'])
  })

  it('reaches a subscription to all events, also for events published later', async () => {
    const { bus, memory, subscribe, raise, clock } = setUp()
    subscribe('mem:a', { event: '*' })
    const late = bus.catalogue.define('E_LATE', null, 'test')
    raise(1, late)
    raise(2)
    await clock.advance(0)
    expect(memory.sink('a').values).toEqual([1, 2])
  })

  it('asks the filter', async () => {
    const { memory, subscribe, raise, clock } = setUp()
    subscribe('mem:a', { filter: 'n=1' })
    subscribe('mem:b', { filter: 'n>1' })
    expect([raise(1), raise(2), raise(0)]).toEqual([1, 1, 0])
    await clock.advance(0)
    expect([memory.sink('a').values, memory.sink('b').values]).toEqual([[1], [2]])
  })

  it('is refused at the end of a chain of 100 events', () => {
    const { bus, raise, subscribe } = setUp()
    let runs = 0
    const results: number[] = []
    bus.setRouteRunner(() => () => {
      runs++
      results.push(raise(0))
      return DELIVERED
    })
    subscribe('route:E_X/sync')
    expect(raise(0)).toBe(1)
    expect(runs).toBe(100)
    expect(results[0]).toBe(-1)
    expect(bus.tooDeep).toBe(1)
  })

  it('counts a chain that goes through the queue', async () => {
    const { bus, raise, subscribe, clock } = setUp()
    let runs = 0
    bus.setRouteRunner(() => () => {
      runs++
      raise(0)
      return DELIVERED
    })
    subscribe('route:E_X')
    raise(0)
    for (let turn = 0; turn < 300; turn++) await clock.advance(0)
    expect(runs).toBe(100)
    expect(bus.tooDeep).toBe(1)
  })

  it('counts a chain by the message it was raised from', () => {
    const { bus, type, subscribe } = setUp()
    subscribe('mem:a')
    expect(bus.raise(type, null, [], { message: { eventDepth: 99 } })).toBe(1)
    expect(bus.raise(type, null, [], { message: { eventDepth: 100 } })).toBe(-1)
  })

  it('lets go of the message when it returns', async () => {
    const { bus, type, subscribe } = setUp()
    const message = { eventDepth: 0 }
    const seen: unknown[] = []
    bus.setRouteRunner(() => event => {
      seen.push(event.message)
      return DELIVERED
    })
    subscribe('route:R/sync')
    const events: { message: unknown }[] = []
    bus.tail(event => events.push(event))
    bus.raise(type, null, [], { message })
    expect(seen).toEqual([message])
    expect(events[0]?.message).toBeUndefined()
  })
})

describe('subscribing', () => {
  it('renews an equal subscription instead of adding one', async () => {
    const { bus, subscribe, clock, raise } = setUp()
    const first = subscribe('mem:a', { expireS: 10 })
    raise(1)
    await clock.advance(6_000)
    expect(subscribe('mem:A', { expireS: 20 })).toBe(first)
    expect(first).toMatchObject({ expireS: 20, ttl: 20 })
    expect(first.counters.delivered).toBe(1)
    expect(bus.subscriptions()).toHaveLength(1)
  })

  it('keeps subscriptions with different filters apart', () => {
    const { bus, subscribe } = setUp()
    subscribe('mem:a', { filter: 'n=1' })
    subscribe('mem:a', { filter: 'n=2' })
    subscribe('mem:a')
    subscribe('mem:a', { filter: ' n=1 ' })
    expect(bus.subscriptions().map(subscription => subscription.filterText)).toEqual([null, 'n=2', 'n=1'])
  })

  it('shares one sink between subscriptions to one address', () => {
    const { memory, subscribe } = setUp()
    subscribe('mem:a', { filter: 'n=1' })
    subscribe('mem:a')
    expect(memory.opened).toBe(1)
  })

  it('ends by itself when its lifetime is over', async () => {
    const { bus, memory, subscribe, raise, clock } = setUp()
    const subscription = subscribe('mem:a', { expireS: 1200 })
    await clock.advance(154_000)
    expect(subscription.lifetime()).toEqual({ socket: 'mem:a', expire: 1200, ttl: 1046 })
    await clock.advance(1_046_000)
    expect(bus.subscriptions()).toEqual([])
    expect(subscription.ttl).toBe(0)
    expect(raise(1)).toBe(0)
    expect(memory.sink('a').isClosed).toBe(true)
  })

  it('ends at the raise when the timer is late', () => {
    const { subscribe, raise, clock } = setUp()
    clock.after = () => ({ clear: () => undefined })
    subscribe('mem:a', { expireS: 1 })
    clock.advanceSync(1_000)
    expect(raise(1)).toBe(0)
  })

  it('lasts as long as asked for, however long', async () => {
    const { bus, subscribe, clock } = setUp()
    subscribe('mem:a', { expireS: 3_000_000 })
    await clock.advance(2 ** 31)
    expect(bus.subscriptions()).toHaveLength(1)
    await clock.advance(3_000_000_000 - 2 ** 31)
    expect(bus.subscriptions()).toHaveLength(0)
  })

  it('is permanent from a script with 0 or nothing', () => {
    const { subscribe } = setUp()
    expect(subscribe('mem:a', { by: 'script', expireS: 0 }).lifetime()).toEqual({ socket: 'mem:a', expire: 'never' })
    expect(subscribe('mem:b', { by: 'script', expireS: null }).expireS).toBeNull()
  })

  it('makes a permanent one expiring when renewed with a lifetime, never the reverse', () => {
    const { subscribe } = setUp()
    subscribe('mem:a', { by: 'script' })
    expect(subscribe('mem:a', { expireS: 5 }).expireS).toBe(5)
    expect(subscribe('mem:a', { by: 'script' }).expireS).toBe(5)
  })

  it('ends at once with 0 from management', () => {
    const { bus, subscribe, raise } = setUp()
    const known = subscribe('mem:a', { expireS: 60 })
    expect(subscribe('mem:a', { expireS: 0 })).toBe(known)
    expect(bus.subscriptions()).toEqual([])
    expect(raise(1)).toBe(0)
    expect(subscribe('mem:b', { expireS: 0 }).ttl).toBeNull()
    expect(bus.subscriptions()).toEqual([])
  })

  it('sends in another form when it is renewed with one', async () => {
    const { bus, memory, subscribe, raise, clock } = setUp()
    subscribe('mem:a')
    subscribe('mem:a', { format: 'text' })
    subscribe('mem:a')
    expect(memory.opened).toBe(2)
    expect(bus.subscriptions()).toHaveLength(1)
    expect(raise(1)).toBe(1)
    await clock.advance(0)
    expect(memory.sink('a').values).toEqual([1])
  })

  it.each([
    [{ event: 'E_NONE' }, 'event', 'no event is named "E_NONE"'],
    [{ socket: 'foo:1' }, 'socket', 'no transport has the scheme "foo"; those loaded: mem, route'],
    [{ socket: 'nothing' }, 'socket', 'no transport has the scheme "nothing"'],
    [{ socket: 'mem:!' }, 'socket', '"!" is not a name'],
    [{ socket: 'route:NONE' }, 'socket', 'the script has no event_route[NONE]'],
    [{ event: 'E_C', filter: 'foo=1' }, 'filter', 'its fields are domain, aor, uri, tag'],
    [{ filter: 'a=' }, 'filter', 'expected a value'],
    [{ expireS: -1 }, 'expire', 'not -1'],
  ])('says what is wrong with %j', (request, part, message) => {
    const { bus, subscribe } = setUp()
    bus.catalogue.define('E_C', CONTACT, 'usrloc')
    try {
      subscribe('mem:a', request)
    } catch (error) {
      expect(error).toBeInstanceOf(SubscribeError)
      expect((error as SubscribeError).part).toBe(part)
      expect((error as SubscribeError).message).toContain(message)
      expect(bus.subscriptions()).toEqual([])
      return
    }
    throw new Error('nothing was thrown')
  })

  it('can be taken back', () => {
    const { bus, subscribe } = setUp()
    subscribe('mem:a', { filter: 'n=1' })
    expect(bus.unsubscribe('E_X', 'mem:a')).toBe(false)
    expect(bus.unsubscribe('E_X', 'mem:a', 'n=1')).toBe(true)
    expect(bus.unsubscribe('E_X', 'mem:a', 'n=1')).toBe(false)
    expect(bus.unsubscribe('E_NONE', 'foo:1')).toBe(false)
  })

  it('still sends what was raised before it was taken back', async () => {
    const { bus, memory, subscribe, raise, clock } = setUp()
    subscribe('mem:a')
    raise(1)
    bus.unsubscribe('E_X', 'mem:a')
    raise(2)
    await clock.advance(0)
    expect(memory.sink('a').values).toEqual([1])
  })

  it('lists those of an event and those to all events, newest first', () => {
    const { bus, subscribe } = setUp()
    bus.catalogue.define('E_Y', null, 'test')
    subscribe('mem:a')
    subscribe('mem:b', { event: '*' })
    subscribe('mem:c', { event: 'E_Y' })
    expect(bus.subscriptions('E_X').map(s => s.socket)).toEqual(['mem:b', 'mem:a'])
    expect(bus.subscriptions('*').map(s => s.socket)).toEqual(['mem:b'])
    expect(bus.subscriptions().map(s => s.socket)).toEqual(['mem:c', 'mem:b', 'mem:a'])
  })

  it('tells what became of its events only when there is something to tell', async () => {
    const { memory, subscribe, raise, clock } = setUp()
    const subscription = subscribe('mem:a')
    expect(subscription.report()).toEqual({})
    raise(1)
    await clock.advance(0)
    expect(subscription.report()).toEqual({ health: 'up', raised: 1, delivered: 1, queued: 0 })
    memory.sink('a').turn('down')
    memory.sink('a').answer = () => AWAY
    raise(2)
    await clock.advance(0)
    expect(subscription.report()).toMatchObject({
      health: 'down',
      raised: 2,
      queued: 1,
      retried: 1,
      last_error: 'away',
    })
    expect(subscription.matchesSocket('mem:A')).toBe(true)
    expect(subscription.matchesSocket('foo')).toBe(false)
  })
})

describe('watching', () => {
  it('shows every raise and every outcome', async () => {
    const { bus, subscribe, raise, clock } = setUp()
    const seen: unknown[] = []
    const stop = bus.tail((event, subscription, delivery) =>
      seen.push([event.values[0], subscription?.socket, delivery?.outcome]),
    )
    raise(1)
    subscribe('mem:a')
    raise(2)
    await clock.advance(0)
    stop()
    raise(3)
    expect(seen).toEqual([
      [1, undefined, undefined],
      [2, undefined, undefined],
      [2, 'mem:a', 'delivered'],
    ])
  })

  it('survives a listener that throws', async () => {
    const { bus, memory, subscribe, raise, clock } = setUp()
    bus.tail(() => {
      throw new Error('bug')
    })
    subscribe('mem:a')
    raise(1)
    await clock.advance(0)
    expect(memory.sink('a').values).toEqual([1])
  })
})

describe('closing', () => {
  it('waits until everything is delivered', async () => {
    const { bus, memory, subscribe, raise, clock } = setUp()
    subscribe('mem:a')
    let settle: () => void = () => undefined
    memory.sink('a').answer = () => new Promise(resolve => (settle = () => resolve(DELIVERED)))
    raise(1)
    let isDone = false
    const closing = bus.close(NEVER).then(() => (isDone = true))
    await clock.advance(0)
    expect(isDone).toBe(false)
    settle()
    await closing
    expect(memory.sink('a').isClosed).toBe(true)
    expect(raise(2)).toBe(0)
  })

  it('drops and counts what is left when its time is over', async () => {
    const { bus, memory, subscribe, raise, clock } = setUp()
    const subscription = subscribe('mem:a')
    memory.sink('a').turn('down')
    memory.sink('a').answer = () => AWAY
    raise(1)
    raise(2)
    const abort = new AbortController()
    const closing = bus.close(abort.signal)
    await clock.advance(60_000)
    abort.abort()
    await closing
    expect(subscription.counters).toMatchObject({ raised: 2, dropped: { closed: 2 }, queued: 0 })
  })
})

describe('one who watches', () => {
  it('is told of events that somebody is subscribed to, and makes no other event heard', () => {
    const bus = new EventBus({ clock: new VirtualClock(), log: silentLog })
    const type = bus.catalogue.define('E_WATCHED', null, 'test')
    const seen: string[] = []
    const stop = bus.watch(event => void seen.push(event.name))
    expect(bus.isHeard(type)).toBe(false)
    bus.raise(type, ['n'], [1])
    expect(seen).toEqual([])
    const stopTail = bus.tail(() => {})
    expect(bus.isHeard(type)).toBe(true)
    bus.raise(type, ['n'], [2])
    expect(seen).toEqual(['E_WATCHED'])
    stopTail()
    stop()
    bus.raise(type, ['n'], [3])
    expect(seen).toHaveLength(1)
  })
})
