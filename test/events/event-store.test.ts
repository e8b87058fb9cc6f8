import { describe, expect, it } from 'vitest'
import { EventBus } from '../../src/events/bus.ts'
import type { RaisedEvent } from '../../src/events/event.ts'
import type { EventStore, StoreListener, StoreRequest } from '../../src/events/event-store.ts'
import { DELIVERED, type Delivery } from '../../src/events/transport.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { silentLog } from '../conformance/host.ts'
import { sampleEvent } from '../conformance/sample.ts'
import { AWAY, IMPOSSIBLE, MemoryTransport, REFUSED } from './memory-transport.ts'

/** A store as a spool would be: what is pushed can be shifted only once it is `committed`, and is kept until settled. */
class SlowStore implements EventStore {
  readonly request: StoreRequest
  readonly settled: [unknown, string][] = []
  closedForGood: boolean | undefined
  #listener: StoreListener | undefined
  #uncommitted: RaisedEvent[] = []
  #ready: { event: RaisedEvent; sinceMs: number; attempts: number }[] = []

  constructor(request: StoreRequest, left: readonly RaisedEvent[]) {
    this.request = request
    this.#ready = left.map(event => ({ event, sinceMs: 0, attempts: 0 }))
  }

  get length(): number {
    return this.#ready.length + this.#uncommitted.length
  }
  readonly bytes = 0
  get headSinceMs(): number {
    return this.#ready[0]?.sinceMs ?? Number.POSITIVE_INFINITY
  }
  get headAttempts(): number {
    return this.#ready[0]?.attempts ?? 0
  }
  attach(listener: StoreListener): void {
    this.#listener = listener
  }
  push(event: RaisedEvent): void {
    this.#uncommitted.push(event)
  }
  commit(): void {
    this.#ready.push(...this.#uncommitted.splice(0).map(event => ({ event, sinceMs: 0, attempts: 0 })))
    this.#listener?.ready()
  }
  shift(): RaisedEvent | undefined {
    return this.#ready.shift()?.event
  }
  unshift(event: RaisedEvent, sinceMs: number, attempts: number): void {
    this.#ready.unshift({ event, sinceMs, attempts })
  }
  settle(event: RaisedEvent, delivery: Delivery): void {
    this.settled.push([event.values[0], delivery.outcome === 'delivered' ? 'delivered' : delivery.error.code])
  }
  close(isForGood: boolean): void {
    this.closedForGood = isForGood
  }
}

function setUp(left: readonly RaisedEvent[] = []) {
  const clock = new VirtualClock()
  const stores: SlowStore[] = []
  const openStore = (request: StoreRequest): SlowStore => {
    const store = new SlowStore(request, left)
    stores.push(store)
    return store
  }
  const bus = new EventBus({ clock, log: silentLog, openStore })
  const memory = new MemoryTransport()
  bus.registerTransport(memory)
  const type = bus.catalogue.define('E_X', null, 'test')
  const subscribe = (socket: string) => bus.subscribe({ event: 'E_X', socket, expireS: null, by: 'script' })
  const turn = async () => {
    for (let i = 0; i < 5; i++) await clock.advance(1)
  }
  return { clock, bus, memory, type, subscribe, stores, turn }
}

describe.each(['mem:a [durable]', 'mem:a [durable key=n]'])('%s', socket => {
  it('is offered an event once it is committed, and settles it when the sink has it', async () => {
    const { bus, memory, type, subscribe, stores, turn } = setUp()
    const subscription = subscribe(socket)
    bus.raise(type, ['n'], [1])
    await turn()
    expect(memory.sink('a').attempts).toHaveLength(0)
    expect(subscription.counters).toMatchObject({ raised: 1, queued: 1 })
    stores[0]?.commit()
    await turn()
    expect(memory.sink('a').values).toEqual([1])
    expect(stores[0]?.settled).toEqual([[1, 'delivered']])
  })

  it('settles what is refused for good, and puts back what may yet be taken', async () => {
    const { bus, clock, memory, type, subscribe, stores, turn } = setUp()
    subscribe(socket)
    let refusals = 0
    memory.sink('a').answer = ({ values: [n] }) => (n === 1 ? IMPOSSIBLE : refusals++ < 2 ? REFUSED : DELIVERED)
    for (const n of [1, 2]) bus.raise(type, ['n'], [n])
    stores[0]?.commit()
    await clock.advance(1)
    await clock.advance(5_000)
    await turn()
    expect(stores[0]?.settled).toEqual([
      [1, 'E_TOO_LARGE'],
      [2, 'delivered'],
    ])
  })

  it('sends what an earlier run left behind, with the ids it had', async () => {
    const left = [sampleEvent('E_X', ['n'], [1]), sampleEvent('E_X', ['n'], [2])]
    const { memory, subscribe, turn } = setUp(left)
    const subscription = subscribe(socket)
    await turn()
    expect(memory.sink('a').taken.map(({ id }) => id)).toEqual(left.map(({ id }) => id))
    expect(subscription.counters).toMatchObject({ raised: 2, delivered: 2, queued: 0 })
  })

  it('leaves on disk what was on its way and came back while the process was ending', async () => {
    const { bus, memory, type, subscribe, stores, turn } = setUp()
    subscribe(socket)
    const answers: ((delivery: Delivery) => void)[] = []
    memory.sink('a').answer = () => new Promise<Delivery>(resolve => answers.push(resolve))
    for (const n of [1, 2]) bus.raise(type, ['n'], [n])
    stores[0]?.commit()
    await turn()
    const closed = bus.close(new AbortController().signal)
    await turn()
    for (const answer of answers) answer(AWAY)
    await closed
    expect(answers).toHaveLength(2)
    expect(stores[0]?.settled).toEqual([])
  })

  it('leaves what waits where it is when the process ends, and lets go of it when the subscription ends', async () => {
    for (const endsForGood of [false, true]) {
      const { bus, memory, type, subscribe, stores, turn } = setUp()
      const subscription = subscribe(socket)
      memory.sink('a').answer = () => AWAY
      for (const n of [1, 2, 3]) bus.raise(type, ['n'], [n])
      stores[0]?.commit()
      await turn()
      if (endsForGood) bus.unsubscribe('E_X', 'mem:a')
      else await bus.close(AbortSignal.abort())
      await turn()
      expect(stores[0]?.closedForGood).toBe(endsForGood)
      expect(subscription.counters.dropped.closed).toBe(endsForGood ? 3 : 0)
      expect(stores[0]?.settled).toEqual(endsForGood ? [1, 2, 3].map(n => [n, 'E_CLOSED']) : [])
    }
  })
})

describe('a durable subscription', () => {
  it('is refused where there is no spool', () => {
    const bus = new EventBus({ clock: new VirtualClock(), log: silentLog })
    bus.registerTransport(new MemoryTransport())
    bus.catalogue.define('E_X', null, 'test')
    const subscribe = () => bus.subscribe({ event: 'E_X', socket: 'mem:a [durable]', expireS: null, by: 'script' })
    expect(subscribe).toThrow('this instance has none')
  })

  it('has a name that is the same in every run and differs between subscriptions', () => {
    const names = ['mem:a [durable]', 'mem:b [durable]', 'mem:a [durable]'].map(socket => {
      const { subscribe, stores } = setUp()
      subscribe(socket)
      return stores[0]?.request.subscription
    })
    expect(names[0]).toBe(names[2])
    expect(names[0]).not.toBe(names[1])
    expect(names[0]).toMatch(/^[0-9a-f]{32}$/)
  })
})
