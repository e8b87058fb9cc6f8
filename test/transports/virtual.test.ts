import { describe, expect, it } from 'vitest'
import { EventBus } from '../../src/events/bus.ts'
import {
  type Address,
  AddressError,
  DELIVERED,
  type Delivery,
  type Sink,
  type TransportHost,
} from '../../src/events/transport.ts'
import { systemClock } from '../../src/util/clock.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import datagram from '../../transports/datagram/index.ts'
import { parseVirtual } from '../../transports/virtual/address.ts'
import virtual from '../../transports/virtual/index.ts'
import { udpPeer, unixPeer } from '../conformance/datagram-peers.ts'
import { openTransport, setUpTransport, silentLog } from '../conformance/host.ts'
import { sampleEvent } from '../conformance/sample.ts'
import { transportConformance } from '../conformance/transport.ts'
import { AWAY, DOUBTFUL, IMPOSSIBLE, MemorySink, MemoryTransport, REFUSED } from '../events/memory-transport.ts'

const NEVER = new AbortController().signal
const UDP_PROMISES = { ordered: true, delivered: 'accepted', noticesAbsence: false } as const

transportConformance({
  name: 'PARALLEL',
  module: virtual,
  beside: [datagram],
  promises: UDP_PROMISES,
  makePeer: async () => {
    const [one, two] = [await udpPeer(), await udpPeer()]
    return {
      ...one,
      socket: `virtual:PARALLEL ${one.socket} ${two.socket}`,
      arrived: async count => {
        await one.arrived(count)
        await two.arrived(count)
      },
      close: async () => {
        await one.close()
        await two.close()
      },
    }
  },
})
transportConformance({
  name: 'FAILOVER with its first socket away',
  module: virtual,
  beside: [datagram],
  promises: UDP_PROMISES,
  makePeer: async () => {
    const peer = await udpPeer()
    return { ...peer, socket: `virtual:FAILOVER unix:/nonexistent/x.sock ${peer.socket}` }
  },
})
transportConformance({
  name: 'ROUND-ROBIN over a socket that comes and goes',
  module: virtual,
  beside: [datagram],
  makePeer: async () => {
    const peer = await unixPeer()
    return { ...peer, socket: `virtual:ROUND-ROBIN ${peer.socket} ${peer.socket}` }
  },
})

const host: Pick<TransportHost, 'parse'> = {
  parse: text => {
    if (text.startsWith('secret:')) return { scheme: 'secret', text: 'secret:***', key: text }
    if (!text.startsWith('mem:')) throw new AddressError(`no transport has the scheme "${text.split(':')[0]}"`, text, 0)
    return new MemoryTransport().parse(text.slice(4))
  },
}

