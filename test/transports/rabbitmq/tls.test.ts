import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { createServer } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { AddressError, type Sink, type TransportModule } from '../../../src/events/transport.ts'
import { systemClock } from '../../../src/util/clock.ts'
import rabbitmq from '../../../transports/rabbitmq/index.ts'
import { openTransport } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { whenUp } from '../../conformance/transport.ts'
import { TEST_CERTIFICATE, TEST_KEY } from '../../support/test-certificate.ts'
import { atEnd, broker, brokerPort, login, ownQueue, PATIENT, url, whenDown } from './rig.ts'

/** A TLS door in front of the broker; gives its port. */
async function tlsDoor(): Promise<number> {
  const server = createServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }, client => {
    const plain = connect(brokerPort, broker.hostname)
    client.pipe(plain).pipe(client)
    for (const socket of [client, plain]) {
      socket.on('error', () => {})
      atEnd(() => socket.destroy())
    }
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Opens a socket with these TLS client domains defined. */
function open(text: string, domains: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Sink {
  const module: TransportModule = {
    spec: rabbitmq.spec,
    setup: context => (rabbitmq as TransportModule).setup({ ...context, tlsDomain: name => domains[name] }),
  }
  const transport = openTransport([module], { ...PATIENT, use_tls: 1 })
  atEnd(() => transport.close())
  return transport.open(text)
}

describe('a rabbitmq socket with a TLS domain', () => {
  it.skipIf(url === null)('delivers over TLS to a broker whose certificate the domain trusts', async () => {
    const queue = await ownQueue()
    const port = await tlsDoor()
    const socket = `rabbitmq:${login}@127.0.0.1:${port}/tls_domain=mq?${queue.name}`
    const sink = open(socket, { mq: { ca: TEST_CERTIFICATE } })
    await whenUp(sink)
    const delivery = await sink.send(sampleEvent('E_X', null, []), systemClock.monotonicMs() + 20_000)
    expect(delivery).toEqual({ outcome: 'delivered' })
    await queue.arrived(1)
  })

  it.skipIf(url === null)('is down where the certificate is not trusted', async () => {
    const port = await tlsDoor()
    const sink = open(`rabbitmq:${login}@127.0.0.1:${port}/tls_domain=mq?q`, { mq: {} })
    await whenDown(sink)
    expect(sink.health.lastError?.message).toMatch(/self-signed certificate/)
  })

  it('is refused where there is no such domain', () => {
    expect(() => open('rabbitmq:h/tls_domain=none?q', {})).toThrow(AddressError)
  })
})
