import { describe, expect, it } from 'vitest'
import { ALARM_EVENTS } from '../../src/events/alarm-events.ts'
import { EventBus } from '../../src/events/bus.ts'
import { DeadLetters } from '../../src/events/dead-letters.ts'
import type { DeliveryPolicy } from '../../src/events/policy.ts'
import { DELIVERED, DeliveryError } from '../../src/events/transport.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { silentLog } from '../conformance/host.ts'
import { sampleEvent } from '../conformance/sample.ts'
import { AWAY, DOUBTFUL, IMPOSSIBLE, MemoryTransport, REFUSED } from './memory-transport.ts'

function setUp(policy: Partial<DeliveryPolicy> = {}) {
  const clock = new VirtualClock()
  const bus = new EventBus({ clock, log: silentLog, policy, node: 'n1' })
  const memory = new MemoryTransport()
  bus.registerTransport(memory)
  const type = bus.catalogue.define('E_X', null, 'test')
  for (const [name, spec] of Object.entries(ALARM_EVENTS)) bus.catalogue.define(name, spec, 'evi')
  const subscribe = (socket: string, event = 'E_X') => bus.subscribe({ event, socket, expireS: null, by: 'script' })
  return { clock, bus, memory, type, subscribe }
}

describe('dead letters', () => {
  it('are events refused for good, or once too often, with the reason and the attempts', async () => {
    const { clock, bus, memory, type, subscribe } = setUp()
    subscribe('mem:a [retries=2 retry_max=1s]')
    memory.sink('a').answer = event =>
      event.values[0] === 1 ? IMPOSSIBLE : event.values[0] === 2 ? REFUSED : DELIVERED
    for (const n of [1, 2, 3]) bus.raise(type, null, [n])
    await clock.advance(10_000)
    const told = bus.deadLetters
      .list()
      .map(({ event, error, attempts, socket }) => [event.values[0], error.code, attempts, socket])
    expect(told).toEqual([
      [2, 'E_REFUSED', 3, 'mem:a'],
      [1, 'E_TOO_LARGE', 1, 'mem:a'],
    ])
    expect(memory.sink('a').values).toEqual([3])
  })

  it('do not come of a receiver that is away, however long', async () => {
    const { clock, bus, memory, type, subscribe } = setUp({ maxAttempts: 1 })
    subscribe('mem:a')
    memory.sink('a').answer = () => AWAY
    bus.raise(type, null, [1])
    await clock.advance(600_000)
    expect(bus.deadLetters.count).toBe(0)
  })

  it('can be sent again, with the same id', async () => {
    const { clock, bus, memory, type, subscribe } = setUp({ maxAttempts: 1 })
    const subscription = subscribe('mem:a')
    memory.sink('a').answer = () => DOUBTFUL
    bus.raise(type, null, [1])
    await clock.advance(0)
    memory.sink('a').answer = () => DELIVERED
    const [letter] = bus.deadLetters.list()
    expect(bus.retryDeadLetters(one => one === letter)).toBe(1)
    await clock.advance(0)
    expect(memory.sink('a').taken[0]?.id).toBe(letter?.event.id)
    expect(bus.deadLetters.list()).toEqual([])
    expect(subscription.counters).toMatchObject({ raised: 2, delivered: 1, failed: 1 })
  })

  it('are bounded in number and in memory', () => {
    const letter = (values: string[]) => ({
      event: sampleEvent('E', null, values),
      subscribed: 'E',
      filterText: null,
      socket: 'mem:a',
      error: new DeliveryError('E_REFUSED', 'no'),
      attempts: 1,
      diedAtMs: 0,
    })
    const box = new DeadLetters(new VirtualClock(0), { most: 3, mostBytes: 10_000 })
    for (let n = 0; n < 5; n++) box.add(letter([String(n)]))
    expect(box.list().map(({ number }) => number)).toEqual([5, 4, 3])
    box.add(letter(['x'.repeat(9_500)]))
    expect(box.list().map(({ number }) => number)).toEqual([6, 5])
    expect(box.count).toBe(6)
  })
})

describe('what the bus tells of its deliveries', () => {
  const names = (events: readonly { name: string }[]) => events.map(({ name }) => name)

  it('is E_EVI_FAILURE when they are held up and E_EVI_RECOVERED when they go on', async () => {
    const { clock, bus, memory, type, subscribe } = setUp()
    subscribe('mem:a')
    for (const event of Object.keys(ALARM_EVENTS)) subscribe('mem:alarms', event)
    memory.sink('a').turn('down')
    memory.sink('a').answer = () => AWAY
    for (const n of [1, 2]) bus.raise(type, null, [n])
    await clock.advance(30_000)
    memory.sink('a').answer = () => DELIVERED
    memory.sink('a').turn('up')
    for (let turn = 0; turn < 5; turn++) await clock.advance(1)
    const [failure, recovered] = memory.sink('alarms').taken
    expect(names(memory.sink('alarms').taken)).toEqual(['E_EVI_FAILURE', 'E_EVI_RECOVERED'])
    expect(failure?.values.slice(0, 5)).toEqual(['E_X', 'mem:a', 'held', 'E_NOT_CONNECTED', 'away'])
    expect(recovered?.values.slice(0, 2)).toEqual(['E_X', 'mem:a'])
  })

  it('is E_EVI_LAG when much waits, once', async () => {
    const { clock, bus, memory, type, subscribe } = setUp({ maxQueued: 10 })
    subscribe('mem:a')
    subscribe('mem:alarms', 'E_EVI_LAG')
    memory.sink('a').answer = () => AWAY
    for (let n = 0; n < 9; n++) {
      bus.raise(type, null, [n])
      await clock.advance(1)
    }
    await clock.advance(10)
    expect(memory.sink('alarms').taken.map(({ values }) => values[2])).toEqual([6])
  })

  it('is one event for a storm of losses, and another ten seconds later with their number', async () => {
    const { clock, bus, memory, type, subscribe } = setUp()
    subscribe('mem:a')
    subscribe('mem:alarms', 'E_EVI_FAILURE')
    memory.sink('a').answer = () => IMPOSSIBLE
    for (let n = 0; n < 100; n++) bus.raise(type, null, [n])
    for (let turn = 0; turn < 9; turn++) await clock.advance(1_000)
    expect(memory.sink('alarms').taken.map(({ values }) => [values[2], values[5]])).toEqual([['dead', 1]])
    for (let turn = 0; turn < 4; turn++) await clock.advance(500)
    expect(memory.sink('alarms').taken.map(({ values }) => [values[2], values[5]])).toEqual([
      ['dead', 1],
      ['dead', 99],
    ])
  })

  it('never leads to itself, though those who listen to it fail as well', async () => {
    const { clock, bus, memory, type, subscribe } = setUp({ maxQueued: 4 })
    subscribe('mem:a')
    const all = subscribe('mem:all', '*')
    const alarms = subscribe('mem:alarms', 'E_EVI_FAILURE')
    for (const name of ['a', 'all', 'alarms']) memory.sink(name).answer = () => IMPOSSIBLE
    for (let n = 0; n < 50; n++) bus.raise(type, null, [n])
    await clock.advance(600_000)
    expect(alarms.counters.raised).toBeLessThan(10)
    expect(all.counters.raised).toBeLessThan(65)
  })
})
