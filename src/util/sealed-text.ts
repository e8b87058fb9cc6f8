import { createCipheriv, createDecipheriv, createHmac, scryptSync } from 'node:crypto'

/** A longer token is none of ours. */
const LONGEST_TOKEN = 8192
const IV_BYTES = 12
const TAG_BYTES = 16

/** Encodings that leave text intact inside URIs, also where case is lost on the way. */
export type TokenEncoding = 'base64url' | 'base32'

/**
 * Text that travels through others' hands and comes back: they can neither read nor change it (AES-256-GCM). The same text
 * gives the same token, so repeated messages stay the same.
 */
export class SealedText {
  readonly #key: Buffer
  readonly #encoding: TokenEncoding

  /** The key follows from the password alone: processes with the same one read each other's tokens. */
  constructor(password: string, encoding: TokenEncoding = 'base64url') {
    this.#key = scryptSync(password, 'fanfare sealed text', 32, { N: 1024 })
    this.#encoding = encoding
  }

  seal(text: string): string {
    const plain = Buffer.from(text, 'utf8')
    const iv = createHmac('sha256', this.#key).update(plain).digest().subarray(0, IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv)
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
    const bytes = Buffer.concat([iv, cipher.getAuthTag(), sealed])
    return this.#encoding === 'base32' ? toBase32(bytes) : bytes.toString('base64url')
  }

  /** The text behind a token; null where it was not made with this key, or has been changed. */
  open(token: string): string | null {
    if (token.length > LONGEST_TOKEN) return null
    const bytes = this.#encoding === 'base32' ? fromBase32(token) : fromBase64(token)
    if (bytes === null || bytes.length < IV_BYTES + TAG_BYTES) return null
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, IV_BYTES))
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    const plain = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES))
    try {
      return Buffer.concat([plain, decipher.final()]).toString('utf8')
    } catch {
      return null
    }
  }
}

/** Node passes over letters that do not belong there and bits that are left over: none of that is what we wrote. */
function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}

/** RFC 4648 §6, without padding. */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function toBase32(bytes: Buffer): string {
  let text = ''
  let value = 0
  let bits = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(value >>> (bits - 5)) & 31]
    value &= (1 << bits) - 1
  }
  return bits > 0 ? text + BASE32[(value << (5 - bits)) & 31] : text
}

function fromBase32(text: string): Buffer | null {
  const bytes: number[] = []
  let value = 0
  let bits = 0
  for (const letter of text.toUpperCase()) {
    const digit = BASE32.indexOf(letter)
    if (digit < 0) return null
    value = (value << 5) | digit
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push(value >>> bits)
    value &= (1 << bits) - 1
  }
  // Neither a letter too many nor bits that are left over.
  if (bits >= 5 || value !== 0) return null
  return Buffer.from(bytes)
}