describe('a virtual socket text', () => {
  it('is printed with single blanks and masked secrets', () => {
    expect(parseVirtual(' PARALLEL  mem:a\t secret:pw ', host).text).toBe('virtual:PARALLEL mem:a secret:***')
  })

  it('is the same as another by its policy and sockets, in any order for PARALLEL only', () => {
    const key = (text: string): string => parseVirtual(text, host).key
    expect(key('PARALLEL mem:a mem:b')).toBe(key('PARALLEL  mem:B mem:a'))
    expect(key('PARALLEL mem:a')).not.toBe(key('PARALLEL mem:a mem:a'))
    expect(key('FAILOVER mem:a mem:b')).not.toBe(key('FAILOVER mem:b mem:a'))
    expect(key('FAILOVER mem:a mem:b')).not.toBe(key('ROUND-ROBIN mem:a mem:b'))
    expect(key('FAILOVER secret:a')).not.toBe(key('FAILOVER secret:b'))
  })

  it('can stand in parentheses where a socket can', () => {
    const text = 'FAILOVER (PARALLEL mem:a (QUORUM 1 mem:b mem:c)) (WEIGHTED mem:d*3 (HASH(callid) mem:e mem:f)*2)'
    expect(parseVirtual(text, host).text).toBe(`virtual:${text}`)
    expect(parseVirtual(` FAILOVER ( PARALLEL  mem:a mem:b ) mem:c`, host).text).toBe(
      'virtual:FAILOVER (PARALLEL mem:a mem:b) mem:c',
    )
    expect(parseVirtual('WEIGHTED mem:a*3 mem:b', host).text).toBe('virtual:WEIGHTED mem:a*3 mem:b*1')
    const swapped = ['FAILOVER (PARALLEL mem:a mem:b) mem:c', 'FAILOVER (PARALLEL mem:b mem:a) mem:c']
    expect(new Set(swapped.map(one => parseVirtual(one, host).key)).size).toBe(1)
  })

  it.each<[string, string, number]>([
    ['FAILOVER (PARALLEL mem:a', 'this "(" is not closed', 9],
    ['FAILOVER mem:a)', 'this ")" closes nothing', 14],
    ['FAILOVER (mem:a)', 'before the sub-sockets', 10],
    ['FAILOVER (PARALLEL )', 'PARALLEL needs at least one sub-socket', 19],
    ['FAILOVER mem:a*2', 'a weight is for WEIGHTED only', 9],
    ['QUORUM mem:a', 'QUORUM is followed by how many', 7],
    ['QUORUM 3 mem:a mem:b', 'QUORUM 3 needs at least 3 sub-sockets', 0],
    ['HASH mem:a', 'HASH(field)', 0],
    ['', 'HASH(field); found nothing', 0],
    [' failover mem:a', 'in upper case; found "failover"', 1],
    ['mem:a mem:b', 'before the sub-sockets', 0],
    ['PARALLEL', 'PARALLEL needs at least one sub-socket', 8],
    ['FAILOVER foo:1 mem:a', 'sub-socket 1 (foo): no transport has the scheme "foo"', 9],
    ['FAILOVER mem:a mem:!', 'sub-socket 2 (mem): "!" is not a name', 15],
  ])('%j is refused: %s', (text, message, offset) => {
    try {
      parseVirtual(text, host)
    } catch (error) {
      expect(error).toBeInstanceOf(AddressError)
      expect((error as AddressError).message).toContain(message)
      expect((error as AddressError).offset).toBe(offset)
      return
    }
    throw new Error('nothing was thrown')
  })

  it('is parsed as the examples say', () => {
    const transport = openTransport([virtual, datagram])
    for (const example of virtual.spec.examples) expect(transport.parse(example).text).toBe(example.replace(/ +/g, ' '))
  })
})

/** A virtual sink over sinks in memory, one for each name. */
function compose(policy: string, names: readonly string[], failoverTimeoutS = 30) {
  const clock = new VirtualClock()
  const { transports } = setUpTransport(virtual, { failover_timeout: failoverTimeoutS }, clock)
  const [transport] = transports
  if (transport === undefined) throw new Error('no transport')
  const children = names.map(() => new MemorySink())
  const left = [...children]
  const parse = (text: string): Address => host.parse(text)
  const inner = { clock, log: silentLog, parse, sink: () => left.shift() as Sink }
  const address = transport.parse(`${policy} ${names.map(name => `mem:${name}`).join(' ')}`, inner as never)
  const sink = transport.open(address, inner as unknown as TransportHost)
  let next = 0
  const event = () => sampleEvent('E', ['n'], [next++])
  const send = async (one = event()) => (await sink.send(one, clock.monotonicMs() + 9_000)).outcome
  return { clock, children, sink, send, event }
}

