import { describe, expect, it } from 'vitest'
import { EventBus } from '../../../src/events/bus.ts'
import { systemClock } from '../../../src/util/clock.ts'
import rabbitmq from '../../../transports/rabbitmq/index.ts'
import { setUpTransport, silentLog } from '../../conformance/host.ts'
import { whenUp } from '../../conformance/transport.ts'
import { freePort } from '../../support/ports.ts'
import { atEnd, login, opened, ownQueue, ownRelay, PATIENT, sendOne, url, whenDown } from './rig.ts'

describe.skipIf(url === null)('a rabbitmq socket with several brokers', () => {
  it('uses the first that can be used, and says which', async () => {
    const [queue, relay, closed] = await Promise.all([ownQueue(), ownRelay(), freePort()])
    const transport = opened()
    const sink = transport.open(`rabbitmq:${login}@127.0.0.1:${closed},127.0.0.1:${relay.port}/${queue.name}`)
    await whenUp(sink)
    expect(sink.health.receiver).toBe(`127.0.0.1:${relay.port}`)
    expect(await sendOne(transport, sink)).toEqual({ outcome: 'delivered' })
  })

  it('goes on at another when the one in use is lost, and comes back when that is lost too', async () => {
    const [queue, one, two] = await Promise.all([ownQueue(), ownRelay(), ownRelay()])
    const transport = opened()
    const sink = transport.open(`rabbitmq:${login}@127.0.0.1:${one.port},127.0.0.1:${two.port}/${queue.name}`)
    await whenUp(sink)
    expect(sink.health.receiver).toBe(`127.0.0.1:${one.port}`)
    await one.stop()
    await whenDown(sink)
    expect(sink.health.receiver).toBeUndefined()
    await whenUp(sink)
    expect(sink.health.receiver).toBe(`127.0.0.1:${two.port}`)
    expect(await sendOne(transport, sink)).toEqual({ outcome: 'delivered' })
    await one.start()
    await two.stop()
    await whenDown(sink)
    await whenUp(sink)
    expect(sink.health.receiver).toBe(`127.0.0.1:${one.port}`)
    expect(await sendOne(transport, sink)).toEqual({ outcome: 'delivered' })
  })

  it('passes over one that hangs instead of confirming', async () => {
    const [queue, one, two] = await Promise.all([ownQueue(), ownRelay(), ownRelay()])
    const transport = opened({ timeout: 200 })
    const sink = transport.open(`rabbitmq:${login}@127.0.0.1:${one.port},127.0.0.1:${two.port}/${queue.name}`)
    await whenUp(sink)
    one.hang()
    expect(await sendOne(transport, sink)).toMatchObject({ outcome: 'unknown', error: { code: 'E_TIMEOUT' } })
    while ((await sendOne(transport, sink)).outcome !== 'delivered') await transport.pause()
    expect(sink.health.receiver).toBe(`127.0.0.1:${two.port}`)
  })

  it('is down where none can be used, and says why for each', async () => {
    const [one, two] = await Promise.all([freePort(), freePort()])
    const sink = opened().open(`rabbitmq:${login}@127.0.0.1:${one},127.0.0.1:${two}/q`)
    await whenDown(sink)
    expect(sink.health.lastError?.message).toMatch(/none of the brokers can be used: .*; /)
    for (const port of [one, two]) expect(sink.health.lastError?.message).toContain(`127.0.0.1:${port}`)
  })

  it('shares the connection of a socket that names one of them', async () => {
    const [queue, relay] = await Promise.all([ownQueue(), ownRelay()])
    const transport = opened()
    const alone = transport.open(`rabbitmq:${login}@127.0.0.1:${relay.port}/${queue.name}`)
    const several = transport.open(`rabbitmq:${login}@127.0.0.1:${relay.port},192.0.2.1/${queue.name}`)
    await Promise.all([whenUp(alone), whenUp(several)])
    expect(relay.connections).toBe(1)
    expect(alone.health.receiver).toBeUndefined()
  })

  it('loses no event on the way from one to the other, and is listed with the one in use', async () => {
    const [queue, one, two] = await Promise.all([ownQueue(), ownRelay(), ownRelay()])
    const bus = new EventBus({ clock: systemClock, log: silentLog })
    atEnd(() => bus.close(AbortSignal.timeout(5000)))
    for (const transport of setUpTransport(rabbitmq, PATIENT).transports) bus.registerTransport(transport)
    const type = bus.catalogue.define('E_V', null, 'test')
    const socket = `rabbitmq:${login}@127.0.0.1:${one.port},127.0.0.1:${two.port}/${queue.name}`
    const subscription = bus.subscribe({ event: 'E_V', socket, expireS: null, by: 'script' })
    for (let n = 0; n < 600; n++) {
      bus.raise(type, ['n'], [n])
      if (n % 10 === 9) await new Promise(resolve => setImmediate(resolve))
      if (n === 300) {
        await queue.arrived(1)
        await one.stop()
      }
    }
    await subscription.whenIdle()
    expect(subscription.counters).toMatchObject({ raised: 600, delivered: 600, failed: 0, queued: 0 })
    await queue.arrived(600)
    const numbers = new Set(queue.messages.map(({ content }) => JSON.parse(content.toString()).params.n))
    expect(numbers.size).toBe(600)
    expect(subscription.report()).toMatchObject({ health: 'up', receiver: `127.0.0.1:${two.port}` })
  })
})
