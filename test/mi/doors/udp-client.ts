import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** A UDP client: answers come one by one. */
export class UdpClient {
  readonly #socket: Socket
  readonly #port: number
  readonly #host: string
  readonly #answers: string[] = []

  constructor(name: string) {
    const colon = name.lastIndexOf(':')
    this.#host = name.slice(0, colon)
    this.#port = Number(name.slice(colon + 1))
    this.#socket = createSocket(this.#host.includes(':') ? 'udp6' : 'udp4')
    this.#socket.on('message', bytes => {
      this.#answers.push(bytes.toString('utf8'))
      this.#socket.emit('answer')
    })
  }

  send(request: string | Buffer): void {
    this.#socket.send(request, this.#port, this.#host)
  }

  async next(): Promise<string> {
    if (this.#answers.length === 0) await once(this.#socket, 'answer')
    return this.#answers.shift() ?? ''
  }

  ask(request: string | Buffer): Promise<string> {
    this.send(request)
    return this.next()
  }

  close(): void {
    this.#socket.close()
  }
}
