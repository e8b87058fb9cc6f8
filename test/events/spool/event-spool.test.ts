import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EventBus } from '../../../src/events/bus.ts'
import type { DeadLetterLimits } from '../../../src/events/dead-letters.ts'
import { EventSpool } from '../../../src/events/spool/event-spool.ts'
import type { SubscribeRequest } from '../../../src/events/subscribe-request.ts'
import { DELIVERED, type Delivery } from '../../../src/events/transport.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { silentLog } from '../../conformance/host.ts'
import { AWAY, IMPOSSIBLE, MemoryTransport } from '../memory-transport.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-event-spool-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A bus with a spool: a run of the process, as far as events go. */
function setUp(folder = newFolder(), clock = new VirtualClock(), limits: Partial<DeadLetterLimits> = {}) {
  const spool: EventSpool = new EventSpool({
    folder,
    clock,
    log: silentLog,
    limits: {},
    typeOf: name => bus.catalogue.define(name, null, 'spool'),
  })
  const bus = new EventBus({ clock, log: silentLog, deadLetters: limits, openStore: spool.openStore })
  spool.keepFor(bus)
  const memory = new MemoryTransport()
  bus.registerTransport(memory)
  const type = bus.catalogue.define('E_X', null, 'test')
  const subscribe = (options: string, more: Partial<SubscribeRequest> = {}) =>
    bus.subscribe({ event: 'E_X', socket: `mem:a [durable ${options}]`, expireS: null, by: 'script', ...more })
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
  /** The end of the process, or what comes of it when it is killed after the disk has been waited for. */
  const stop = async (): Promise<void> => {
    await bus.close(AbortSignal.abort())
    await spool.close()
  }
  return { folder, bus, memory, spool, subscribe, raise, until, clock, stop }
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

describe('a queue that overflows to disk', () => {
  it('keeps everything while its receiver is away, in memory up to its bound, and gives it in order', async () => {
    const { bus, memory, spool, raise, until, stop } = setUp()
    await spool.start()
    const socket = 'mem:a [when_full=spool max_queue=3]'
    const subscription = bus.subscribe({ event: 'E_X', socket, expireS: null, by: 'script' })
    const sink = memory.sink('a')
    sink.answer = () => AWAY
    await until(() => spool.spool !== undefined)
    raise(...Array.from({ length: 20 }, (_, n) => n))
    await spool.spool?.flush()
    expect(subscription.counters).toMatchObject({ raised: 20, queued: 20, dropped: { overflow: 0 } })
    expect(spool.spool?.summary()).toMatchObject([{ waiting: 17 }])
    sink.answer = () => DELIVERED
    raise(20)
    await until(() => sink.values.length === 21)
    expect(sink.values).toEqual(Array.from({ length: 21 }, (_, n) => n))
    expect(spool.spool?.summary()).toMatchObject([{ waiting: 0 }])
    await stop()
  })
})

describe('durable subscriptions of management', () => {
  const mi = { by: 'mi', expireS: 600 } as const

  it('are made again in the next run, with what is left of their lifetime, and those of scripts are not', async () => {
    const first = setUp()
    await first.spool.start()
    first.subscribe('key=n', { ...mi, filter: 'n=1' })
    first.subscribe('', { event: '*' })
    first.bus.subscribe({ event: 'E_X', socket: 'mem:b', ...mi })
    await first.spool.subscriptions?.written()
    expect(statSync(join(first.folder, 'subscriptions.json')).mode & 0o777).toBe(0o600)

    const second = setUp(first.folder, new VirtualClock(first.clock.nowMs() + 400_000))
    await second.spool.start()
    second.spool.subscriptions?.restore(second.bus.subscribe.bind(second.bus))
    expect(second.bus.subscriptions().map(one => [one.filterText, one.options.text, one.expireS, one.ttl])).toEqual([
      ['n=1', 'key=n durable', 600, 200],
    ])
    await second.spool.subscriptions?.written()
    await second.stop()
    await first.stop()
  })

  it('are forgotten when they are ended, and not when the process ends', async () => {
    const first = setUp()
    await first.spool.start()
    first.subscribe('', { ...mi, filter: 'n=1' })
    first.subscribe('', { ...mi, filter: 'n=2' })
    first.bus.unsubscribe('E_X', 'mem:a', 'n=1')
    await first.stop()
    const second = setUp(first.folder)
    await second.spool.start()
    second.spool.subscriptions?.restore(second.bus.subscribe.bind(second.bus))
    expect(second.bus.subscriptions().map(one => one.filterText)).toEqual(['n=2'])
    await second.stop()
  })

  it('whose time was over before the next run send what waited, and end', async () => {
    const first = setUp()
    await first.spool.start()
    first.subscribe('', mi)
    first.memory.sink('a').answer = () => AWAY
    first.raise(1, 2)
    await first.stop()
    const second = setUp(first.folder, new VirtualClock(first.clock.nowMs() + 700_000))
    await second.spool.start()
    second.spool.subscriptions?.restore(second.bus.subscribe.bind(second.bus))
    expect(second.bus.subscriptions()).toEqual([])
    await second.until(() => second.memory.sink('a').values.length === 2)
    await second.spool.subscriptions?.written()
    expect(readFileSync(join(first.folder, 'subscriptions.json'), 'utf8')).toMatch(/^\[\]\n/)
    await second.stop()
  })

  it('stay in the file while their transport is not loaded', async () => {
    const first = setUp()
    await first.spool.start()
    first.subscribe('', mi)
    await first.stop()
    const second = setUp(first.folder)
    await second.spool.start()
    second.spool.subscriptions?.restore(() => {
      throw new Error('no transport has the scheme "mem"')
    })
    second.subscribe('', { ...mi, filter: 'n=7' })
    await second.stop()
    const third = setUp(first.folder)
    await third.spool.start()
    third.spool.subscriptions?.restore(third.bus.subscribe.bind(third.bus))
    expect(third.bus.subscriptions().map(one => one.filterText)).toEqual(['n=7', null])
    await third.stop()
  })

  it('are lost with a file that is damaged, which is put aside', async () => {
    const first = setUp()
    await first.spool.start()
    first.subscribe('', mi)
    await first.stop()
    const path = join(first.folder, 'subscriptions.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('E_X', 'E_Y'))
    const second = setUp(first.folder)
    await second.spool.start()
    second.spool.subscriptions?.restore(second.bus.subscribe.bind(second.bus))
    expect(second.bus.subscriptions()).toEqual([])
    expect(readFileSync(`${path}.bad`, 'utf8')).toContain('E_Y')
    await second.stop()
  })
})

describe('dead letters', () => {
  /** A run in which everything is refused for good. */
  async function refusing(...run: Parameters<typeof setUp>) {
    const rig = setUp(...run)
    await rig.spool.start()
    rig.subscribe('')
    rig.memory.sink('a').answer = () => IMPOSSIBLE
    return rig
  }
  const values = ({ bus }: ReturnType<typeof setUp>): unknown[] =>
    bus.deadLetters.list().map(({ event }) => event.values[0])

  it('are there again in the next run, but those that were sent again or purged', async () => {
    const first = await refusing()
    first.raise(1, 2, 3, 4)
    await first.until(() => first.bus.deadLetters.count === 4)
    const [four] = first.bus.deadLetters.list()
    expect(first.bus.deadLetters.remove(({ event }) => event.values[0] === 2)).toBe(1)
    first.memory.sink('a').answer = () => DELIVERED
    expect(first.bus.retryDeadLetters(({ event }) => event.values[0] === 3)).toBe(1)
    await first.until(() => first.memory.sink('a').values.length === 1)
    await first.stop()

    const second = await refusing(first.folder)
    await second.until(() => second.bus.deadLetters.count === 2)
    expect(values(second)).toEqual([4, 1])
    const [again] = second.bus.deadLetters.list()
    expect(again?.event.id).toBe(four?.event.id)
    expect(again).toMatchObject({ subscribed: 'E_X', socket: 'mem:a', attempts: 1, error: { code: 'E_TOO_LARGE' } })
    second.memory.sink('a').answer = () => DELIVERED
    expect(second.bus.retryDeadLetters()).toBe(2)
    await second.until(() => second.memory.sink('a').values.length === 2)
    await second.stop()

    const third = setUp(first.folder)
    await third.spool.start()
    await third.clock.advance(1000)
    expect(values(third)).toEqual([])
    await third.stop()
  })

  it('are bounded on disk as in memory, in number and in age', async () => {
    const first = await refusing(newFolder(), new VirtualClock(), { most: 3 })
    first.raise(1, 2, 3, 4, 5)
    await first.until(() => first.bus.deadLetters.count === 5)
    await first.stop()
    const second = setUp(first.folder, new VirtualClock(first.clock.nowMs() + 5000), { most: 10, maxAgeMs: 10_000 })
    await second.spool.start()
    await second.until(() => second.bus.deadLetters.count === 3)
    expect(values(second)).toEqual([5, 4, 3])
    await second.clock.advance(60_000)
    expect(values(second)).toEqual([])
    await second.stop()
  })

  it('alone make no folder', async () => {
    const rig = setUp(join(newFolder(), 'not-there'))
    await rig.spool.start()
    rig.bus.subscribe({ event: 'E_X', socket: 'mem:a', expireS: null, by: 'script' })
    rig.memory.sink('a').answer = () => IMPOSSIBLE
    rig.raise(1)
    await rig.until(() => rig.bus.deadLetters.count === 1)
    expect(() => statSync(rig.folder)).toThrow('ENOENT')
    await rig.stop()
  })
})
