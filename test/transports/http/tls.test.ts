import type { ServerOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { Sink, Transport } from '../../../src/events/transport.ts'
import { systemClock } from '../../../src/util/clock.ts'
import http from '../../../transports/http/index.ts'
import { openTransport, silentLog } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { transportConformance, whenUp } from '../../conformance/transport.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { TEST_CERTIFICATE, TEST_KEY } from '../../support/test-certificate.ts'
import { HttpPeer } from './http-peer.ts'
import { atEnd, DEADLINE_MS } from './rig.ts'

type Domains = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The transport of `https:` with these TLS client domains defined. */
function transportWith(domains: Domains): Transport {
  const { transports } = http.setup({
    params: { connect_timeout: 10_000, connections: 0, batch: 0, secret: [], format: undefined },
    log: silentLog,
    clock: systemClock,
    stats: {},
    raise: {},
    expand: format => format,
    tlsDomain: name => domains[name],
  })
  const found = transports.find(({ scheme }) => scheme === 'https')
  if (found === undefined) throw new Error('no transport')
  return found
}

async function secure(options: ServerOptions): Promise<HttpPeer> {
  const peer = await HttpPeer.open(undefined, '#tls_domain=d', options)
  atEnd(() => peer.close())
  return peer
}

function open(peer: HttpPeer, domain: Readonly<Record<string, unknown>>): Sink {
  const transport = transportWith({ d: domain })
  const { host } = openTransport([http])
  const sink = transport.open(transport.parse(peer.socket.slice('https:'.length), host), host)
  atEnd(() => sink.close(AbortSignal.timeout(2000)))
  return sink
}

const send = (sink: Sink) => sink.send(sampleEvent('E_X', null, []), systemClock.monotonicMs() + DEADLINE_MS)

async function refusalOf(sink: Sink): Promise<string | undefined> {
  while (sink.health.state !== 'down') await new Promise<void>(resolve => sink.onHealth(resolve))
  expect(await send(sink)).toMatchObject({ outcome: 'failed', error: { code: 'E_NOT_CONNECTED' } })
  return sink.health.lastError?.message
}

transportConformance({
  name: 'https',
  module: {
    spec: http.spec,
    setup: context =>
      http.setup({
        ...(context as never as Parameters<typeof http.setup>[0]),
        tlsDomain: () => ({ ca: TEST_CERTIFICATE }),
      }),
  },
  params: { connect_timeout: 10_000 },
  makePeer: () => HttpPeer.open(undefined, '#tls_domain=d', { cert: TEST_CERTIFICATE, key: TEST_KEY }),
})

describe('an https socket', () => {
  it('shows the certificate of its TLS domain to a receiver that asks for one', async () => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('receiver', 'IP:127.0.0.1')
    const client = authority.issue('proxy.example', 'DNS:proxy.example')
    const peer = await secure({ cert, key, ca: authority.ca, requestCert: true, rejectUnauthorized: true })
    const names: unknown[] = []
    peer.answerWith(response => {
      names.push((response.socket as TLSSocket).getPeerCertificate().subject.CN)
      response.end()
    })
    const sink = open(peer, { ca: authority.ca, cert: client.cert, key: client.key })
    await whenUp(sink)
    expect(await send(sink)).toEqual({ outcome: 'delivered' })
    expect(names).toEqual(['proxy.example'])
  })

  it('is down without a certificate where one is asked for', async () => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('receiver', 'IP:127.0.0.1')
    const peer = await secure({ cert, key, ca: authority.ca, requestCert: true, rejectUnauthorized: true })
    const sink = open(peer, { ca: authority.ca })
    await whenUp(sink)
    expect((await send(sink)).outcome).not.toBe('delivered')
    expect(peer.requests.all).toEqual([])
  })

  it('is down, and sends nothing, where the certificate has expired', async () => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('receiver', 'IP:127.0.0.1', -1)
    const peer = await secure({ cert, key })
    expect(await refusalOf(open(peer, { ca: authority.ca }))).toMatch(/certificate has expired/)
    expect(peer.requests.all).toEqual([])
  })

  it('is down where the certificate is for another name', async () => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('other', 'DNS:other.example')
    const peer = await secure({ cert, key })
    expect(await refusalOf(open(peer, { ca: authority.ca }))).toMatch(/does not match certificate/)
  })

  it('is down where nobody vouches for the certificate', async () => {
    const peer = await secure({ cert: TEST_CERTIFICATE, key: TEST_KEY })
    expect(await refusalOf(open(peer, {}))).toMatch(/self-signed certificate/)
  })
})
