import { connect, type JetStreamManager, type NatsConnection, nuid } from 'nats'
import { afterEach, describe, expect, inject, it } from 'vitest'
import type { Delivery } from '../../../src/events/transport.ts'
import nats from '../../../transports/nats/index.ts'
import { openTransport } from '../../conformance/host.ts'
import { Arrivals, readJsonRpc } from '../../conformance/json-arrival.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { type Arrival, type Peer, transportConformance, whenUp } from '../../conformance/transport.ts'
import { startGuardedNats } from '../../support/nats-server.ts'
import { relayedPeer } from '../../support/relayed-peer.ts'
import { TcpRelay } from '../../support/tcp-relay.ts'

const address = inject('natsAddress')
const port = Number(address?.split(':')[1] ?? 4222)
const DEADLINE_MS = 20_000
const PATIENT = { connect_timeout: 10_000 }

/** What arrives under a subject of its own on the real server, reached through a relay that can fail. */
async function subjectPeer(isJetStream: boolean): Promise<Peer> {
  const connection = await connect({ servers: address ?? '' })
  const subject = `test.${nuid.next()}`
  if (isJetStream) {
    const manager = await connection.jetstreamManager()
    await manager.streams.add({ name: subject.replace('.', '_'), subjects: [subject] })
  }
  const arrivals = new Arrivals<Arrival>()
  connection.subscribe(subject, { callback: (_, message) => arrivals.add(readJsonRpc(message.string())) })
  await connection.flush()
  const relay = await TcpRelay.to(port)
  return relayedPeer(relay, {
    socket: `nats:127.0.0.1:${relay.port}/${subject}${isJetStream ? '?jetstream' : ''}`,
    arrivals: () => arrivals.all,
    arrived: count => arrivals.reached(count),
    close: () => connection.close(),
  })
}

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function client(): Promise<NatsConnection> {
  const connection = await connect({ servers: address ?? '' })
  cleanUps.push(() => connection.close())
  return connection
}

/** One stream of its own; gives its manager and the subject it stores. */
async function stream(): Promise<{ manager: JetStreamManager; name: string; subject: string }> {
  const manager = await (await client()).jetstreamManager()
  const name = nuid.next()
  const subject = `stored.${name}`
  await manager.streams.add({ name, subjects: [subject] })
  cleanUps.push(() => manager.streams.delete(name))
  return { manager, name, subject }
}

async function sendTo(target: string, events: readonly ReturnType<typeof sampleEvent>[]): Promise<Delivery[]> {
  const transport = openTransport([nats], PATIENT)
  cleanUps.push(() => transport.close())
  const sink = transport.open(`nats:${address}/${target}`)
  await whenUp(sink)
  return Promise.all(events.map(event => sink.send(event, transport.deadline(DEADLINE_MS))))
}

describe.skipIf(address === null)('with a NATS server', () => {
  transportConformance({ name: 'nats', module: nats, params: PATIENT, makePeer: () => subjectPeer(false) })
  transportConformance({
    name: 'nats, JetStream',
    module: nats,
    params: PATIENT,
    makePeer: () => subjectPeer(true),
  })
})