describe('FAILOVER', () => {
  it('sends to the first and to no other while it delivers', async () => {
    const { children, send } = compose('FAILOVER', ['a', 'b'])
    for (let i = 0; i < 3; i++) expect(await send()).toBe('delivered')
    expect(children.map(child => child.values)).toEqual([[0, 1, 2], []])
  })

  it('goes on by the real outcome, at once or later, and lets the one that failed rest', async () => {
    const { children, send, clock } = compose('FAILOVER', ['a', 'b'])
    children[0]!.answer = () => Promise.resolve(REFUSED)
    expect(await send()).toBe('delivered')
    expect(children[0]!.attempts).toHaveLength(1)
    children[0]!.answer = () => DELIVERED
    await clock.advance(29_999)
    expect(await send()).toBe('delivered')
    expect(children[0]!.attempts).toHaveLength(1)
    await clock.advance(1)
    expect(await send()).toBe('delivered')
    expect(children.map(child => child.values)).toEqual([[2], [0, 1]])
  })

  it('lets the first rest for failover_timeout even after an event that was only too large', async () => {
    const { children, send, clock } = compose('FAILOVER', ['a', 'b'], 3)
    children[0]!.answer = () => IMPOSSIBLE
    expect(await send()).toBe('delivered')
    children[0]!.answer = () => DELIVERED
    await clock.advance(2_000)
    await send()
    await clock.advance(1_000)
    await send()
    expect(children.map(child => child.values)).toEqual([[2], [0, 1]])
  })

  it('tells the breaker of each: closed, open while it rests, half-open until an event has tried it', async () => {
    const { children, send, sink, clock } = compose('FAILOVER', ['a', 'b'])
    const told = () => sink.children?.().map(({ socket, breaker }) => [socket, breaker])
    children[0]!.answer = () => REFUSED
    await send()
    expect(told()).toEqual([
      ['mem:a', 'open'],
      ['mem:b', 'closed'],
    ])
    await clock.advance(30_000)
    expect(told()?.[0]).toEqual(['mem:a', 'half-open'])
    await send()
    expect(told()?.[0]).toEqual(['mem:a', 'open'])
    await clock.advance(30_000)
    children[0]!.answer = () => DELIVERED
    await send()
    expect(told()?.[0]).toEqual(['mem:a', 'closed'])
    expect(compose('PARALLEL', ['a']).sink.children?.()[0]?.breaker).toBeUndefined()
  })

  it('tries one that has rested with one event, while the others go on to the next', async () => {
    const { children, send, clock } = compose('FAILOVER', ['a', 'b'])
    children[0]!.answer = () => REFUSED
    await send()
    await clock.advance(30_000)
    const probe = Promise.withResolvers<Delivery>()
    children[0]!.answer = () => probe.promise
    const first = send()
    expect(await send()).toBe('delivered')
    expect(await send()).toBe('delivered')
    probe.resolve(DELIVERED)
    expect(await first).toBe('delivered')
    children[0]!.answer = () => DELIVERED
    await send()
    expect(children.map(child => child.values)).toEqual([
      [1, 4],
      [0, 2, 3],
    ])
  })

  it('takes back at once one that says it is up', async () => {
    const { children, send } = compose('FAILOVER', ['a', 'b'])
    children[0]!.turn('down')
    children[0]!.answer = () => AWAY
    await send()
    children[0]!.answer = () => DELIVERED
    children[0]!.turn('up')
    await send()
    expect(children.map(child => child.values)).toEqual([[1], [0]])
  })

  it('tries all when all rest', async () => {
    const { children, send } = compose('FAILOVER', ['a', 'b'])
    for (const child of children) child.answer = () => REFUSED
    expect(await send()).toBe('failed')
    expect(await send()).toBe('failed')
    expect(children.map(child => child.attempts.length)).toEqual([2, 2])
    children[1]!.answer = () => DELIVERED
    expect(await send()).toBe('delivered')
  })

  it('goes on when it is not known whether the event was taken', async () => {
    const { children, send } = compose('FAILOVER', ['a', 'b'])
    children[0]!.answer = () => Promise.resolve(DOUBTFUL)
    expect(await send()).toBe('delivered')
    children[1]!.answer = () => REFUSED
    children[0]!.answer = () => DOUBTFUL
    expect(await send()).toBe('failed')
  })

  it('is in doubt when one may have taken the event and none has', async () => {
    const { children, send } = compose('FAILOVER', ['a', 'b'])
    children[0]!.answer = () => DOUBTFUL
    children[1]!.answer = () => REFUSED
    expect(await send()).toBe('unknown')
  })

  it('gives each an equal share of the time left', async () => {
    const { children, send } = compose('FAILOVER', ['a', 'b', 'c'])
    const deadlines: number[] = []
    for (const child of children)
      child.answer = (_, deadlineMs) => {
        deadlines.push(deadlineMs)
        return REFUSED
      }
    await send()
    expect(deadlines).toEqual([3_000, 4_500, 9_000])
  })

  it('is up while any of them is', () => {
    const { children, sink } = compose('FAILOVER', ['a', 'b'])
    const told: string[] = []
    sink.onHealth(() => told.push(sink.health.state))
    children[0]!.turn('down')
    expect(sink.health.state).toBe('up')
    children[1]!.turn('down')
    children[0]!.turn('up')
    expect(told).toEqual(['down', 'up'])
  })

  it('refuses for good only what all refuse for good', async () => {
    const { children, sink, event } = compose('FAILOVER', ['a', 'b'])
    children[0]!.answer = () => IMPOSSIBLE
    children[1]!.answer = () => REFUSED
    expect(await sink.send(event(), 1)).toMatchObject({ error: { permanent: false } })
    children[1]!.answer = () => IMPOSSIBLE
    expect(await sink.send(event(), 1)).toMatchObject({ error: { permanent: true } })
  })
})

