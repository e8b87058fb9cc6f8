import { createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Accepts connections and says nothing, until the end of the test. */
export class SilentServer {
  /** How many there have been. */
  connections = 0
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(): Promise<SilentServer> {
    const sockets = new Set<Socket>()
    const server = createServer()
    const local = new SilentServer(server)
    server.on('connection', socket => {
      local.connections++
      sockets.add(socket)
      socket.on('error', () => {})
      socket.resume()
    })
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      return new Promise<void>(resolve => void server.close(() => resolve()))
    })
    return local
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }
}
