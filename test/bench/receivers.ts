/** Receivers that benches talk to, in a thread of their own: the time they take is not the sender's. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

export type ReceiverKind = 'http' | 'lines'

export interface Receiver {
  readonly port: number
  stop(): Promise<unknown>
}

/** Starts a receiver: `http` answers every request 204, `lines` each JSON-RPC request on a line of its own with success. */
export async function startReceiver(kind: ReceiverKind): Promise<Receiver> {
  const worker = new Worker(import.meta.filename, { workerData: kind })
  const [port] = await once(worker, 'message')
  return { port, stop: () => worker.terminate() }
}

function serverOf(kind: ReceiverKind): Server {
  return kind === 'http' ? httpServer() : lineServer()
}

function httpServer(): Server {
  return createHttpServer((request, response) => {
    request.resume()
    request.on('end', () => response.writeHead(204).end())
  })
}

function lineServer(): Server {
  // Else a reply waits up to 40 ms for the acknowledgement of the one before, which a sender that writes little delays.
  return createServer({ noDelay: true }, socket => {
    let rest = ''
    socket.on('error', () => {})
    socket.setEncoding('utf8').on('data', chunk => {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      socket.write(lines.map(line => `{"jsonrpc":"2.0","result":"ok","id":${JSON.parse(line).id}}\n`).join(''))
    })
  })
}

if (!isMainThread && parentPort !== null) {
  const server = serverOf(workerData)
  server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port))
}
