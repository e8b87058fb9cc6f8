import { createHmac, timingSafeEqual } from 'node:crypto'
import type { DigestQop } from '../../sip/digest/response.ts'
import { DIGEST_ALGORITHMS, type DigestAlgorithm } from '../../sip/digest/response.ts'

/** What a nonce says to the one who made it. */
export interface NonceContent {
  /** Wall-clock time in milliseconds after which it is stale. */
  readonly expiresMs: number
  /** The process that gave out the serial number. */
  readonly instance: number
  readonly serial: number
  readonly algorithm: DigestAlgorithm
  readonly qops: readonly DigestQop[]
}

/** 6 bytes time, 4 instance, 4 serial, 1 algorithm and qop; then the signature. */
const CONTENT_BYTES = 15
const SIGNATURE_BYTES = 18
const QOP_BITS: readonly (readonly [DigestQop, number])[] = [
  ['auth', 1],
  ['auth-int', 2],
]

/**
 * Nonces that carry what has to be known of them, signed with the secret (HMAC-SHA-256, cut to 144 bits): whoever has the
 * secret can read them, nobody else can make them.
 */
export class NonceCodec {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  encode({ expiresMs, instance, serial, algorithm, qops }: NonceContent): string {
    const content = Buffer.alloc(CONTENT_BYTES)
    content.writeUIntBE(expiresMs, 0, 6)
    content.writeUInt32BE(instance, 6)
    content.writeUInt32BE(serial, 10)
    const bits = QOP_BITS.reduce((sum, [qop, bit]) => sum + (qops.includes(qop) ? bit : 0), 0)
    content[14] = DIGEST_ALGORITHMS.indexOf(algorithm) * 4 + bits
    return Buffer.concat([content, this.#sign(content)]).toString('base64url')
  }

  /** Null for what was not made with this secret. */
  decode(nonce: string): NonceContent | null {
    const bytes = Buffer.from(nonce, 'base64url')
    // Decoding passes over foreign characters, so that many texts would stand for one nonce.
    if (bytes.length !== CONTENT_BYTES + SIGNATURE_BYTES || bytes.toString('base64url') !== nonce) return null
    const content = bytes.subarray(0, CONTENT_BYTES)
    if (!timingSafeEqual(this.#sign(content), bytes.subarray(CONTENT_BYTES))) return null
    const kind = content.readUInt8(14)
    return {
      expiresMs: content.readUIntBE(0, 6),
      instance: content.readUInt32BE(6),
      serial: content.readUInt32BE(10),
      algorithm: DIGEST_ALGORITHMS[kind >> 2] ?? 'MD5',
      qops: QOP_BITS.filter(([, bit]) => (kind & bit) !== 0).map(([qop]) => qop),
    }
  }

  #sign(content: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(content).digest().subarray(0, SIGNATURE_BYTES)
  }
}
