import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Arrivals } from '../../conformance/json-arrival.ts'

const ANSWER_BODY =
  '<?xml version="1.0"?><methodResponse><params><param><value><int>1</int></value></param></params></methodResponse>'
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: ${ANSWER_BODY.length}\r\nConnection: close\r\n\r\n${ANSWER_BODY}`

/** A TCP port that keeps every HTTP request byte for byte, and answers each as an XML-RPC method would. */
export interface RawHttpPeer {
  readonly port: number
  readonly requests: readonly string[]
  arrived(count: number): Promise<void>
  close(): Promise<void>
}

export async function rawHttpPeer(): Promise<RawHttpPeer> {
  const requests = new Arrivals<string>()
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    let bytes = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      if (bytes.length < lengthOf(bytes)) return
      requests.add(bytes.toString())
      socket.end(ANSWER)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    requests: requests.all,
    arrived: count => requests.reached(count),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Length of the whole request, or Infinity while its header is not complete. */
function lengthOf(bytes: Buffer): number {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return Number.POSITIVE_INFINITY
  const length = /content-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1]
  return end + 4 + Number(length ?? 0)
}
