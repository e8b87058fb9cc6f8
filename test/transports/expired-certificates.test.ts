import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { TransportModule } from '../../src/events/transport.ts'
import bullmq from '../../transports/bullmq/index.ts'
import kafka from '../../transports/kafka/index.ts'
import nats from '../../transports/nats/index.ts'
import rabbitmq from '../../transports/rabbitmq/index.ts'
import { openTransport } from '../conformance/host.ts'
import { sampleEvent } from '../conformance/sample.ts'
import { TestAuthority } from '../support/certificates.ts'

/** What a server says before TLS begins. */
const NATS_GREETING = `INFO ${JSON.stringify({ server_id: 'x', version: '2.9.10', max_payload: 1_048_576, tls_required: true })}\r\n`

/** A server with this certificate; gives its port, and all that came through TLS. */
async function tlsServer(
  issued: { cert: string; key: string },
  greeting = '',
): Promise<{ port: number; received: Buffer[] }> {
  const received: Buffer[] = []
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    socket.write(greeting)
    const secure = new TLSSocket(socket, { isServer: true, ...issued })
    secure.on('error', () => {}).on('data', (chunk: Buffer) => received.push(chunk))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, received }
}

describe('a certificate that has expired', () => {
  it.each<[string, TransportModule, string, string, object]>([
    ['rabbitmq', rabbitmq, 'rabbitmq:127.0.0.1:@PORT@/tls_domain=d?q', '', { use_tls: 1, connect_timeout: 10_000 }],
    ['kafka', kafka, 'kafka:127.0.0.1:@PORT@/topic?tls_domain=d', '', { connect_timeout: 10_000 }],
    ['nats', nats, 'nats:127.0.0.1:@PORT@/s?tls_domain=d', NATS_GREETING, { connect_timeout: 10_000 }],
    ['bullmq', bullmq, 'bullmq:127.0.0.1:@PORT@/q?tls_domain=d', '', { connect_timeout: 10_000 }],
  ])('keeps %s down, which says so and sends nothing', async (_, module, socket, greeting, params) => {
    const authority = new TestAuthority()
    const { port, received } = await tlsServer(authority.issue('broker', 'IP:127.0.0.1', -1), greeting)
    const withDomain: TransportModule = {
      spec: module.spec,
      setup: context => module.setup({ ...context, tlsDomain: () => ({ ca: authority.ca }) }),
    }
    const transport = openTransport([withDomain], params as Readonly<Record<string, unknown>>)
    onTestFinished(() => transport.close())
    const sink = transport.open(socket.replace('@PORT@', String(port)))
    while (sink.health.state !== 'down') await new Promise<void>(resolve => sink.onHealth(resolve))
    expect(sink.health.lastError?.message).toMatch(/expired/i)
    const delivery = await sink.send(sampleEvent('E_X', null, []), transport.deadline(20_000))
    expect(delivery).toMatchObject({ outcome: 'failed', error: { code: 'E_NOT_CONNECTED' } })
    expect(received).toEqual([])
  })
})
