import { connect, type Socket } from 'node:net'
import { mutate } from './mutate.ts'

const HANDSHAKE = Buffer.from(
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n',
)
/** Continuation, text, binary, close, ping, pong, and one that nobody has defined (RFC 6455 §5.2). */
const OPCODES = [0, 1, 1, 1, 2, 2, 8, 9, 10, 3]

/** Sends messages in WebSocket frames that are not always right, over connections that are made anew when they end. */
export class WsSender {
  readonly #port: number
  readonly #random: (below: number) => number
  #socket: Socket | null = null

  constructor(port: number, random: (below: number) => number) {
    this.#port = port
    this.#random = random
  }

  send(message: Buffer): void {
    const frame = this.#frame(message)
    this.#open().write(this.#oneIn(3) ? mutate(frame, this.#random) : frame)
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = null
  }

  #open(): Socket {
    if (this.#socket !== null) return this.#socket
    const socket = connect(this.#port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('data', () => {})
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null
    })
    socket.write(this.#oneIn(8) ? mutate(HANDSHAKE, this.#random) : HANDSHAKE)
    this.#socket = socket
    return socket
  }

  /** A masked frame, as clients send them; not always the last of its message. */
  #frame(payload: Buffer): Buffer {
    const opcode = OPCODES[this.#random(OPCODES.length)] ?? 1
    const head = Buffer.alloc(8)
    head.writeUInt8((this.#oneIn(6) ? 0 : 0x80) | opcode, 0)
    head.writeUInt8(0x80 | 126, 1)
    head.writeUInt16BE(Math.min(payload.length, 0xffff), 2)
    head.writeUInt32BE(this.#random(0xffff_ffff), 4)
    const masked = Buffer.from(payload.subarray(0, 0xffff))
    for (let i = 0; i < masked.length; i++) masked[i] = (masked[i] ?? 0) ^ (head[4 + (i % 4)] ?? 0)
    return Buffer.concat([head, masked])
  }

  #oneIn(count: number): boolean {
    return this.#random(count) === 0
  }
}
