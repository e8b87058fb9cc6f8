import { createSocket, type Socket } from 'node:dgram'
import type { Log } from '../../log/log.ts'
import { familyOf } from './address.ts'
import type { ListenSocket, Origin } from './endpoint.ts'

/** Datagrams shorter than this hold no message (OpenSIPS MIN_UDP_PACKET). */
const MIN_DATAGRAM_BYTES = 20
/** More than this does not wait for the kernel: a datagram lost now is sent again by its transaction. */
const MOST_WAITING_BYTES = 8_388_608
/** So many go out at once at the latest, so that the first does not wait for all the rest of a long turn. */
const MOST_TOGETHER = 32
const NUL = 0
const CR = 13
const LF = 10

/** What a UDP listener is opened with. */
export interface UdpOptions {
  readonly address: string
  /** 0 takes a free one. */
  readonly port: number
  readonly reusePort: boolean
  /** Receive buffer to ask the kernel for, bytes; 0 leaves its default. */
  readonly receiveBufferBytes: number
}

interface Outgoing {
  readonly bytes: Buffer
  readonly address: string
  readonly port: number
  readonly onError: ((reason: string) => void) | undefined
}

/**
 * One UDP socket that SIP is received on and sent from. What is sent in one turn of the event loop goes out together at
 * its end: the peer then wakes up once for all of it, and so do we for its answers.
 */
export class UdpListener {
  /** What the kernel gave: differs from the request where that was port 0. */
  readonly port: number
  readonly #socket: Socket
  readonly #log: Log
  #isOpen = true
  #sends = 0
  #outgoing: Outgoing[] = []

  private constructor(socket: Socket, log: Log) {
    this.#socket = socket
    this.#log = log
    this.port = socket.address().port
    socket.on('error', error => log.often().warn('UDP socket error', { port: this.port, error: error.message }))
  }

  /** Binds the socket. Rejects with the system's error when the address cannot be had. */
  static open(options: UdpOptions, log: Log): Promise<UdpListener> {
    const isIpv6 = familyOf(options.address) === 6
    const socket = createSocket({
      type: isIpv6 ? 'udp6' : 'udp4',
      ipv6Only: isIpv6,
      reusePort: options.reusePort,
      // Addresses are numeric by the time they come here: the detour over the system's resolver is spared.
      lookup: (address, _options, callback) => callback(null, address, isIpv6 ? 6 : 4),
      ...(options.receiveBufferBytes > 0 && { recvBufferSize: options.receiveBufferBytes }),
    })
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ address: options.address, port: options.port, exclusive: true }, () => {
        socket.removeListener('error', reject)
        resolve(new UdpListener(socket, log))
      })
    })
  }

  /** Hands every datagram that may hold a message to `receive`, which owns the bytes and must not throw. */
  listen(socket: ListenSocket, receive: (bytes: Buffer, origin: Origin) => void): void {
    this.#socket.on('message', (bytes, from) => {
      if (bytes.length < MIN_DATAGRAM_BYTES || isPing(bytes)) return
      receive(bytes, { proto: 'udp', address: from.address, port: from.port, socket, connectionId: 0 })
    })
  }

  /** Bytes that wait for the kernel to take them. */
  get waitingBytes(): number {
    return this.#isOpen ? this.#socket.getSendQueueSize() : 0
  }

  /**
   * Sends one datagram, at the end of this turn. False when the socket is closed or too much waits; `onError` is called,
   * later, when the kernel did not take it.
   */
  send(bytes: Buffer, address: string, port: number, onError: ((reason: string) => void) | undefined): boolean {
    if (!this.#isOpen) return false
    // Asking costs a call into the runtime, and no single message fills much of it.
    if ((++this.#sends & 15) === 0 && this.waitingBytes > MOST_WAITING_BYTES) return false
    const count = this.#outgoing.push({ bytes, address, port, onError })
    if (count === 1) setImmediate(() => this.#sendAll())
    else if (count === MOST_TOGETHER) this.#sendAll()
    return true
  }

  #sendAll(): void {
    const all = this.#outgoing
    if (all.length === 0) return
    this.#outgoing = []
    for (const one of all) this.#sendOne(one)
  }

  #sendOne({ bytes, address, port, onError }: Outgoing): void {
    const failed = (reason: string): void => {
      this.#log.debug('datagram not sent', { to: address, port, error: reason })
      onError?.(reason)
    }
    try {
      this.#socket.send(bytes, port, address, error => {
        if (error !== null) failed(error.message)
      })
    } catch (error) {
      failed(String(error))
    }
  }

  /** Stops receiving and lets the port go. Idempotent. */
  close(): Promise<void> {
    this.#sendAll()
    this.#isOpen = false
    return new Promise(resolve => {
      try {
        this.#socket.close(() => resolve())
      } catch {
        resolve()
      }
    })
  }
}

/** Keep-alives of NUL or line ends only (sip-core 12.2). A real message fails on its first byte. */
function isPing(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if (byte !== NUL && byte !== CR && byte !== LF) return false
  }
  return true
}