describe('ROUND-ROBIN', () => {
  it('takes turns', async () => {
    const { children, send } = compose('ROUND-ROBIN', ['a', 'b', 'c'])
    for (let i = 0; i < 6; i++) await send()
    expect(children.map(child => child.values)).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ])
  })

  it('moves on after a failure, and the event goes to the next', async () => {
    const { children, send } = compose('ROUND-ROBIN', ['a', 'b'])
    children[0]!.answer = () => REFUSED
    for (let i = 0; i < 4; i++) expect(await send()).toBe('delivered')
    expect(children[1]!.values).toEqual([0, 1, 2, 3])
  })

  it('leaves out those that are away', async () => {
    const { children, send } = compose('ROUND-ROBIN', ['a', 'b', 'c'])
    children[1]!.answer = () => AWAY
    for (let i = 0; i < 6; i++) expect(await send()).toBe('delivered')
    expect(children[1]!.attempts).toHaveLength(1)
    expect(children[0]!.values.length + children[2]!.values.length).toBe(6)
  })

  it('tries them all the same when none is up', async () => {
    const { children, send } = compose('ROUND-ROBIN', ['a', 'b'])
    for (const child of children) child.turn('connecting')
    expect(await send()).toBe('delivered')
  })
})

describe('PARALLEL as a sink', () => {
  it('sends to all whatever happens to one; the outcome is the worst', async () => {
    const { children, send } = compose('PARALLEL', ['a', 'b', 'c'])
    expect(await send()).toBe('delivered')
    children[0]!.answer = () => REFUSED
    children[1]!.answer = () => Promise.resolve(DOUBTFUL)
    expect(await send()).toBe('unknown')
    expect(children[2]!.values).toEqual([0, 1])
  })

  it('sends again only to those that did not take the event', async () => {
    const { children, sink, event } = compose('PARALLEL', ['a', 'b', 'c'])
    const one = event()
    children[1]!.answer = () => REFUSED
    children[2]!.answer = () => IMPOSSIBLE
    expect(await sink.send(one, 1)).toMatchObject({ error: { permanent: false } })
    children[1]!.answer = () => DELIVERED
    expect(await sink.send(one, 1)).toMatchObject({ outcome: 'failed', error: { permanent: true } })
    expect(children.map(child => child.attempts.length)).toEqual([1, 2, 1])
  })
})

