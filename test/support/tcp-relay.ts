import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * Stands between a client and a real server on loopback and fails on demand: a broker that goes away, hangs or breaks
 * off, without touching the broker that other tests share.
 */
export class TcpRelay {
  readonly #targetPort: number
  readonly #pairs = new Set<{ client: Socket; server: Socket }>()
  #listener: Server | undefined
  #port = 0
  #isHung = false
  #cutsNext = false
  #accepted = 0

  private constructor(targetPort: number) {
    this.#targetPort = targetPort
  }

  static async to(targetPort: number): Promise<TcpRelay> {
    const relay = new TcpRelay(targetPort)
    await relay.start()
    return relay
  }

  get port(): number {
    return this.#port
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#pairs.size
  }

  /** Connections there have been, those that are open among them. */
  get accepted(): number {
    return this.#accepted
  }

  /** Accepts connections, on the port of before if there was one. */
  async start(): Promise<void> {
    this.#isHung = false
    this.#cutsNext = false
    this.#listener = createServer(client => this.#relay(client))
    this.#listener.listen(this.#port, '127.0.0.1')
    await once(this.#listener, 'listening')
    this.#port = (this.#listener.address() as AddressInfo).port
  }

  /** Resets every connection and refuses new ones. */
  async stop(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    for (const pair of this.#pairs) this.#cut(pair)
    if (listener !== undefined) await new Promise(resolve => listener.close(resolve))
  }

  /** From now on nothing passes from the server to the client. */
  hang(): void {
    this.#isHung = true
    for (const { server } of this.#pairs) server.pause()
  }

  /** Resets the connection instead of passing on what the client sends next. */
  cutNext(): void {
    this.#cutsNext = true
  }

  #relay(client: Socket): void {
    this.#accepted++
    const server = connect(this.#targetPort, '127.0.0.1')
    const pair = { client, server }
    this.#pairs.add(pair)
    client.on('data', chunk => {
      if (this.#cutsNext) this.#cut(pair)
      else server.write(chunk)
    })
    server.on('data', chunk => client.write(chunk))
    if (this.#isHung) server.pause()
    for (const socket of [client, server]) {
      socket.on('error', () => {})
      socket.on('close', () => this.#cut(pair))
    }
  }

  #cut(pair: { client: Socket; server: Socket }): void {
    this.#pairs.delete(pair)
    pair.client.destroy()
    pair.server.destroy()
  }
}
