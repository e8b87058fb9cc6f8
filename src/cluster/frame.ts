/** Version of the protocol between nodes. Nodes of another version are refused. */
export const WIRE_VERSION = 1

/** What a frame holds: the greeting of a node, or a message. */
export const FrameKind = { hello: 1, message: 2 } as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]

/** Largest payload: a message to a node, with what authenticates it. */
export const MAX_PAYLOAD_BYTES = 1_048_576
/** Largest payload before the other side has proved who it is. */
export const MAX_HELLO_BYTES = 1024

const MAGIC = 0x4646
const HEADER_BYTES = 8

/** One frame as received. */
export interface Frame {
  readonly kind: FrameKind
  readonly payload: Buffer
}

/**
 * Writes a frame of the protocol between nodes, which is Fanfare's own:
 *
 *     frame   = magic version kind length payload
 *     magic   = "FF"; version, kind = 1 byte; length = 4 bytes, of the payload, big-endian
 */
export function encodeFrame(kind: FrameKind, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length)
  frame.writeUInt16BE(MAGIC, 0)
  frame.writeUInt8(WIRE_VERSION, 2)
  frame.writeUInt8(kind, 3)
  frame.writeUInt32BE(payload.length, 4)
  payload.copy(frame, HEADER_BYTES)
  return frame
}

/** Cuts a stream into frames. It holds one frame at most. */
export class FrameReader {
  /** Larger payloads are a fault. */
  maxPayloadBytes = MAX_HELLO_BYTES
  #rest: Buffer = Buffer.alloc(0)

  /**
   * Hands each complete frame to `take`, which says whether to go on. Gives what is wrong with the stream, or null; after a
   * fault nothing more can be read of it.
   */
  push(bytes: Buffer, take: (frame: Frame) => boolean): string | null {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    while (this.#rest.length >= HEADER_BYTES) {
      const fault = this.#faultOfHeader()
      if (fault !== null) return fault
      const end = HEADER_BYTES + this.#rest.readUInt32BE(4)
      if (this.#rest.length < end) return null
      const kind = this.#rest.readUInt8(3) === FrameKind.hello ? FrameKind.hello : FrameKind.message
      const payload = this.#rest.subarray(HEADER_BYTES, end)
      this.#rest = this.#rest.subarray(end)
      if (!take({ kind, payload })) return null
    }
    return null
  }

  #faultOfHeader(): string | null {
    if (this.#rest.readUInt16BE(0) !== MAGIC) return 'this is not the protocol between Fanfare nodes'
    const version = this.#rest.readUInt8(2)
    if (version !== WIRE_VERSION) return `version ${version} of the protocol, expected ${WIRE_VERSION}`
    const kind = this.#rest.readUInt8(3)
    if (kind !== FrameKind.hello && kind !== FrameKind.message) return `unknown kind of frame ${kind}`
    const length = this.#rest.readUInt32BE(4)
    if (length > this.maxPayloadBytes) return `a frame of ${length} bytes, at most ${this.maxPayloadBytes} are taken`
    return null
  }
}