describe('a virtual subscription', () => {
  function setUp() {
    const clock = new VirtualClock()
    const bus = new EventBus({ clock, log: silentLog })
    const memory = new MemoryTransport()
    bus.registerTransport(memory)
    for (const transport of setUpTransport(virtual, {}, clock).transports) bus.registerTransport(transport)
    const type = bus.catalogue.define('E_X', null, 'script')
    const subscribe = (socket: string) => bus.subscribe({ event: 'E_X', socket, expireS: null, by: 'script' })
    return { clock, bus, memory, type, subscribe }
  }

  it('to PARALLEL holds up no socket for another, and repeats for none that took the event', async () => {
    const { clock, bus, memory, type, subscribe } = setUp()
    const subscription = subscribe('virtual:PARALLEL mem:a mem:b')
    memory.sink('a').turn('down')
    memory.sink('a').answer = () => AWAY
    for (const n of [1, 2, 3]) bus.raise(type, null, [n])
    await clock.advance(60_000)
    expect(memory.sink('b').values).toEqual([1, 2, 3])
    expect(subscription.health.state).toBe('down')
    expect(subscription.counters).toMatchObject({ raised: 3, delivered: 0, queued: 3 })
    expect(subscription.lanes.map(lane => [lane.socket, lane.counters.delivered])).toEqual([
      ['mem:a', 0],
      ['mem:b', 3],
    ])
    memory.sink('a').answer = () => DELIVERED
    memory.sink('a').turn('up')
    await clock.advance(0)
    expect(memory.sink('a').values).toEqual([1, 2, 3])
    expect(memory.sink('b').attempts).toHaveLength(3)
  })

  it('to PARALLEL counts each event once, whatever others that go several ways do with it', async () => {
    const { clock, bus, memory, type, subscribe } = setUp()
    const sockets = ['mem:a mem:b', 'mem:b mem:c', 'mem:c mem:a'].map(two => `virtual:PARALLEL ${two}`)
    const subscriptions = sockets.map(subscribe)
    memory.sink('c').answer = ({ sequence }) => (sequence % 2 === 0 ? IMPOSSIBLE : DELIVERED)
    for (let n = 0; n < 10; n++) bus.raise(type, null, [n])
    await clock.advance(1)
    expect(subscriptions.map(({ counters }) => counters)).toMatchObject([
      { raised: 10, delivered: 10, failed: 0, queued: 0, inFlight: 0 },
      { raised: 10, delivered: 5, failed: 5, queued: 0, inFlight: 0 },
      { raised: 10, delivered: 5, failed: 5, queued: 0, inFlight: 0 },
    ])
  })

  it('to PARALLEL counts a dead letter of one way that is sent again while another way still has the event', async () => {
    const { clock, bus, memory, type, subscribe } = setUp()
    const subscription = subscribe('virtual:PARALLEL mem:a mem:b')
    memory.sink('a').answer = () => AWAY
    memory.sink('a').turn('down')
    memory.sink('b').answer = () => IMPOSSIBLE
    bus.raise(type, null, [1])
    await clock.advance(1)
    memory.sink('b').answer = () => DELIVERED
    expect(bus.retryDeadLetters()).toBe(1)
    await clock.advance(1)
    memory.sink('a').answer = () => DELIVERED
    memory.sink('a').turn('up')
    await clock.advance(1)
    expect(subscription.counters).toMatchObject({ raised: 2, delivered: 1, failed: 1, queued: 0, inFlight: 0 })
  })

  it('to FAILOVER holds events while all are away, and gives them in order to the first that comes back', async () => {
    const { clock, bus, memory, type, subscribe } = setUp()
    const subscription = subscribe('virtual:FAILOVER mem:a (ROUND-ROBIN mem:b mem:c)')
    for (const name of ['a', 'b', 'c']) {
      memory.sink(name).turn('down')
      memory.sink(name).answer = () => AWAY
    }
    for (let n = 1; n <= 50; n++) bus.raise(type, null, [n])
    await clock.advance(120_000)
    expect(subscription.counters).toMatchObject({ raised: 50, delivered: 0, queued: 50, failed: 0 })
    memory.sink('c').answer = () => DELIVERED
    memory.sink('c').turn('up')
    await clock.advance(1)
    expect(memory.sink('c').values).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    expect(subscription.counters).toMatchObject({ delivered: 50, queued: 0 })
  })

  it('shares its sockets with other subscriptions', () => {
    const { memory, subscribe } = setUp()
    subscribe('virtual:PARALLEL mem:a mem:b')
    subscribe('virtual:FAILOVER mem:a mem:b')
    subscribe('mem:a')
    expect(memory.opened).toBe(2)
  })

  it('releases its sockets when it ends', async () => {
    const { bus, memory, subscribe } = setUp()
    subscribe('virtual:FAILOVER mem:a mem:b')
    bus.unsubscribe('E_X', 'virtual:FAILOVER  mem:A  mem:b')
    await bus.drain(NEVER)
    expect([memory.sink('a').isClosed, memory.sink('b').isClosed]).toEqual([true, true])
  })

  it('to FAILOVER sends an event too large for a datagram to the next', async () => {
    const peer = await unixPeer()
    const bus = new EventBus({ clock: systemClock, log: silentLog })
    for (const module of [virtual, datagram])
      for (const transport of setUpTransport(module).transports) bus.registerTransport(transport)
    const memory = new MemoryTransport()
    bus.registerTransport(memory)
    const type = bus.catalogue.define('E_X', null, 'script')
    bus.subscribe({ event: 'E_X', socket: `virtual:FAILOVER ${peer.socket} mem:a`, expireS: null, by: 'script' })
    bus.raise(type, null, ['x'.repeat(70_000)])
    await bus.drain(NEVER)
    expect(memory.sink('a').taken).toHaveLength(1)
    await bus.close(NEVER)
    await peer.close()
  })
})
