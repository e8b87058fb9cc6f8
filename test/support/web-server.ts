import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A request that a web server got. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Name, value, name, value …, as they came. */
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly response: ServerResponse
}

/** A web server of the test on a free loopback port. It is closed with the test. */
export interface WebServer {
  /** `http://127.0.0.1:port` */
  readonly origin: string
  readonly port: number
  readonly asked: readonly Asked[]
  /** How many connections were opened. */
  readonly connections: () => number
}

/** Starts a server that answers each request by `answer`; with certificates it speaks TLS. */
export async function webServer(answer: (asked: Asked) => void, tls?: ServerOptions): Promise<WebServer> {
  const asked: Asked[] = []
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      const { method = '', url: path = '', headers, rawHeaders } = request
      const one = { method, path, headers, rawHeaders, body, response }
      asked.push(one)
      answer(one)
    })
  }
  const server: Server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest)
  let connections = 0
  server.on('connection', () => connections++)
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise<void>(resolve => void server.close(() => resolve()))
  })
  const { port } = server.address() as AddressInfo
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    asked,
    connections: () => connections,
  }
}
