import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'amqplib'
import { describe, expect, it } from 'vitest'
import { sequenceOfEventId } from '../../../src/events/event-id.ts'
import type { Sink } from '../../../src/events/transport.ts'
import rabbitmq from '../../../transports/rabbitmq/index.ts'
import { readJsonRpc } from '../../conformance/json-arrival.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { type Peer, transportConformance, whenUp } from '../../conformance/transport.ts'
import { AmqpQueue } from '../../support/amqp-queue.ts'
import { relayedPeer } from '../../support/relayed-peer.ts'
import { TcpRelay } from '../../support/tcp-relay.ts'
import {
  atEnd,
  broker,
  brokerPort,
  DEADLINE_MS,
  login,
  opened,
  ownQueue,
  ownRelay,
  PATIENT,
  sendOne,
  socketTo,
  url,
  whenDown,
} from './rig.ts'

/** A queue on the real broker, reached through a relay that can fail. */
async function queuePeer(): Promise<Peer> {
  const queue = await AmqpQueue.open(broker.href)
  const relay = await TcpRelay.to(brokerPort)
  return relayedPeer(relay, {
    socket: `rabbitmq:${login}@127.0.0.1:${relay.port}/${queue.name}`,
    arrivals: () =>
      queue.messages.map(({ content, properties }) => ({ ...readJsonRpc(content), id: properties.messageId })),
    arrived: count => queue.arrived(count),
    close: () => queue.close(),
  })
}

describe.skipIf(url === null)('with a RabbitMQ', () => {
  transportConformance({
    name: 'rabbitmq',
    module: rabbitmq,
    params: PATIENT,
    makePeer: queuePeer,
  })
})

const RECORDED = new URL('../../fixtures/golden/custom/', import.meta.url)
/** Recordings whose members repeat: JSON.parse gives only one of them. */
const REPEATED = new Set(['mi_arrayform2.rabbitmq.json', 'script_dupname.rabbitmq.json'])

/** Every payload OpenSIPS was recorded to publish. */
function recordedPayloads(): string[] {
  const files = readdirSync(RECORDED).filter(name => name.endsWith('.rabbitmq.json') && !REPEATED.has(name))
  return files.flatMap(name => {
    const messages = JSON.parse(readFileSync(new URL(name, RECORDED), 'utf8')) as { hex: string }[]
    return messages.map(({ hex }) => Buffer.from(hex, 'hex').toString())
  })
}

