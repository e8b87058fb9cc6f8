import { createSocket, type Socket } from 'node:dgram'
import { constants } from 'node:os'
import { getSystemErrorName } from 'node:util'
import type { Log } from '../../log/log.ts'
import { familyOf } from './address.ts'
import type { ListenSocket, Origin } from './endpoint.ts'
import { MOST_AT_ONCE, UdpDescriptor } from './udp-descriptor.ts'

/** Datagrams shorter than this hold no message (OpenSIPS MIN_UDP_PACKET). */
const MIN_DATAGRAM_BYTES = 20
/** More than this does not wait for the kernel: a datagram lost now is sent again by its transaction. */
const MOST_WAITING_BYTES = 8_388_608
/** So many go out at once at the latest, so that the first does not wait for all the rest of a long turn. */
const MOST_TOGETHER = 32
/** After so many that came in one turn of the event loop others get theirs. */
const MOST_IN_TURN = 128
const { EAGAIN, ENOBUFS } = constants.errno
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
 * its end: the peer then wakes up once for all of it, and so do we for its answers. Where the system allows it, datagrams
 * take a shorter way than through `node:dgram` (see {@link UdpDescriptor}).
 */
export class UdpListener {
  /** What the kernel gave: differs from the request where that was port 0. */
  readonly port: number
  readonly #socket: Socket
  readonly #descriptor: UdpDescriptor | null
  readonly #log: Log
  #isOpen = true
  #sends = 0
  #receivedInTurn = 0
  /** Whether more than one came in the turn before. */
  #hadSeveral = false
  #willEndTurn = false
  #outgoing: Outgoing[] = []

  private constructor(socket: Socket, descriptor: UdpDescriptor | null, log: Log) {
    this.#socket = socket
    this.#descriptor = descriptor
    this.#log = log
    this.port = socket.address().port
    socket.on('error', error => log.warn('UDP socket error', { port: this.port, error: error.message }))
  }

  /** Binds the socket. Rejects with the system's error when the address cannot be had. */
  static async open(options: UdpOptions, log: Log): Promise<UdpListener> {
    const { address, port, reusePort, receiveBufferBytes } = options
    const isIpv6 = familyOf(address) === 6
    const descriptor = isIpv6 ? null : UdpDescriptor.open(options)
    const socket = createSocket({
      type: isIpv6 ? 'udp6' : 'udp4',
      ipv6Only: isIpv6,
      // Addresses are numeric by the time they come here: the detour over the system's resolver is spared.
      lookup: (name, _options, callback) => callback(null, name, isIpv6 ? 6 : 4),
      ...(descriptor === null && { reusePort }),
      ...(descriptor === null && receiveBufferBytes > 0 && { recvBufferSize: receiveBufferBytes }),
    })
    const where = descriptor === null ? { address, port } : { fd: descriptor.fd }
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ ...where, exclusive: true }, () => {
        socket.removeListener('error', reject)
        resolve()
      })
    })
    return new UdpListener(socket, descriptor, log)
  }

  /** Hands every datagram that may hold a message to `receive`, which owns the bytes and must not throw. */
  listen(socket: ListenSocket, receive: (bytes: Buffer, origin: Origin) => void): void {
    const take = (bytes: Buffer, address: string, port: number): void => {
      this.#receivedInTurn++
      if (bytes.length < MIN_DATAGRAM_BYTES || isPing(bytes)) return
      receive(bytes, { proto: 'udp', address, port, socket, connectionId: 0 })
    }
    const descriptor = this.#descriptor
    this.#socket.on('message', (bytes, from) => {
      this.#endTurn()
      take(bytes, from.address, from.port)
      // Who is alone, after one that was alone, is likely to be the only one: the kernel need not be asked.
      if (descriptor === null || (this.#receivedInTurn === 1 && !this.#hadSeveral)) return
      while (this.#isOpen && this.#receivedInTurn < MOST_IN_TURN)
        if (descriptor.receive(one => take(one.bytes, one.address, one.port)) < MOST_AT_ONCE) return
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
    if (this.#outgoing.push({ bytes, address, port, onError }) === MOST_TOGETHER) this.#sendAll()
    else this.#endTurn()
    return true
  }

  /** Sees to it that the turn is ended when it is over. */
  #endTurn(): void {
    if (this.#willEndTurn) return
    this.#willEndTurn = true
    setImmediate(() => {
      this.#willEndTurn = false
      if (this.#receivedInTurn > 0) this.#hadSeveral = this.#receivedInTurn > 1
      this.#receivedInTurn = 0
      this.#sendAll()
    })
  }

  #sendAll(): void {
    const all = this.#outgoing
    if (all.length === 0) return
    this.#outgoing = []
    for (const one of all) this.#sendOne(one)
  }

  #sendOne(one: Outgoing): void {
    const { bytes, address, port } = one
    // Where the kernel has no room now, Node waits until it has.
    const errno = this.#isOpen ? (this.#descriptor?.send(bytes, address, port) ?? EAGAIN) : EAGAIN
    if (errno === EAGAIN || errno === ENOBUFS) this.#sendByNode(one)
    else if (errno !== 0) this.#failed(one, `send ${getSystemErrorName(-errno)} ${address}:${port}`)
  }

  #sendByNode(one: Outgoing): void {
    try {
      this.#socket.send(one.bytes, one.port, one.address, error => {
        if (error !== null) this.#failed(one, error.message)
      })
    } catch (error) {
      this.#failed(one, String(error))
    }
  }

  #failed({ address, port, onError }: Outgoing, reason: string): void {
    this.#log.debug('datagram not sent', { to: address, port, error: reason })
    onError?.(reason)
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
