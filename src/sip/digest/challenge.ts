import { authScheme, quotable, readAuthParams } from './auth-params.ts'
import { type DigestAlgorithm, type DigestQop, digestAlgorithm } from './response.ts'

/** A `WWW-Authenticate` or `Proxy-Authenticate` value of scheme Digest (RFC 7616 §3.3). */
export interface DigestChallenge {
  /** As it stands between the quotes. */
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | null
  /** The credentials were fine but for an old nonce: answer again without asking the user. */
  readonly stale: boolean
  /** Null for an algorithm that is not supported. */
  readonly algorithm: DigestAlgorithm | null
  /** The `algorithm` parameter as written, which an answer repeats; null when there is none. */
  readonly algorithmText: string | null
  /** Those of the offered ones that are known; empty where none is offered. */
  readonly qops: readonly DigestQop[]
  /** Whether there is a `qop` parameter, and so one of its values has to be used. */
  readonly hasQop: boolean
}

/** Reads a challenge. Null for another scheme, a malformed one, and one without realm or nonce. */
export function parseChallenge(header: string): DigestChallenge | null {
  const { scheme, end } = authScheme(header)
  if (scheme !== 'digest') return null
  const { params, fault } = readAuthParams(header, end)
  const realm = params.get('realm')
  const nonce = params.get('nonce')
  if (fault !== null || realm === undefined || nonce === undefined) return null
  const algorithmText = params.get('algorithm') ?? null
  return {
    realm,
    nonce,
    opaque: params.get('opaque') ?? null,
    stale: params.get('stale')?.toLowerCase() === 'true',
    algorithm: digestAlgorithm(algorithmText),
    algorithmText,
    qops: parseQops(params.get('qop') ?? ''),
    hasQop: params.has('qop'),
  }
}

/** The known ones among the values of a list divided by commas, without repetitions. */
export function parseQops(list: string): readonly DigestQop[] {
  const named = list.split(',').map(item => item.trim().toLowerCase())
  const known = named.filter((item): item is DigestQop => item === 'auth' || item === 'auth-int')
  return [...new Set(known)]
}

/**
 * The challenge to answer among those of a reply: the first that can be answered, for servers put the one they prefer
 * first (RFC 8760 §2.4). Undefined when there is none.
 */
export function answerableChallenge(challenges: readonly DigestChallenge[]): DigestChallenge | undefined {
  return challenges.find(({ algorithm, qops, hasQop }) => algorithm !== null && (qops.length > 0 || !hasQop))
}

/** What a challenge made here says. */
export interface ChallengeFields {
  /** Plain text; it is escaped here. */
  readonly realm: string
  readonly nonce: string
  /** None: the parameter is left out. */
  readonly qops: readonly DigestQop[]
  readonly stale: boolean
  /** Null leaves the parameter out, which means MD5. */
  readonly algorithm: DigestAlgorithm | null
}

/** `Digest realm="…", nonce="…"[, qop="…"][, stale=true][, algorithm=…]` */
export function formatChallenge({ realm, nonce, qops, stale, algorithm }: ChallengeFields): string {
  const parts = [`realm="${quotable(realm)}"`, `nonce="${nonce}"`]
  if (qops.length > 0) parts.push(`qop="${qops.join(',')}"`)
  if (stale) parts.push('stale=true')
  if (algorithm !== null) parts.push(`algorithm=${algorithm}`)
  return `Digest ${parts.join(', ')}`
}
