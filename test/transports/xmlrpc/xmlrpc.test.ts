import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createServer as createXmlRpcServer } from 'xmlrpc'
import type { Delivery } from '../../../src/events/transport.ts'
import xmlrpc from '../../../transports/xmlrpc/index.ts'
import { type OpenTransport, openTransport } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { type Arrival, type Peer, transportConformance, whenUp } from '../../conformance/transport.ts'

/** A method server made of the `xmlrpc` package. */
class MethodServer implements Peer {
  readonly #arrivals: Arrival[] = []
  readonly #waiting: { count: number; resolve: () => void }[] = []
  readonly #sockets = new Set<Socket>()
  #server: { httpServer: Server } | undefined
  #port = 0
  #mode: 'answer' | 'hang' | 'cut' = 'answer'

  get socket(): string {
    return `xmlrpc:127.0.0.1:${this.#port}:on_event`
  }

  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const server = createXmlRpcServer({ host: '127.0.0.1', port: this.#port }, () => resolve())
    this.#server = server as unknown as { httpServer: Server }
    this.#server.httpServer.on('connection', socket => this.#sockets.add(socket))
    server.on('on_event', (error, params, callback) => {
      if (this.#mode === 'hang') return
      if (this.#mode === 'cut') {
        for (const socket of this.#sockets) socket.destroy()
        return
      }
      if (!error) this.#arrive(params)
      callback(null, 'ok')
    })
    await promise
    this.#port = (this.#server.httpServer.address() as AddressInfo).port
  }

  arrivals(): readonly Arrival[] {
    return this.#arrivals
  }

  arrived(count: number): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push({ count, resolve })
      this.#tell()
    })
  }

  async stop(): Promise<void> {
    const server = this.#server?.httpServer
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
    if (server?.listening) await new Promise(resolve => server.close(resolve))
  }

  hang(): void {
    this.#mode = 'hang'
  }

  cut(): void {
    this.#mode = 'cut'
  }

  close(): Promise<void> {
    return this.stop()
  }

  #arrive([event, ...structs]: [string, ...Record<string, string | number | Buffer>[]]): void {
    const read = (value: string | number | Buffer | undefined) => (Buffer.isBuffer(value) ? value.toString() : value)
    this.#arrivals.push({ event, values: structs.map(struct => read(Object.values(struct)[0]) ?? null) })
    this.#tell()
  }

  #tell(): void {
    for (const { count, resolve } of this.#waiting) if (this.#arrivals.length >= count) resolve()
  }
}

transportConformance({
  name: 'xmlrpc',
  module: xmlrpc,
  params: { use_struct_param: 1 },
  makePeer: async () => {
    const peer = new MethodServer()
    await peer.start()
    return peer
  },
  arrives: value => {
    if (value === null) return ''
    if (typeof value === 'number') return Math.abs(value) < 2 ** 31 ? value : String(value)
    return value
  },
})

