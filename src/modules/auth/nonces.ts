import { createHash, randomBytes } from 'node:crypto'
import type { DigestCredentials } from '../../sip/digest/credentials.ts'
import type { DigestAlgorithm, DigestQop } from '../../sip/digest/response.ts'
import type { Clock } from '../../util/clock.ts'
import { NonceCodec } from './nonce.ts'
import { NonceIndex } from './nonce-index.ts'

/** As many as in the auth reference. */
const CAPACITY = 100_000

interface NoncesParts {
  readonly clock: Clock
  /** Undefined: a random one. */
  readonly secret: string | undefined
  readonly lifetimeMs: number
  /** A nonce may be used once. */
  readonly isOnce: boolean
  /** Most nonces that may be alive at once. */
  readonly capacity?: number
}

/** One challenge's right to nonces: the same whatever the algorithm, so that only one of them can be used. */
export interface NonceTicket {
  nonce(algorithm: DigestAlgorithm, qops: readonly DigestQop[]): string
}

/** Gives out nonces and says whether they are good. */
export class Nonces {
  readonly #clock: Clock
  readonly #codec: NonceCodec
  readonly #lifetimeMs: number
  readonly #instance = randomBytes(4).readUInt32BE()
  readonly #index: NonceIndex | null

  constructor({ clock, secret, lifetimeMs, isOnce, capacity = CAPACITY }: NoncesParts) {
    this.#clock = clock
    this.#codec = new NonceCodec(secret === undefined ? randomBytes(32) : createHash('sha256').update(secret).digest())
    this.#lifetimeMs = lifetimeMs
    this.#index = isOnce ? new NonceIndex(capacity, lifetimeMs) : null
  }

  /** Null while too many are alive. */
  issue(): NonceTicket | null {
    const serial = this.#index === null ? randomBytes(4).readUInt32BE() : this.#index.take(this.#clock.monotonicMs())
    if (serial === null) return null
    const expiresMs = this.#clock.nowMs() + this.#lifetimeMs
    return {
      nonce: (algorithm, qops) => this.#codec.encode({ expiresMs, instance: this.#instance, serial, algorithm, qops }),
    }
  }

  /**
   * Gives what uses up the nonce of credentials, true the first time; null where they are not on a nonce of ours that is
   * unused and in time, with the algorithm and qop it was given out for.
   */
  find({ nonce, algorithm, qop }: DigestCredentials): (() => boolean) | null {
    const content = this.#codec.decode(nonce)
    if (content === null || content.algorithm !== algorithm) return null
    const { qops, expiresMs, instance, serial } = content
    // A client of before RFC 2617 does not know qop; that counts as auth, as in the reference.
    const used = qop ?? (qops.length > 0 ? 'auth' : null)
    if (used === null ? qops.length > 0 : !qops.includes(used)) return null
    if (this.#clock.nowMs() > expiresMs) return null
    const index = this.#index
    if (index === null) return () => true
    return instance === this.#instance && index.isUnused(serial) ? () => index.use(serial) : null
  }
}
