import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { AddressError, type PayloadFormat } from '../../../src/events/transport.ts'
import http from '../../../transports/http/index.ts'
import { openTransport } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { transportConformance, whenUp } from '../../conformance/transport.ts'
import { HttpPeer } from './http-peer.ts'
import { atEnd, DEADLINE_MS, opened, peerThat, post } from './rig.ts'

const PATIENT = { connect_timeout: 10_000 }
transportConformance({ name: 'http', module: http, params: PATIENT, makePeer: () => HttpPeer.open() })
transportConformance({
  name: 'http, batches',
  module: http,
  params: PATIENT,
  makePeer: () => HttpPeer.open(undefined, '#batch=10'),
})

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const EVENT = () => sampleEvent('E_X', ['a'], ['1'])

describe('a request', () => {
  it('is a POST of the event to path and query, with its id and the time', async () => {
    const { peer, event } = await post()
    const [request] = peer.requests.all
    expect(request).toMatchObject({
      method: 'POST',
      url: '/hook?x=1',
      body: '{"jsonrpc":"2.0","method":"E_X","params":{"a":"1"}}',
      headers: { 'content-type': 'application/json', 'webhook-id': event.id, 'user-agent': 'fanfare' },
    })
    expect(request?.headers['webhook-timestamp']).toMatch(/^\d{10}$/)
    expect(request?.headers).not.toHaveProperty('webhook-signature')
  })

  it.each([
    ['jsonrpc', 'application/json'],
    ['json', 'application/json'],
    ['text', 'text/plain; charset=utf-8'],
    ['cloudevents', 'application/cloudevents+json; charset=utf-8'],
  ] as [PayloadFormat, string][])('in the form %s says what it is', async (format, contentType) => {
    const { peer, event } = await post({ format })
    const [request] = peer.requests.all
    expect(request?.headers['content-type']).toBe(contentType)
    if (format === 'cloudevents') expect(JSON.parse(request?.body ?? '')).toMatchObject({ id: event.id, type: 'E_X' })
  })

  it('carries a signature for each secret, those of the socket and those of the script', async () => {
    const other = Buffer.from('another secret of the script').toString('base64')
    const params = { secret: [`new whsec_${other}`] }
    const { peer } = await post({ options: `#secret=${SECRET},new`, params })
    const [request] = peer.requests.all
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request?.headers ?? {}
    const sign = (key: string) =>
      `v1,${createHmac('sha256', Buffer.from(key, 'base64')).update(`${id}.${time}.${request?.body}`).digest('base64')}`
    expect(signature).toBe(`${sign(SECRET.slice(6))} ${sign(other)}`)
  })

  it('keeps its id when it is repeated', async () => {
    const peer = await peerThat(response => void response.writeHead(500).end())
    const transport = opened()
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    const event = EVENT()
    for (let n = 0; n < 2; n++) await sink.send(event, transport.deadline(DEADLINE_MS))
    expect(peer.requests.all.map(({ headers }) => headers['webhook-id'])).toEqual([event.id, event.id])
  })

  it('carries the login of the URL', async () => {
    const peer = await peerThat()
    const transport = opened()
    const sink = transport.open(peer.socket.replace('//', '//u:p%20w@'))
    await whenUp(sink)
    await sink.send(EVENT(), transport.deadline(DEADLINE_MS))
    const [request] = peer.requests.all
    expect(request?.headers.authorization).toBe(`Basic ${Buffer.from('u:p w').toString('base64')}`)
  })

  it('shares one connection with those before it', async () => {
    const peer = await peerThat()
    const transport = opened()
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    for (let n = 0; n < 5; n++) await sink.send(EVENT(), transport.deadline(DEADLINE_MS))
    expect(peer.accepted).toBe(1)
  })

  it('is not begun with less time left than the last one took', async () => {
    const peer = await peerThat(response => void setTimeout(() => response.end(), 200))
    const transport = opened()
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    await sink.send(EVENT(), transport.deadline(DEADLINE_MS))
    const delivery = await sink.send(EVENT(), transport.deadline(100))
    expect(delivery).toMatchObject({ outcome: 'failed', error: { code: 'E_QUEUE_FULL', permanent: false } })
    expect(peer.requests.all).toHaveLength(1)
  })

  it('waits for its turn: never more connections than allowed', async () => {
    const peer = await peerThat((response, { body }) => void setImmediate(() => response.end(body)), '#connections=3')
    const transport = opened()
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    const sent = Array.from({ length: 50 }, () => sink.send(EVENT(), transport.deadline(DEADLINE_MS)))
    for (const { outcome } of await Promise.all(sent)) expect(outcome).toBe('delivered')
    expect(peer.most).toBe(3)
    expect(sink.window).toBe(4)
  })
})

