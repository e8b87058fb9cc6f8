import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import type { Subscription } from '../../../src/events/subscription.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { AmqpQueue } from '../../support/amqp-queue.ts'
import { freePort } from '../../support/ports.ts'
import { canStartRabbitMq, RabbitMqBroker } from '../../support/rabbitmq-broker.ts'
import { TcpRelay } from '../../support/tcp-relay.ts'
import { type EventRig, eventRig } from './event-rig.ts'
import { listed, raise } from './listed.ts'

/*
 * Receivers that are absent, dead, refusing, hung or full, under a running proxy: SIP is answered as before, the listing of
 * subscribers says what is wrong, events wait up to the bound, and every one of them is accounted for.
 */

const url = inject('rabbitmqUrl')
const PATIENCE = { timeout: 20_000, interval: 5 }
const MINUTE_MS = 60_000

/** The script raises E_V with the number it is called by; "burst" raises twenty at once. */
const script = (socket: string): string => `
startup_route { subscribe_event("E_V", "${socket}"); }
route {
  if ($rU == "burst") {
    $var(i) = 0;
    while ($var(i) < 20) { $avp(v) = NULL; $avp(v) = "b"; raise_event("E_V", , $avp(v)); $var(i) = $var(i) + 1; }
  } else { $avp(v) = $rU; raise_event("E_V", , $avp(v)); }
  sl_send_reply(200, "OK");
}
`
const PATIENT_HEAD = `
log_level=3
loadmodule "sl.so"
loadmodule "event_flatstore.so"
loadmodule "event_virtual.so"
loadmodule "event_rabbitmq.so"
modparam("event_rabbitmq", "connect_timeout", 10000)
`
const BOUND = 'event_max_queued=20\nevent_max_age=60'

const subscription = (rig: EventRig): Subscription => rig.proxy.proxy.host.bus.subscriptions('E_V')[0] as Subscription

describe('a receiver that is absent', () => {
  const RECEIVERS: readonly (readonly [name: string, socket: string, error: RegExp])[] = [
    ['rabbitmq', 'rabbitmq:127.0.0.1:@CLOSED@/q', /ECONNREFUSED|refused/],
    ['xmlrpc', 'xmlrpc:127.0.0.1:@CLOSED@:m', /ECONNREFUSED|cannot connect/],
    ['unix', 'unix:@DIR@/nobody.sock', /nobody|ENOENT|no such/i],
  ]

  it.each(RECEIVERS)(
    '(%s) holds nothing up; events wait to the bound, then the oldest go, then those too old',
    async (_, socket, error) => {
      const clock = new VirtualClock()
      const closed = String(await freePort())
      const rig = await eventRig(script(socket.replace('@CLOSED@', closed)), { clock, settings: BOUND })
      await raise(rig, 0, 30)
      await expect.poll(async () => (await listed(rig)).health, PATIENCE).toBe('down')
      const down = await listed(rig)
      expect(down).toMatchObject({ raised: 30, delivered: 0, queued: 20, dropped_overflow: 10 })
      expect(down.last_error).toMatch(error)
      await clock.advance(61_000)
      expect(await listed(rig)).toMatchObject({ raised: 30, queued: 0, dropped_overflow: 10, dropped_expired: 20 })
    },
  )

  it('is told of in the log once, not for every event', async () => {
    const clock = new VirtualClock()
    const rig = await eventRig(script(`rabbitmq:127.0.0.1:${await freePort()}/q`), { clock })
    await raise(rig, 0, 30)
    await expect.poll(async () => (await listed(rig)).health, PATIENCE).toBe('down')
    for (let seconds = 0; seconds < 60; seconds++) await clock.advance(1_000)
    await raise(rig, 30, 60)
    expect(rig.proxy.log.filter(line => line.includes('held up'))).toHaveLength(1)
  })
})

