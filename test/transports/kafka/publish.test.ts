import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'
import { expect, inject, it, onTestFinished } from 'vitest'
import { scriptProxy } from '../../support/script-proxy.ts'
import { until } from '../../support/until.ts'

const brokers = inject('kafkaBrokers')

it.skipIf(brokers === null)('kafka_publish() writes a record and tells a route what became of it', async () => {
  const client = new Kafka({ clientId: 'test', brokers: (brokers ?? '').split(','), logLevel: logLevel.NOTHING })
  const topic = `test.${randomUUID()}`
  const admin = client.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
  const consumer = client.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100 })
  onTestFinished(() => consumer.disconnect())
  const records: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: ({ message }) => {
      records.push(`${message.key}=${message.value}`)
      return Promise.resolve()
    },
  })
  const proxy = await scriptProxy({
    top: `loadmodule "event_kafka.so"
      modparam("event_kafka", "connect_timeout", 10000)
      modparam("event_kafka", "broker_id", "[k]${brokers}/${topic}?g.client.id=proxy")
      modparam("event_kafka", "broker_id", "[dead]127.0.0.1:1/${topic}")
      route[report] { xlog("«$avp(kafka_id) $avp(kafka_status) $avp(kafka_key) $avp(kafka_msg)»"); }`,
    route: `kafka_publish("k", "from $fU", "$rU", "report");
      $var(first) = $rc;
      kafka_publish("dead", "lost", , "report");
      sl_send_reply(299, "$var(first) $rc");`,
  })
  expect(await proxy.ask({ uri: 'sip:key@127.0.0.1' })).toBe('1 1')
  await until(() => proxy.told().includes('k 0 key from phone') && records.includes('key=from phone'))
  await until(() => proxy.told().includes('dead -1 <null> lost'))
})

it('kafka_publish() to a peer that talks nonsense says so, and connects again only after a pause', async () => {
  let connections = 0
  const server = createServer(socket => {
    connections++
    socket.on('error', () => {}).once('data', () => socket.write(Buffer.alloc(8)))
    onTestFinished(() => void socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const proxy = await scriptProxy({
    top: `loadmodule "event_kafka.so"
      modparam("event_kafka", "connect_timeout", 10000)
      modparam("event_kafka", "broker_id", "[k]127.0.0.1:${(server.address() as AddressInfo).port}/t")
      route[report] { xlog("«$avp(kafka_status)»"); }`,
    route: 'kafka_publish("k", "x", , "report"); sl_send_reply(299, "$rc");',
  })
  const lose = async (count: number): Promise<void> => {
    expect(await proxy.ask()).toBe('1')
    await until(() => proxy.told().length === count)
    expect(proxy.told().at(-1)).toBe('-1')
  }
  await lose(1)
  const atFirst = connections
  for (let n = 2; n <= 5; n++) await lose(n)
  expect(connections).toBe(atFirst)
  await proxy.clock.advance(100)
  await lose(6)
  expect(connections).toBeGreaterThan(atFirst)
})

it('kafka_publish() while no broker is there: one line for what is lost in ten seconds, with the number', async () => {
  const proxy = await scriptProxy({
    top: `loadmodule "event_kafka.so"
      modparam("event_kafka", "broker_id", "[k]127.0.0.1:1/t")
      route[report] { xlog("«$avp(kafka_status)»"); }`,
    route: 'kafka_publish("k", "x", , "report"); sl_send_reply(299, "$rc");',
  })
  const lost = (): readonly string[] => proxy.log.filter(line => line.includes('a message of a script was not written'))
  for (let n = 1; n <= 50; n++) expect(await proxy.ask()).toBe('1')
  await until(() => proxy.told().length === 50)
  expect(lost()).toHaveLength(1)
  await proxy.clock.advance(10_000)
  expect(lost()).toHaveLength(2)
  expect(lost()[1]).toMatch(/socket=kafka:127\.0\.0\.1:1\/t reason=.* again=49$/m)
})
