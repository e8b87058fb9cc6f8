import type { Log } from '../../log/log.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { formatChallenge, parseQops } from '../../sip/digest/challenge.ts'
import { DIGEST_ALGORITHMS, type DigestAlgorithm, type DigestQop, digestAlgorithm } from '../../sip/digest/response.ts'
import { type Authorizer, isNeverChallenged } from './authorizer.ts'
import type { Asker } from './find-credentials.ts'
import type { Nonces } from './nonces.ts'

/** How a challenge is made. */
export interface ChallengeStyle {
  readonly qops: readonly DigestQop[]
  /** The strongest first. Null: MD5, without saying so. */
  readonly algorithms: readonly DigestAlgorithm[] | null
}

interface ChallengerParts {
  readonly authorizer: Authorizer
  readonly nonces: Nonces
  readonly log: Log
  readonly reply: (m: RouteContext, status: number, reason: string) => Verdict
}

const ANSWERS = {
  www: { status: 401, reason: 'Unauthorized', header: 'WWW-Authenticate' },
  proxy: { status: 407, reason: 'Proxy Authentication Required', header: 'Proxy-Authenticate' },
} as const

/** Answers requests with challenges (RFC 3261 §22.2, §22.3; several algorithms: RFC 8760 §2.4). */
export class Challenger {
  readonly #parts: ChallengerParts

  constructor(parts: ChallengerParts) {
    this.#parts = parts
  }

  /** 0 answered, which ends the script; −1 not. */
  challenge(m: RouteContext, asker: Asker, given: string, style: ChallengeStyle): Verdict {
    const { authorizer, nonces, log, reply } = this.#parts
    if (isNeverChallenged(m.message.method)) return -1
    const realm = authorizer.realm(m, given)
    if (realm === null) {
      log.info('no challenge: From or To cannot be read', { source: m.origin.address })
      return -1
    }
    const ticket = nonces.issue()
    if (ticket === null) {
      log.info('no challenge: too many nonces are in use', { source: m.origin.address })
      return -1
    }
    const { status, reason, header } = ANSWERS[asker]
    const stale = authorizer.isStale(m, asker, realm)
    const algorithms = style.algorithms ?? [null]
    const lines = algorithms.map(algorithm => {
      const nonce = ticket.nonce(algorithm ?? 'MD5', style.qops)
      return `${header}: ${formatChallenge({ realm, nonce, qops: style.qops, stale, algorithm })}\r\n`
    })
    const collected = m.replyHeaders
    m.replyHeaders = collected + lines.join('')
    try {
      return reply(m, status, reason) > 0 ? 0 : -1
    } finally {
      m.replyHeaders = collected
    }
  }
}

/** Reads the qop argument: names divided by commas; "0" none and "1" auth in 2.x. Null where it names something else. */
export function parseQopArg(text: string): readonly DigestQop[] | null {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed === '0') return []
  if (trimmed === '1') return ['auth']
  const qops = parseQops(trimmed)
  return qops.length === trimmed.split(',').length ? qops : null
}

/** Reads the list of algorithms, the strongest first whatever its order. Null where one is unknown. */
export function parseAlgorithmsArg(text: string): readonly DigestAlgorithm[] | null {
  const names = text
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
  const found = new Set(names.map(digestAlgorithm))
  if (found.has(null) || found.size === 0) return null
  return DIGEST_ALGORITHMS.filter(algorithm => found.has(algorithm))
}
