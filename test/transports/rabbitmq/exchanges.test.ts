import { type Channel, connect } from 'amqplib'
import { describe, expect, it } from 'vitest'
import { EXCHANGE_TYPES, type ExchangeType } from '../../../transports/rabbitmq/address.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { whenUp } from '../../conformance/transport.ts'
import { atEnd, broker, DEADLINE_MS, opened, sendOne, socketTo, url, whenDown } from './rig.ts'

/** A channel to look after exchanges with, and the name of one that is removed at the end. */
async function admin(): Promise<{ channel: Channel; exchange: string }> {
  const connection = await connect(broker.href)
  const channel = await connection.createChannel()
  const exchange = `fanfare.${crypto.randomUUID()}`
  atEnd(async () => {
    await channel.deleteExchange(exchange)
    await connection.close()
  })
  return { channel, exchange }
}

/** Binds a queue of its own; gives a function that tells how many messages are in it. */
async function boundQueue(channel: Channel, exchange: string, key: string, args = {}): Promise<() => Promise<number>> {
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, exchange, key, args)
  return async () => (await channel.checkQueue(queue)).messageCount
}

/** A binding of each type that takes the message, and one that does not. */
const BINDINGS: Readonly<Record<ExchangeType, readonly (readonly [key: string, args: object])[]>> = {
  direct: [
    ['cdr.ended', {}],
    ['cdr.*', {}],
  ],
  topic: [
    ['cdr.*', {}],
    ['*', {}],
  ],
  fanout: [['', {}]],
  headers: [
    ['', { 'x-match': 'all', type: 'E_CDR', 'param.code': 200 }],
    ['', { 'x-match': 'all', type: 'E_CDR', 'param.code': 486 }],
  ],
}

describe.skipIf(url === null)('a rabbitmq socket that says the type of its exchange', () => {
  it.each(EXCHANGE_TYPES)('declares a durable %s exchange, whose bindings route its messages', async type => {
    const { channel, exchange } = await admin()
    const transport = opened()
    const sink = transport.open(socketTo(`exchange=${exchange};exchange_type=${type}?cdr.ended`))
    await whenUp(sink)
    // Refused unless it is there as just this.
    await channel.assertExchange(exchange, type, { durable: true })
    const bindings = BINDINGS[type].map(([key, args]) => boundQueue(channel, exchange, key, args))
    const counts = await Promise.all(bindings)
    const event = sampleEvent('E_CDR', ['callid', 'code', 'none'], ['a@b', 200, null])
    expect(await sink.send(event, transport.deadline(DEADLINE_MS))).toEqual({ outcome: 'delivered' })
    expect(await Promise.all(counts.map(count => count()))).toEqual([1, 0].slice(0, counts.length))
  })

  it('is down where the exchange is there as something else, says so, and leaves it as it is', async () => {
    const { channel, exchange } = await admin()
    await channel.assertExchange(exchange, 'direct', { durable: true })
    const sink = opened().open(socketTo(`exchange=${exchange};exchange_type=topic?k`))
    await whenDown(sink)
    expect(sink.health.lastError?.message).toContain(`exchange "${exchange}" is there, but not as durable topic`)
    await channel.assertExchange(exchange, 'direct', { durable: true })
  })

  it('declares it again after it was deleted', async () => {
    const { channel, exchange } = await admin()
    const transport = opened()
    const sink = transport.open(socketTo(`exchange=${exchange};exchange_type=fanout?k`))
    await whenUp(sink)
    await channel.deleteExchange(exchange)
    expect((await sendOne(transport, sink)).outcome).toBe('failed')
    while ((await sendOne(transport, sink)).outcome !== 'delivered') await transport.pause()
    await channel.checkExchange(exchange)
  })

  it('makes headers of what can be one, and leaves out what is too long', async () => {
    const { channel, exchange } = await admin()
    const transport = opened()
    const sink = transport.open(socketTo(`exchange=${exchange};exchange_type=headers?k`))
    await whenUp(sink)
    const { queue } = await channel.assertQueue('', { exclusive: true })
    await channel.bindQueue(queue, exchange, '', { 'x-match': 'all', type: 'E_LONG' })
    const names = ['short', 'long', 'n'.repeat(300), ...Array.from({ length: 200 }, (_, i) => `many${i}`)]
    const event = sampleEvent('E_LONG', names, ['a', 'b'.repeat(2000), 'c', ...new Array(200).fill('d'.repeat(1000))])
    expect(await sink.send(event, transport.deadline(DEADLINE_MS))).toEqual({ outcome: 'delivered' })
    const message = await channel.get(queue, { noAck: true })
    if (message === false) throw new Error('nothing came')
    const { node, boot, sequence, type, 'param.short': short, ...others } = message.properties.headers ?? {}
    expect({ node, boot, sequence, type, short }).toEqual({
      ...event.origin,
      sequence: event.sequence,
      type: 'E_LONG',
      short: 'a',
    })
    expect(Object.keys(others).every(name => name.startsWith('param.many'))).toBe(true)
    expect(JSON.parse(message.content.toString()).params.long).toHaveLength(2000)
  })
})

describe.skipIf(url === null)('a message', () => {
  it('of an event whose name is too long for its type property arrives without that', async () => {
    const { channel } = await admin()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    const transport = opened()
    const sink = transport.open(socketTo(queue))
    await whenUp(sink)
    const name = `E_${'é'.repeat(200)}`
    expect(await sink.send(sampleEvent(name, null, []), transport.deadline(DEADLINE_MS))).toEqual({
      outcome: 'delivered',
    })
    const message = await channel.get(queue, { noAck: true })
    expect(message).toMatchObject({ properties: { type: undefined } })
    expect(message !== false && JSON.parse(message.content.toString()).method).toBe(name)
  })
})
