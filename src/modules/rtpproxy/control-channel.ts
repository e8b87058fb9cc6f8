import { randomBytes } from 'node:crypto'
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Clock } from '../../util/clock.ts'
import type { ControlAddress } from './address.ts'

/** How long an answer is waited for, and how often a command is sent before that is given up. */
export interface Patience {
  readonly timeoutMs: number
  readonly tries: number
}

/** The way to one RTP proxy. Nothing of it blocks: answers come as promises, which never reject. */
export interface ControlChannel {
  /** The answer to a command, without cookie and line end; null when none came. */
  ask(command: string, patience: Patience): Promise<string | null>
  close(): void
}

/** An answer longer than this is none. */
const LONGEST_ANSWER = 65_536
const newCookie = (): string => `${process.pid}_${randomBytes(6).toString('hex')}`

/** Opens the way to an RTP proxy; sockets are opened with the first command. */
export function openChannel(address: ControlAddress, clock: Clock): ControlChannel {
  return address.proto === 'udp'
    ? new DatagramChannel(address.host, address.port, clock)
    : new StreamChannel(address, clock)
}

interface Waiting {
  settle(answer: string | null): void
}

/** Commands as datagrams, `cookie command`, repeated until `cookie answer` comes back. */
class DatagramChannel implements ControlChannel {
  readonly #host: string
  readonly #port: number
  readonly #clock: Clock
  readonly #waiting = new Map<string, Waiting>()
  #socket: DatagramSocket | null = null

  constructor(host: string, port: number, clock: Clock) {
    this.#host = host
    this.#port = port
    this.#clock = clock
  }

  ask(command: string, { timeoutMs, tries }: Patience): Promise<string | null> {
    const cookie = newCookie()
    const bytes = Buffer.from(`${cookie} ${command}`, 'latin1')
    return new Promise(resolve => {
      let left = tries
      const attempt = (): void => {
        if (left-- <= 0) {
          waiting.settle(null)
          return
        }
        timer = this.#clock.after(timeoutMs, attempt)
        // What cannot be sent is not answered; the next attempt may get through.
        this.#open().send(bytes, this.#port, this.#host, () => {})
      }
      let timer = { clear: () => {} }
      const waiting: Waiting = {
        settle: answer => {
          timer.clear()
          this.#waiting.delete(cookie)
          resolve(answer)
        },
      }
      this.#waiting.set(cookie, waiting)
      attempt()
    })
  }

  close(): void {
    for (const waiting of [...this.#waiting.values()]) waiting.settle(null)
    this.#socket?.close()
    this.#socket = null
  }

  #open(): DatagramSocket {
    if (this.#socket !== null) return this.#socket
    const socket = createSocket(this.#host.includes(':') ? 'udp6' : 'udp4')
    socket.on('message', bytes => this.#take(bytes))
    socket.on('error', () => {})
    socket.unref()
    this.#socket = socket
    return socket
  }

  #take(bytes: Buffer): void {
    const text = bytes.toString('latin1')
    const blank = text.indexOf(' ')
    if (blank > 0) this.#waiting.get(text.slice(0, blank))?.settle(text.slice(blank + 1).trim())
  }
}

/**
 * One connection for each command. Over TCP the command has a cookie as datagrams have, over a unix socket it stands by
 * itself; the answer ends with its line or with the connection.
 */
class StreamChannel implements ControlChannel {
  readonly #address: Exclude<ControlAddress, { proto: 'udp' }>
  readonly #clock: Clock
  readonly #open = new Set<() => void>()

  constructor(address: ControlAddress, clock: Clock) {
    this.#address = address as Exclude<ControlAddress, { proto: 'udp' }>
    this.#clock = clock
  }

  async ask(command: string, { timeoutMs, tries }: Patience): Promise<string | null> {
    const cookie = this.#address.proto === 'unix' ? '' : `${newCookie()} `
    for (let i = 0; i < tries; i++) {
      const answer = await this.#attempt(`${cookie}${command}\n`, timeoutMs)
      if (answer?.startsWith(cookie) === true) return answer.slice(cookie.length).trim()
    }
    return null
  }

  close(): void {
    for (const stop of [...this.#open]) stop()
  }

  #attempt(text: string, timeoutMs: number): Promise<string | null> {
    const address = this.#address
    return new Promise(resolve => {
      const socket = connect(
        address.proto === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
      )
      let received = ''
      const settle = (answer: string | null): void => {
        timer.clear()
        this.#open.delete(stop)
        socket.destroy()
        resolve(answer)
      }
      const stop = (): void => settle(null)
      const timer = this.#clock.after(timeoutMs, stop)
      this.#open.add(stop)
      socket.on('error', stop)
      socket.on('close', () => settle(received === '' ? null : received))
      socket.on('data', (data: Buffer) => {
        received += data.toString('latin1')
        const end = received.indexOf('\n')
        if (end >= 0) settle(received.slice(0, end))
        else if (received.length > LONGEST_ANSWER) stop()
      })
      socket.write(text, 'latin1')
    })
  }
}