describe.skipIf(url === null)('a message on RabbitMQ', () => {
  it('is byte for byte what was recorded of OpenSIPS', async () => {
    const payloads = recordedPayloads()
    // An integer beyond 2^53 does not survive JSON.parse.
    const sendable = payloads.filter(text => !/\d{17}/.test(text))
    expect(sendable.length).toBeGreaterThan(20)
    const queue = await ownQueue()
    const transport = opened()
    const sink = transport.open(socketTo(queue.name))
    await whenUp(sink)
    for (const payload of sendable) {
      const { method, params = [] } = JSON.parse(payload)
      const names = Array.isArray(params) ? null : Object.keys(params)
      await sink.send(sampleEvent(method, names, Object.values(params)), transport.deadline(DEADLINE_MS))
    }
    await queue.arrived(sendable.length)
    expect(queue.messages.map(({ content }) => content.toString())).toEqual(sendable)
  })

  it('carries the id, name, time, sequence and origin of its event', async () => {
    const queue = await ownQueue()
    const transport = opened()
    const sink = transport.open(socketTo(queue.name))
    await whenUp(sink)
    const event = sampleEvent('E_PIKE_BLOCKED', ['ip'], ['192.168.2.11'])
    await sink.send(event, transport.deadline(DEADLINE_MS))
    await queue.arrived(1)
    const [message] = queue.messages
    expect(message?.content.toString()).toBe(
      '{"jsonrpc":"2.0","method":"E_PIKE_BLOCKED","params":{"ip":"192.168.2.11"}}',
    )
    expect(message?.properties).toMatchObject({
      messageId: event.id,
      type: 'E_PIKE_BLOCKED',
      timestamp: Math.floor(event.raisedAtMs / 1000),
      contentType: 'application/json',
      appId: `/fanfare/${event.origin.node}/${event.origin.boot}`,
    })
    expect(sequenceOfEventId(message?.properties.messageId)).toBe(event.sequence)
    expect(message?.properties.deliveryMode).not.toBe(2)
  })

  it('is persistent where asked for', async () => {
    const queue = await ownQueue()
    const transport = opened()
    const sink = transport.open(socketTo(`persistent?${queue.name}`))
    await whenUp(sink)
    await sendOne(transport, sink)
    await queue.arrived(1)
    expect(queue.messages[0]?.properties.deliveryMode).toBe(2)
  })

  it('is the legacy text where the module says so', async () => {
    const queue = await ownQueue()
    const transport = opened({ format: 'text' })
    const sink = transport.open(socketTo(queue.name))
    await whenUp(sink)
    await sink.send(sampleEvent('E_PIKE_BLOCKED', ['ip'], ['1.2.3.4']), transport.deadline(DEADLINE_MS))
    await queue.arrived(1)
    expect(queue.messages[0]?.content.toString()).toBe('E_PIKE_BLOCKED\nip::1.2.3.4')
    expect(queue.messages[0]?.properties.contentType).toBe('text/plain; charset=utf-8')
  })

  it.each(['exchange=amq.topic?', 'amq.topic?'])('goes through the exchange named by %s', async prefix => {
    const key = `fanfare.${crypto.randomUUID()}`
    const queue = await ownQueue({ binding: ['amq.topic', key] })
    const transport = opened()
    const sink = transport.open(socketTo(prefix + key))
    await whenUp(sink)
    await sendOne(transport, sink)
    await queue.arrived(1)
    expect(queue.messages[0]?.fields).toMatchObject({ exchange: 'amq.topic', routingKey: key })
  })

  it('of 300 kB arrives whole', async () => {
    const queue = await ownQueue()
    const transport = opened()
    const sink = transport.open(socketTo(queue.name))
    await whenUp(sink)
    await sink.send(sampleEvent('E_BIG', ['b'], ['x'.repeat(300_000)]), transport.deadline(DEADLINE_MS))
    await queue.arrived(1)
    expect(queue.messages[0]?.content.length).toBeGreaterThan(300_000)
  })

  it('without a queue to go to fails, and is taken again once there is one', async () => {
    const name = `fanfare.${crypto.randomUUID()}`
    const transport = opened()
    const sink = transport.open(socketTo(name))
    await whenUp(sink)
    const lost = await sendOne(transport, sink)
    expect(lost).toMatchObject({ outcome: 'failed', error: { code: 'E_REFUSED', permanent: false } })
    const queue = await ownQueue({ name, exclusive: true })
    expect(await sendOne(transport, sink)).toEqual({ outcome: 'delivered' })
    await queue.arrived(1)
  })

  it('that no binding of a named exchange takes is delivered, or fails where it is mandatory', async () => {
    const key = `fanfare.${crypto.randomUUID()}`
    const transport = opened()
    const [plain, mandatory] = [
      transport.open(socketTo(`exchange=amq.direct?${key}`)),
      transport.open(socketTo(`exchange=amq.direct;mandatory?${key}`)),
    ]
    await Promise.all([whenUp(plain), whenUp(mandatory)])
    expect(await sendOne(transport, plain)).toEqual({ outcome: 'delivered' })
    expect(await sendOne(transport, mandatory)).toMatchObject({ outcome: 'failed', error: { code: 'E_REFUSED' } })
  })

  it('that a full queue rejects fails', async () => {
    const queue = await connect(broker.href)
    atEnd(() => queue.close())
    const channel = await queue.createChannel()
    const { queue: name } = await channel.assertQueue('', { exclusive: true, maxLength: 1, overflow: 'reject-publish' })
    const transport = opened()
    const sink = transport.open(socketTo(name))
    await whenUp(sink)
    const deliveries = await Promise.all(Array.from({ length: 5 }, () => sendOne(transport, sink)))
    expect(deliveries[0]).toEqual({ outcome: 'delivered' })
    expect(deliveries.at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'E_REFUSED' } })
  })
})

