import { createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

const PATIENCE_MS = 10_000

/** What becomes of a command: the bytes to answer with, or null for the usual answer. */
type Script = (command: string) => string | null

/** A frame `command/reply`. */
export const replyFrame = (text: string): string => `Content-Type: command/reply\nReply-Text: ${text}\n\n`
/** A frame with a body. */
export const bodyFrame = (type: string, body: string): string =>
  `Content-Length: ${Buffer.byteLength(body)}\nContent-Type: ${type}\n\n${body}`

/**
 * A FreeSWITCH event socket that follows the protocol and does nothing else: it asks for a password, takes commands and
 * sends the events it is told to. It is closed with the test.
 */
export class EslServer {
  readonly password: string
  /** Every command but `auth`, in order. */
  readonly commands: string[] = []
  /** Every `auth` and `userauth`. */
  readonly logins: string[] = []
  /** Connections so far. */
  connections = 0
  /** Does not even greet. */
  isSilent = false
  /** Ends connections as soon as they come. */
  isRefusing = false
  answer: Script = () => null
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null
  #port = 0

  private constructor(password: string) {
    this.password = password
  }

  static async start(port = 0, password = 'ClueCon'): Promise<EslServer> {
    const server = new EslServer(password)
    server.#port = port
    await server.listen()
    onTestFinished(() => server.close())
    return server
  }

  get port(): number {
    return this.#port
  }

  get openConnections(): number {
    return this.#sockets.size
  }

  /** Opens its port, again after `close`. */
  async listen(): Promise<void> {
    const server = createServer(socket => this.#accept(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    const address = server.address()
    this.#port = address === null || typeof address === 'string' ? 0 : address.port
    this.#server = server
  }

  /** Ends every connection; new ones are taken. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.drop()
    const server = this.#server
    this.#server = null
    if (server !== null) await new Promise<void>(resolve => void server.close(() => resolve()))
  }

  /** Sends bytes on every connection. */
  send(bytes: string | Buffer): void {
    for (const socket of this.#sockets) socket.write(bytes)
  }

  /** Sends an event as JSON. */
  event(fields: Readonly<Record<string, string>>): void {
    this.send(bodyFrame('text/event-json', JSON.stringify(fields)))
  }

  /** Waits until this many commands came. */
  async took(count: number): Promise<readonly string[]> {
    const patience = AbortSignal.timeout(PATIENCE_MS)
    while (this.commands.length < count) {
      if (patience.aborted) throw new Error(`waited for ${count} commands, got ${JSON.stringify(this.commands)}`)
      await new Promise(resolve => setImmediate(resolve))
    }
    return this.commands
  }

  #accept(socket: Socket): void {
    this.connections++
    if (this.isRefusing) {
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    let rest = ''
    let isIn = false
    socket.on('error', () => {})
    socket.on('close', () => void this.#sockets.delete(socket))
    socket.on('data', (bytes: Buffer) => {
      rest += bytes.toString()
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        const command = rest.slice(0, end)
        rest = rest.slice(end + 2)
        if (isIn) this.#take(socket, command)
        else isIn = this.#login(socket, command)
      }
    })
    if (!this.isSilent) socket.write('Content-Type: auth/request\n\n')
  }

  #login(socket: Socket, command: string): boolean {
    this.logins.push(command)
    const isRight = command.endsWith(`auth ${this.password}`) || command.endsWith(`:${this.password}`)
    socket.write(replyFrame(isRight ? '+OK accepted' : '-ERR invalid'))
    if (!isRight) socket.end(bodyFrame('text/disconnect-notice', 'Disconnected, goodbye.\n'))
    return isRight
  }

  #take(socket: Socket, command: string): void {
    this.commands.push(command)
    const own = this.answer(command)
    if (own === '') return
    if (own !== null) socket.write(own)
    else if (command.startsWith('api ')) socket.write(bodyFrame('api/response', `+OK ${command.slice(4)}\n`))
    else if (command.startsWith('event '))
      socket.write(replyFrame(`+OK event listener enabled ${command.split(' ')[1]}`))
    else socket.write(replyFrame('+OK'))
  }
}
