import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** How messages are authenticated: by a secret that all nodes share, or not at all. */
export type Authentication = 'none' | 'hmac-sha256'

/** Which of the two opened the connection. */
export type Role = 'connector' | 'acceptor'

/** The greeting: the first frame of each side. */
export interface Hello {
  readonly cluster: number
  readonly node: number
  readonly authentication: Authentication
  /** 32 hexadecimal digits, never the same twice. */
  readonly nonce: string
}

const MAC_BYTES = 32
const COUNTER_BYTES = 8

/** The greeting of a node. */
export function makeHello(cluster: number, node: number, secret: string): Hello {
  const authentication = secret === '' ? 'none' : 'hmac-sha256'
  return { cluster, node, authentication, nonce: randomBytes(16).toString('hex') }
}

/** Writes a greeting: four words. */
export function encodeHello({ cluster, node, authentication, nonce }: Hello): Buffer {
  return Buffer.from(`${cluster} ${node} ${authentication} ${nonce}`)
}

/** Reads a greeting; null when it is none. */
export function parseHello(bytes: Buffer): Hello | null {
  const words = /^([1-9]\d{0,8}) ([1-9]\d{0,8}) (none|hmac-sha256) ([0-9a-f]{32})$/.exec(bytes.toString('latin1'))
  if (words === null) return null
  const [, cluster, node, authentication, nonce = ''] = words
  return {
    cluster: Number(cluster),
    node: Number(node),
    authentication: authentication === 'none' ? 'none' : 'hmac-sha256',
    nonce,
  }
}

/**
 * Authenticates the messages of one connection. The key comes of the secret and of both greetings, so no message of another
 * connection fits; each message is counted, so none can be repeated, left out or turned back:
 *
 *     sealed = HMAC-SHA256(key, role counter message) message
 */
export class Seal {
  readonly #key: Buffer | null
  readonly #role: Role
  #sent = 0
  #received = 0

  constructor(secret: string, role: Role, connector: Hello, acceptor: Hello) {
    const greetings = Buffer.concat([encodeHello(connector), Buffer.from('\n'), encodeHello(acceptor)])
    this.#key = secret === '' ? null : createHmac('sha256', secret).update(greetings).digest()
    this.#role = role
  }

  /** The message with its proof in front; without a secret the message. */
  seal(message: Buffer): Buffer {
    if (this.#key === null) return message
    return Buffer.concat([mac(this.#key, this.#role, this.#sent++, message), message])
  }

  /** The message behind its proof; null when that does not hold. */
  open(sealed: Buffer): Buffer | null {
    if (this.#key === null) return sealed
    if (sealed.length < MAC_BYTES) return null
    const message = sealed.subarray(MAC_BYTES)
    const sender = this.#role === 'connector' ? 'acceptor' : 'connector'
    const expected = mac(this.#key, sender, this.#received++, message)
    return timingSafeEqual(expected, sealed.subarray(0, MAC_BYTES)) ? message : null
  }
}

function mac(key: Buffer, role: Role, count: number, message: Buffer): Buffer {
  const counter = Buffer.alloc(COUNTER_BYTES)
  counter.writeBigUInt64BE(BigInt(count))
  return createHmac('sha256', key).update(role).update(counter).update(message).digest()
}
