import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { type RunningProxy, startFile } from '../../src/main.ts'
import { AmqpQueue } from '../support/amqp-queue.ts'
import { freePort } from '../support/ports.ts'
import { RabbitMqBroker } from '../support/rabbitmq-broker.ts'
import { sipp } from '../support/sipp.ts'

const QUICKSTART = join(import.meta.dirname, '..', '..', 'examples', 'quickstart.cfg')
const USERS = 1000
const CALLS = 200
const QUEUE = 'registrations'
const EVENTS = [
  'E_UL_AOR_INSERT',
  'E_UL_CONTACT_INSERT',
  'E_UL_CONTACT_UPDATE',
  'E_UL_CONTACT_DELETE',
  'E_UL_AOR_DELETE',
]

// The broker is one of its own: it is killed. `rabbitmqUrl` says whether there can be one; `sippMissing` whether there is SIPp.
const isPossible = inject('rabbitmqUrl') !== null && inject('sippMissing') === null

describe.skipIf(!isPossible)('quickstart.cfg under SIPp while RabbitMQ is killed and restarted', () => {
  let broker: RabbitMqBroker
  let proxy: RunningProxy
  let port: number
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-outage-'))

  beforeAll(async () => {
    broker = await RabbitMqBroker.start()
    port = await freePort()
    const [http, receiver] = [await freePort(), await freePort()]
    const started = await startFile({
      file: QUICKSTART,
      sockets: [`udp:127.0.0.1:${port}`, `tcp:127.0.0.1:${port}`],
      rewrite: text =>
        text
          .replaceAll('/tmp/fanfare.events', join(folder, 'events'))
          .replaceAll('udp:127.0.0.1:8081', `udp:127.0.0.1:${receiver}`)
          .replace('loadmodule "mi_http.so"', `loadmodule "mi_http.so"\nmodparam("httpd", "port", ${http})`),
      write: () => {},
    })
    if (started.proxy === null) throw new Error(started.text)
    proxy = started.proxy
    const queue = await AmqpQueue.open(broker.url, { name: QUEUE, durable: true })
    await queue.close()
    for (const event of EVENTS)
      await proxy.host.mi.call('event_subscribe', [event, `rabbitmq:${broker.hostPort}/persistent?${QUEUE}`, 3600])
  }, 120_000)

  afterAll(async () => {
    await proxy?.stop(AbortSignal.timeout(5000))
    await broker?.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  const subscriptions = () =>
    EVENTS.flatMap(event => proxy.host.bus.subscriptions(event)).filter(s => s.socket.startsWith('rabbitmq:'))
  const balance = () =>
    subscriptions().map(({ event, counters: c }) => {
      const dropped = Object.values(c.dropped).reduce((sum, n) => sum + n, 0)
      return { event, raised: c.raised, accounted: c.delivered + c.failed + dropped + c.queued + c.inFlight }
    })

  it(`registers ${USERS} users and runs ${CALLS} calls with no failure, and accounts for every event`, {
    timeout: 300_000,
  }, async () => {
    const uasPort = await freePort()
    const uas = sipp('uas', ['-p', String(uasPort)])
    onTestFinished(() => uas.end())
    const registering = sipp(
      'register',
      [`127.0.0.1:${port}`, '-m', String(USERS), '-r', '250', '-p', String(await freePort())],
      {
        uas_port: uasPort,
      },
    )
    await raisedAtLeast(USERS / 4)
    await broker.kill()
    const registered = await registering.result
    expect(registered, registered.output).toMatchObject({ status: 0 })
    expect(balance().every(({ raised, accounted }) => raised === accounted)).toBe(true)

    const calling = sipp('uac', [
      `127.0.0.1:${port}`,
      '-m',
      String(CALLS),
      '-r',
      '40',
      '-p',
      String(await freePort()),
      '-d',
      '300',
    ])
    await broker.restart()
    const called = await calling.result
    expect(called, called.output).toMatchObject({ status: 0 })
    uas.end()
    await uas.result

    await settled()
    expect(balance()).toEqual(balance().map(entry => ({ ...entry, accounted: entry.raised })))
    const inserted = subscriptions().find(s => s.event === 'E_UL_CONTACT_INSERT')?.counters
    expect(inserted).toMatchObject({ raised: USERS, delivered: USERS, failed: 0, queued: 0, inFlight: 0 })
    expect(await distinctInQueue()).toBeGreaterThanOrEqual(2 * USERS)
    expect(proxy.host.stats.find('usrloc:registered_users')?.read()).toBe(USERS)
  })

  /** Waits until so many events were raised. */
  async function raisedAtLeast(count: number): Promise<void> {
    await condition(() => subscriptions().reduce((sum, s) => sum + s.counters.raised, 0) >= count)
  }

  /** Waits until nothing is queued or in flight any more. */
  const settled = (): Promise<void> =>
    condition(() => subscriptions().every(({ counters: c }) => c.queued + c.inFlight === 0))

  async function condition(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise(resolve => setImmediate(resolve))
  }

  /** Different messages in the queue: what was sent twice across the outage has one id. */
  async function distinctInQueue(): Promise<number> {
    const queue = await AmqpQueue.open(broker.url, { name: QUEUE, durable: true })
    await queue.arrived(2 * USERS)
    const ids = new Set(queue.messages.map(message => message.properties.messageId))
    await queue.close()
    return ids.size
  }
})