const DEADLINE_MS = 20_000
const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** An HTTP server that answers every request the same way; gives its port. */
async function httpPeer(status: number, body: string): Promise<number> {
  const server = createHttpServer((request, response) => {
    request.resume()
    request.on('end', () => response.writeHead(status).end(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUps.push(() => server.close())
  return (server.address() as AddressInfo).port
}

function opened(): OpenTransport {
  const transport = openTransport([xmlrpc])
  cleanUps.push(() => transport.close())
  return transport
}

async function call(port: number, deadlineMs = DEADLINE_MS): Promise<Delivery> {
  const transport = opened()
  const sink = transport.open(`xmlrpc:127.0.0.1:${port}:m`)
  await whenUp(sink)
  return sink.send(sampleEvent('E_X', ['a'], ['1']), transport.deadline(deadlineMs))
}

const FAULT = `<?xml version="1.0"?><methodResponse><fault><value><struct>
<member><name>faultCode</name><value><int>4</int></value></member>
<member><name>faultString</name><value><string>Too many</string></value></member>
</struct></value></fault></methodResponse>`

describe('the answer to an XML-RPC call', () => {
  it.each([
    [200, 'anything', { outcome: 'delivered' }],
    [204, '', { outcome: 'delivered' }],
    [200, FAULT, { outcome: 'failed', error: { code: 'E_REFUSED', permanent: true } }],
    [404, '', { outcome: 'failed', error: { code: 'E_REFUSED', permanent: true } }],
    [302, '', { outcome: 'failed', error: { code: 'E_REFUSED', permanent: true } }],
    [429, '', { outcome: 'failed', error: { code: 'E_REFUSED', permanent: false } }],
    [503, '', { outcome: 'failed', error: { code: 'E_REFUSED', permanent: false } }],
    [500, '', { outcome: 'unknown', error: { code: 'E_REFUSED' } }],
  ])('%i decides on the event', async (status, body, expected) => {
    expect(await call(await httpPeer(status, body))).toMatchObject(expected)
  })

  it('names the fault', async () => {
    const delivery = await call(await httpPeer(200, FAULT))
    expect(delivery).toMatchObject({ error: { message: 'the peer answered fault 4: Too many' } })
  })

  it('may be endless: the rest is not read', async () => {
    const server = createHttpServer((_, response) => {
      response.writeHead(200)
      const more = (): boolean => response.write('x'.repeat(16_384))
      response.on('drain', () => void more())
      while (more()) {}
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanUps.push(() => server.close())
    expect(await call((server.address() as AddressInfo).port)).toEqual({ outcome: 'delivered' })
  })

  it('that does not come leaves the event unknown at the deadline', async () => {
    const peer = new MethodServer()
    await peer.start()
    cleanUps.push(() => peer.close())
    peer.hang()
    const port = Number(peer.socket.split(':')[2])
    const transport = opened()
    const sink = transport.open(`xmlrpc:127.0.0.1:${port}:on_event`)
    await whenUp(sink)
    const delivery = await sink.send(sampleEvent('E_X', null, []), transport.deadline(100))
    expect(delivery).toMatchObject({ outcome: 'unknown', error: { code: 'E_TIMEOUT' } })
  })
})

describe('an XML-RPC call', () => {
  it('is byte for byte the recorded request', async () => {
    const recorded = readFileSync(new URL('../../fixtures/golden/custom/mi_commas.xmlrpc.out', import.meta.url), 'utf8')
    const received = Promise.withResolvers<string>()
    const server = createServer(socket => {
      let text = ''
      socket.setEncoding('utf8').on('data', chunk => {
        text += chunk
        if (!text.endsWith('</methodCall>')) return
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        received.resolve(text)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanUps.push(() => server.close())
    const { port } = server.address() as AddressInfo
    const transport = opened()
    const sink = transport.open(`xmlrpc:127.0.0.1:${port}:on_event`)
    await whenUp(sink)
    const delivery = await sink.send(sampleEvent('E_T_CASE', ['s', 'i'], ['a,b', 1]), transport.deadline(DEADLINE_MS))
    expect(delivery).toEqual({ outcome: 'delivered' })
    expect(await received.promise).toBe(recorded.replace('127.0.0.1:9003', `127.0.0.1:${port}`))
  })

  it('to a port nobody listens on fails for want of a connection, and health tells', async () => {
    const port = await httpPeer(200, '')
    await cleanUps.pop()?.()
    const transport = opened()
    const sink = transport.open(`xmlrpc:127.0.0.1:${port}:m`)
    await whenUp(sink)
    const delivery = await sink.send(sampleEvent('E_X', null, []), transport.deadline(DEADLINE_MS))
    expect(delivery).toMatchObject({ outcome: 'failed', error: { code: 'E_NOT_CONNECTED', permanent: false } })
    expect(sink.health).toMatchObject({ state: 'down', lastError: { code: 'E_NOT_CONNECTED' } })
  })
})