describe.skipIf(!canStartRabbitMq())('a broker that is killed', () => {
  it('loses nothing but what the bound drops; what waited arrives in order once it is back', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    const broker = await RabbitMqBroker.start()
    onTestFinished(() => broker.stop())
    const name = `fanfare.${crypto.randomUUID()}`
    await (await AmqpQueue.open(broker.url, { name, durable: true })).close()
    const rig = await eventRig(script(`rabbitmq:${broker.hostPort}/persistent?${name}`), {
      settings: BOUND,
      head: PATIENT_HEAD,
    })
    await raise(rig, 0, 10)
    await rig.settled()
    expect(await listed(rig)).toMatchObject({ health: 'up', delivered: 10 })
    await broker.kill()
    await raise(rig, 10, 50)
    await expect.poll(async () => (await listed(rig)).health, PATIENCE).toBe('down')
    const down = await listed(rig)
    expect(down.queued).toBeLessThanOrEqual(20)
    expect(down.dropped_overflow).toBeGreaterThan(0)
    await broker.restart()
    await rig.settled()
    const back = await listed(rig)
    expect(back).toMatchObject({ health: 'up', queued: 0, delivered: 50 - (back.dropped_overflow ?? 0) })
    const queue = await AmqpQueue.open(broker.url, { name, durable: true })
    onTestFinished(() => queue.close())
    await queue.arrived(back.delivered)
    const numbers = queue.messages.map(({ content }) => Number(JSON.parse(content.toString()).params[0]))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(numbers.at(-1)).toBe(49)
  })
})