describe.skipIf(address === null)('a message on NATS', () => {
  it('carries the identity of the event in its headers', async () => {
    const connection = await client()
    const subscription = connection.subscribe('identity.*', { max: 1 })
    await connection.flush()
    const event = sampleEvent('E_ID', ['n'], [1])
    expect(await sendTo('identity.{event}', [event])).toEqual([{ outcome: 'delivered' }])
    for await (const message of subscription) {
      expect(message.subject).toBe('identity.E_ID')
      const { headers } = message
      expect(headers?.get('Nats-Msg-Id')).toBe(event.id)
      expect(headers?.get('type')).toBe('E_ID')
      expect(headers?.get('sequence')).toBe(String(event.sequence))
      expect(headers?.get('boot')).toBe(event.origin.boot)
      expect(headers?.get('time')).toBe(new Date(event.raisedAtMs).toISOString())
      expect(headers?.get('Content-Type')).toBe('application/json')
    }
  })

  it('is stored once by JetStream, however often the event is sent', async () => {
    const { manager, name, subject } = await stream()
    const event = sampleEvent('E_TWICE', ['n'], [1])
    const outcomes = await sendTo(`${subject}?stream=${name}`, [event, event, event])
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered', 'delivered'])
    expect((await manager.streams.info(name)).state.messages).toBe(1)
  })

  it('that no stream stores is a failure that names the lack', async () => {
    const [outcome] = await sendTo(`nowhere.${nuid.next()}?jetstream`, [sampleEvent('E_LOST', null, [])])
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code: 'E_REFUSED', permanent: false } })
    expect(outcome?.outcome === 'failed' && outcome.error.message).toContain('no stream takes this subject')
  })

  it('for a stream that is not the one it is stored in is a failure', async () => {
    const { manager, name, subject } = await stream()
    const [outcome] = await sendTo(`${subject}?stream=other`, [sampleEvent('E_LOST', null, [])])
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code: 'E_REFUSED' } })
    expect((await manager.streams.info(name)).state.messages).toBe(0)
  })

  it('larger than the server takes is refused for good, and the others of its batch arrive', async () => {
    const events = [1, 2, 3].map(n => sampleEvent('E_SIZE', ['text'], [n === 2 ? 'x'.repeat(2 ** 20) : 'small']))
    const outcomes = await sendTo('sizes', events)
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['delivered', 'failed', 'delivered'])
    expect(outcomes[1]).toMatchObject({ error: { code: 'E_TOO_LARGE', permanent: true } })
  })
})

/** A server with two users: `sip`, who may do what `permissions` say, and one who may do everything and makes the streams. */
async function guarded(
  permissions: string,
): Promise<{ readonly hostPort: string; readonly manager: JetStreamManager }> {
  const { server } = await startGuardedNats(
    `users: [{ user: admin, password: admin }, { user: sip, password: sip, permissions: { ${permissions} } }]`,
  )
  cleanUps.push(() => server.stop())
  const connection = await connect({ servers: server.hostPort, user: 'admin', pass: 'admin' })
  cleanUps.push(() => connection.close())
  return { hostPort: server.hostPort, manager: await connection.jetstreamManager() }
}

describe.skipIf(address === null)('JetStream behind permissions', () => {
  it('a message that the server does not let us publish is in doubt at once, and the others of its batch are stored', async () => {
    const { hostPort, manager } = await guarded('publish: { deny: "guarded.E_SECRET" }')
    await manager.streams.add({ name: 'guarded', subjects: ['guarded.*'] })
    const transport = openTransport([nats], PATIENT)
    cleanUps.push(() => transport.close())
    const sink = transport.open(`nats:sip:sip@${hostPort}/guarded.{event}?jetstream`)
    await whenUp(sink)
    const events = ['E_OPEN', 'E_SECRET', 'E_OPEN'].map(name => sampleEvent(name, null, []))
    const outcomes = await Promise.all(events.map(event => sink.send(event, transport.deadline(DEADLINE_MS))))
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['delivered', 'unknown', 'delivered'])
    expect(outcomes[1]).toMatchObject({ error: { code: 'E_REFUSED' } })
    expect((await manager.streams.info('guarded')).state.messages).toBe(2)
  })

  it('a server that does not let us have its answers is away, and says so', async () => {
    const { hostPort } = await guarded('subscribe: { deny: "_INBOX.>" }')
    const transport = openTransport([nats], PATIENT)
    cleanUps.push(() => transport.close())
    const sink = transport.open(`nats:sip:sip@${hostPort}/guarded?jetstream`)
    await new Promise<void>(resolve => sink.onHealth(() => sink.health.state === 'down' && resolve()))
    expect(sink.health.lastError).toMatchObject({ code: 'E_REFUSED' })
    expect(sink.health.lastError?.message).toContain('does not let us have its answers')
  })
})