describe.skipIf(url === null)('a socket on RabbitMQ', () => {
  it('with wrong credentials is down, says why, and does not end the process', async () => {
    const transport = opened()
    const sink = transport.open(socketTo('q', 'guest:wrong'))
    await whenDown(sink)
    expect(sink.health.lastError?.message).toMatch(/refuses user "guest"/)
    expect(sink.health.lastError?.message).not.toContain('wrong')
    expect(await sendOne(transport, sink)).toMatchObject({ outcome: 'failed', error: { code: 'E_NOT_CONNECTED' } })
  })

  it('on an exchange that is not there is down and says so', async () => {
    const transport = opened()
    const sink = transport.open(socketTo('exchange=fanfare.none?q'))
    await whenDown(sink)
    expect(sink.health.lastError?.message).toBe('no exchange "fanfare.none" in virtual host "/"')
  })

  it('on a virtual host that is not there is down and says so', async () => {
    const transport = opened()
    const sink = transport.open(socketTo('vhost=nowhere?q'))
    await whenDown(sink)
    expect(sink.health.lastError?.message).toContain('no virtual host "nowhere"')
  })

  it('shares its connection with the others of the broker, and the last one closes it', async () => {
    const [one, two] = [await ownQueue(), await ownQueue()]
    const relay = await ownRelay()
    const transport = opened()
    const sinks = [one, two].map(({ name }) => transport.open(`rabbitmq:${login}@127.0.0.1:${relay.port}/${name}`))
    await Promise.all(sinks.map(whenUp))
    expect(relay.connections).toBe(1)
    await sinks[0]?.close(AbortSignal.timeout(DEADLINE_MS))
    expect(await sendOne(transport, sinks[1] as Sink)).toEqual({ outcome: 'delivered' })
    await sinks[1]?.close(AbortSignal.timeout(DEADLINE_MS))
    while (relay.connections > 0) await transport.pause()
  })

  it('loses only its channel when an exchange goes away', async () => {
    const name = `fanfare.${crypto.randomUUID()}`
    const admin = await connect(broker.href)
    atEnd(() => admin.close())
    const channel = await admin.createChannel()
    await channel.assertExchange(name, 'fanout', { autoDelete: false, durable: false })
    const queue = await ownQueue()
    const transport = opened()
    const [doomed, other] = [transport.open(socketTo(`exchange=${name}?k`)), transport.open(socketTo(queue.name))]
    await Promise.all([whenUp(doomed), whenUp(other)])
    await channel.deleteExchange(name)
    const delivery = await sendOne(transport, doomed)
    expect(delivery).toMatchObject({ outcome: 'failed', error: { code: 'E_REFUSED' } })
    await whenDown(doomed)
    expect(await sendOne(transport, other)).toEqual({ outcome: 'delivered' })
  })

  it('leaves events unknown when a hung broker does not confirm in time, and works again afterwards', async () => {
    const queue = await ownQueue()
    const relay = await ownRelay()
    const transport = opened()
    const sink = transport.open(`rabbitmq:${login}@127.0.0.1:${relay.port}/${queue.name}`)
    await whenUp(sink)
    relay.hang()
    const delivery = await sink.send(sampleEvent('E_ONE', null, []), transport.deadline(200))
    expect(delivery).toMatchObject({ outcome: 'unknown', error: { code: 'E_TIMEOUT' } })
    await relay.stop()
    await relay.start()
    while ((await sendOne(transport, sink)).outcome !== 'delivered') await transport.pause()
  })
})