describe.skipIf(url === null)('a broker', () => {
  const broker = new URL(url ?? 'amqp://guest:guest@127.0.0.1')
  const login = `${broker.username}:${broker.password}`

  /** A queue of its own, and a way to the broker that can fail. */
  async function behindRelay(): Promise<{ queue: AmqpQueue; relay: TcpRelay }> {
    const queue = await AmqpQueue.open(url ?? '')
    const relay = await TcpRelay.to(Number(broker.port || 5672))
    onTestFinished(async () => {
      await relay.stop()
      await queue.close()
    })
    return { queue, relay }
  }

  it('that refuses the password is down, is named, and the password is nowhere to be read', async () => {
    const rig = await eventRig(script(`rabbitmq:${broker.username}:s3cret-wrong@${broker.host}/q`), {
      settings: BOUND,
      head: PATIENT_HEAD,
    })
    await raise(rig, 0, 3)
    await expect.poll(async () => (await listed(rig)).last_error, PATIENCE).toMatch(/refuses user/)
    const down = await listed(rig)
    expect(down).toMatchObject({ health: 'down', queued: 3, delivered: 0 })
    expect(down.socket).toContain(':***@')
    expect(JSON.stringify(down) + rig.proxy.log.join('')).not.toContain('s3cret')
  })

  it('that is away leaves its events to the file behind it in a FAILOVER, as recorded, and gets them again once it is back', async () => {
    const { queue, relay } = await behindRelay()
    const socket = `virtual:FAILOVER rabbitmq:${login}@127.0.0.1:${relay.port}/${queue.name} flatstore:@DIR@/fallback`
    const rig = await eventRig(script(socket), { head: PATIENT_HEAD })
    const arrived = (): number[] =>
      queue.messages.map(({ content }) => Number(JSON.parse(content.toString()).params[0]))
    const written = (): number[] => {
      const lines = readFileSync(join(rig.proxy.folder, 'fallback'), { encoding: 'utf8', flag: 'a+' }).split('\n')
      return lines.slice(0, -1).map(line => Number(line.split(',')[1]))
    }
    // Until it is connected the file has the events: the first may be there.
    for (let n = 0; n < 10 || arrived().length === 0; n++) await raise(rig, -n, -n + 1).then(rig.settled)
    const before = { file: written().length, queue: arrived().length }
    await relay.stop()
    await raise(rig, 10, 20)
    await rig.settled()
    expect(written().slice(before.file)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
    await relay.start()
    let n = 20
    for (; arrived().length === before.queue; n++) await raise(rig, n, n + 1).then(rig.settled)
    await raise(rig, n, n + 10)
    await rig.settled()
    await queue.arrived(before.queue + 11)
    const all = [...written().slice(before.file), ...arrived().slice(before.queue)].sort((a, b) => a - b)
    expect(all).toEqual(Array.from({ length: n }, (_, i) => i + 10))
  })

  it('that hangs takes what is in flight and no more; the rest waits to the bound; afterwards all that is left arrives', {
    timeout: MINUTE_MS,
  }, async () => {
    const { queue, relay } = await behindRelay()
    const socket = `rabbitmq:${login}@127.0.0.1:${relay.port}/${queue.name}`
    const rig = await eventRig(script(socket), { settings: BOUND, head: PATIENT_HEAD })
    await raise(rig, 0, 1)
    await rig.settled()
    relay.hang()
    // 1024 can be in flight.
    for (let bursts = 0; bursts < 60; bursts++) expect(await rig.request('burst')).toBe(200)
    await raise(rig, 1, 10)
    const hung = await listed(rig)
    expect(hung).toMatchObject({ raised: 1210, delivered: 1, queued: 20, in_flight: 1024, dropped_overflow: 165 })
    await relay.stop()
    await relay.start()
    await rig.settled()
    const back = await listed(rig)
    expect(back).toMatchObject({ health: 'up', queued: 0 })
    expect(back.delivered + (back.dropped_overflow ?? 0)).toBe(1210)
  })
})

describe('an XML-RPC server that never answers', () => {
  it('holds up neither SIP nor the end of the proxy', async () => {
    const server = createServer(socket => socket.on('error', () => {}).resume())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const rig = await eventRig(script(`xmlrpc:127.0.0.1:${port}:m`), { settings: BOUND })
    await raise(rig, 0, 30)
    const hung = await listed(rig)
    expect(hung).toMatchObject({ raised: 30, delivered: 0 })
    expect(hung.in_flight).toBeGreaterThan(0)
    await rig.proxy.proxy.stop(AbortSignal.timeout(50))
  })
})

const RAISING = 'route { $avp(v) = $rU; raise_event("E_V", , $avp(v)); sl_send_reply(200, "OK"); }'

describe('a flat file', () => {
  it('whose folder goes away is waited for, and gets everything once the folder is back', async () => {
    const rig = await eventRig(RAISING, { settings: BOUND })
    const folder = join(rig.proxy.folder, 'logs')
    mkdirSync(folder)
    await rig.proxy.proxy.host.mi.call('evi:subscribe', ['E_V', `flatstore:${folder}/x`])
    await raise(rig, 0, 3)
    await rig.settled()
    await rig.proxy.proxy.host.mi.call('event_flatstore:rotate', [`${folder}/x`])
    renameSync(folder, `${folder}.away`)
    await raise(rig, 3, 10)
    await expect.poll(async () => (await listed(rig)).health, PATIENCE).toBe('down')
    expect(await listed(rig)).toMatchObject({ delivered: 3, queued: 7 })
    renameSync(`${folder}.away`, folder)
    await rig.settled()
    expect(await listed(rig)).toMatchObject({ health: 'up', delivered: 10, queued: 0 })
    expect(readFileSync(join(folder, 'x'), 'utf8')).toBe(Array.from({ length: 10 }, (_, n) => `E_V,${n}\n`).join(''))
  })

  it('on a full disk is waited for without a torn line, and goes on once there is room', async context => {
    const rig = await eventRig(RAISING, { settings: BOUND })
    const disk = join(rig.proxy.folder, 'disk')
    if (!mountSmallDisk(disk)) return context.skip('mounting a small disk needs root')
    await rig.proxy.proxy.host.mi.call('evi:subscribe', ['E_V', `flatstore:${disk}/x`])
    await raise(rig, 0, 2)
    await rig.settled()
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(16_384))
    for (let fill = 0; fill < 80; fill++) await rig.request(`${'f'.repeat(1_000)}${fill}`)
    await expect.poll(async () => (await listed(rig)).last_error, PATIENCE).toMatch(/full|ENOSPC/)
    expect((await listed(rig)).queued).toBeGreaterThan(0)
    await raise(rig, 2, 4)
    rmSync(join(disk, 'ballast'))
    rmSync(join(disk, 'x'))
    await rig.settled()
    const back = await listed(rig)
    expect(back).toMatchObject({ health: 'up', queued: 0 })
    const lines = readFileSync(join(disk, 'x'), 'utf8').split('\n')
    expect(lines.slice(-3)).toEqual(['E_V,2', 'E_V,3', ''])
    expect(lines.every(line => line === '' || line.startsWith('E_V,'))).toBe(true)
    expect(subscription(rig).counters.failed).toBe(0)
  })
})

/** A file system of 64 KiB; false where that is not allowed. */
function mountSmallDisk(path: string): boolean {
  mkdirSync(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    return false
  }
  onTestFinished(() => void execFileSync('umount', ['-l', path]))
  return true
}
