import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EventBus } from '../../../src/events/bus.ts'
import { EventSpool } from '../../../src/events/spool/event-spool.ts'
import { DELIVERED, type Delivery } from '../../../src/events/transport.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { silentLog } from '../../conformance/host.ts'
import { AWAY, MemoryTransport } from '../memory-transport.ts'

function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-event-spool-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const clock = new VirtualClock()
  const spool: EventSpool = new EventSpool({
    folder,
    clock,
    log: silentLog,
    limits: {},
    typeOf: name => bus.catalogue.define(name, null, 'spool'),
  })
  const bus = new EventBus({ clock, log: silentLog, openStore: spool.openStore })
  const memory = new MemoryTransport()
  bus.registerTransport(memory)
  const type = bus.catalogue.define('E_X', null, 'test')
  const subscribe = (options: string) =>
    bus.subscribe({ event: 'E_X', socket: `mem:a [durable ${options}]`, expireS: null, by: 'mi' })
  const raise = (...values: number[]): void => {
    for (const value of values) bus.raise(type, ['n'], [value])
  }
  /** Until the disk has been waited for. */
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      await clock.advance(1)
      await turn()
    }
  }
  return { bus, memory, spool, subscribe, raise, until, clock }
}

describe('a durable subscription that is made anew with other options', () => {
  it('gets what waited, what was on its way to its receiver in vain, and what comes after', async () => {
    const { bus, memory, spool, subscribe, raise, until } = setUp()
    await spool.start()
    const old = subscribe('window=2')
    const sink = memory.sink('a')
    const answers: ((delivery: Delivery) => void)[] = []
    sink.answer = () => new Promise<Delivery>(resolve => answers.push(resolve))
    raise(1, 2, 3, 4)
    await until(() => answers.length === 2)
    const renewed = subscribe('window=3')
    expect(renewed).not.toBe(old)
    sink.answer = () => DELIVERED
    for (const answer of answers) answer(AWAY)
    raise(5)
    await until(() => renewed.counters.delivered === 5)
    expect(sink.values.toSorted()).toEqual([1, 2, 3, 4, 5])
    expect(renewed.counters).toMatchObject({ raised: 5, queued: 0, inFlight: 0 })
    expect(bus.subscriptions()).toEqual([renewed])
    await spool.close()
  })

  it('keeps what waited while its receiver was away', async () => {
    const { bus, memory, spool, subscribe, raise, until } = setUp()
    await spool.start()
    subscribe('')
    const sink = memory.sink('a')
    sink.answer = () => AWAY
    raise(1, 2, 3)
    await until(() => sink.attempts.length > 0)
    subscribe('window=3')
    sink.answer = () => DELIVERED
    raise(4)
    await until(() => sink.values.length === 4)
    expect(sink.values).toEqual([1, 2, 3, 4])
    expect(bus.subscriptions()[0]?.counters).toMatchObject({ raised: 4, delivered: 4 })
    await spool.close()
  })
})