describe('a batch', () => {
  it.each([
    ['jsonrpc', 'application/json'],
    ['cloudevents', 'application/cloudevents-batch+json; charset=utf-8'],
  ] as [PayloadFormat, string][])('of %s events is an array', async (format, contentType) => {
    const peer = await peerThat(undefined, '#batch=10')
    const transport = opened()
    const sink = transport.open(peer.socket, format)
    await whenUp(sink)
    const events = [EVENT(), EVENT(), EVENT()]
    const deadlineMs = transport.deadline(DEADLINE_MS)
    const outcomes = await Promise.all(events.map(event => sink.send(event, deadlineMs)))
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered', 'delivered'])
    const [request] = peer.requests.all
    expect(JSON.parse(request?.body ?? '')).toHaveLength(3)
    expect(request?.headers['content-type']).toBe(contentType)
  })

  it('has an id of its own that follows from its events', async () => {
    const peer = await peerThat(response => void response.writeHead(500).end(), '#batch=10')
    const transport = opened()
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    const events = [EVENT(), EVENT(), EVENT()]
    for (const some of [events, events, events.slice(1)]) await sink.sendAll?.(some, transport.deadline(DEADLINE_MS))
    const [first, second, third] = peer.requests.all.map(({ headers }) => headers['webhook-id'])
    expect(first).toMatch(/^batch_[\w-]{27}$/)
    expect(second).toBe(first)
    expect(third).not.toBe(first)
  })

  it('that is refused for one event goes again piece by piece', async () => {
    const peer = await peerThat((response, { body }) => {
      response.writeHead(body.includes('bad') ? 422 : 200).end()
    }, '#batch=10')
    const transport = opened()
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    const events = ['good', 'bad', 'fine'].map(text => sampleEvent('E_X', ['a'], [text]))
    const outcomes = await sink.sendAll?.(events, transport.deadline(DEADLINE_MS))
    expect(outcomes).toMatchObject([{ outcome: 'delivered' }, { error: { permanent: true } }, { outcome: 'delivered' }])
  })

  it('cannot be made of text', () => {
    expect(() => opened().open('http://127.0.0.1:1/#batch=2', 'text')).toThrow(AddressError)
  })
})

describe('a mistake in a script', () => {
  it.each([['whsec_AAAA'], ['name'], ['name whsec_!'], ['a b whsec_AAAA'], ['name whsec_AAAA whsec_BBBB']])(
    'in the parameter secret is told: %s',
    secret => {
      expect(() => openTransport([http], { secret: [secret] })).toThrow('"name whsec_BASE64"')
    },
  )

  it('in the name of a secret, or of a TLS domain, is told', () => {
    expect(() => opened().open('http://h/#secret=unheard')).toThrow('no secret "unheard" is defined')
    expect(() => opened().open('https://h/#tls_domain=unheard')).toThrow('no TLS client domain "unheard" is defined')
  })
})

describe('an absent receiver', () => {
  it('fails events for want of a connection, and health tells why', async () => {
    const peer = await peerThat()
    await peer.stop()
    const transport = opened()
    const sink = transport.open(peer.socket)
    await new Promise<void>(resolve => sink.onHealth(resolve))
    const delivery = await sink.send(EVENT(), transport.deadline(DEADLINE_MS))
    expect(delivery).toMatchObject({ outcome: 'failed', error: { code: 'E_NOT_CONNECTED', permanent: false } })
    expect(sink.health.lastError?.message).toMatch(/cannot connect to 127\.0\.0\.1:\d+: .*ECONNREFUSED/)
  })

  it('that has gone since the last event fails the next one at once', async () => {
    const peer = await peerThat()
    atEnd(() => peer.close())
    const transport = opened()
    const sink = transport.open(peer.socket)
    await whenUp(sink)
    await sink.send(EVENT(), transport.deadline(DEADLINE_MS))
    await peer.stop()
    let delivery = await sink.send(EVENT(), transport.deadline(DEADLINE_MS))
    // The connection may break while the request is on it.
    while (delivery.outcome === 'unknown') delivery = await sink.send(EVENT(), transport.deadline(DEADLINE_MS))
    expect(delivery).toMatchObject({ outcome: 'failed', error: { code: 'E_NOT_CONNECTED' } })
  })
})
