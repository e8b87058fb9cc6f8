import { unlinkSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { ControlAddress } from './address.ts'

/** What an RTP proxy reports. */
export type Notification =
  | { readonly kind: 'timeout'; readonly tag: string }
  | {
      readonly kind: 'dtmf'
      readonly tag: string
      readonly digit: string
      readonly volume: number
      readonly duration: number
      readonly stream: number
    }

/** A line longer than this is no notification. */
const LONGEST_LINE = 4096
const MOST_CONNECTIONS = 64

/** Reads one line: the tag alone when media have stopped; `tag digit volume duration stream` for a key. Null: neither. */
export function parseNotification(line: string): Notification | null {
  const words = line.trim().split(/\s+/)
  const [tag = '', digit = '', volume = '', duration = '', stream = ''] = words
  if (!/^[cd]:./.test(tag)) return null
  if (words.length === 1) return { kind: 'timeout', tag }
  if (words.length < 5 || !/^[0-9A-D*#]$/.test(digit) || ![volume, duration, stream].every(w => /^\d{1,9}$/.test(w)))
    return null
  return { kind: 'dtmf', tag, digit, volume: Number(volume), duration: Number(duration), stream: Number(stream) }
}

/** Listens for what RTP proxies report, over TCP or a unix socket. Only `isPeer` addresses are heard over TCP. */
export class NotificationServer {
  readonly #server: Server
  readonly #connections = new Set<Socket>()

  constructor(take: (notification: Notification) => void, isPeer: (address: string) => boolean) {
    this.#server = createServer(socket => {
      const from = socket.remoteAddress?.replace(/^::ffff:/, '')
      if (from !== undefined && !isPeer(from)) socket.destroy()
      else this.#read(socket, take)
    })
    this.#server.maxConnections = MOST_CONNECTIONS
  }

  /** Rejects where the address cannot be listened on. */
  listen(address: ControlAddress): Promise<void> {
    if (address.proto === 'unix') removeStale(address.path)
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.once('listening', () => {
        this.#server.off('error', reject)
        this.#server.on('error', () => {})
        this.#server.unref()
        resolve()
      })
      if (address.proto === 'unix') this.#server.listen(address.path)
      else this.#server.listen(address.port, address.host)
    })
  }

  close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }

  #read(socket: Socket, take: (notification: Notification) => void): void {
    let rest = ''
    this.#connections.add(socket)
    socket.unref()
    socket.on('error', () => {})
    socket.on('close', () => this.#connections.delete(socket))
    socket.on('data', (data: Buffer) => {
      const lines = (rest + data.toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const notification = parseNotification(line)
        if (notification !== null) take(notification)
      }
      if (rest.length > LONGEST_LINE) socket.destroy()
    })
  }
}

/** A socket file that an earlier run has left. */
function removeStale(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // There is none.
  }
}
