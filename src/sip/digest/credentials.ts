import { authScheme, readAuthParams } from './auth-params.ts'
import type { DigestChallenge } from './challenge.ts'
import {
  type DigestAlgorithm,
  type DigestQop,
  digestAlgorithm,
  digestResponse,
  hashOf,
  passwordHash,
} from './response.ts'

/** An `Authorization` or `Proxy-Authorization` value of scheme Digest (RFC 7616 §3.4). Texts stand as between the quotes. */
export interface DigestCredentials {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  /** Null for an algorithm that is not supported. */
  readonly algorithm: DigestAlgorithm | null
  /** The `algorithm` parameter as written; null when there is none. */
  readonly algorithmText: string | null
  readonly qop: DigestQop | null
  /** Eight hex digits as written; '' without qop. */
  readonly nc: string
  readonly cnonce: string
  readonly opaque: string | null
}

/** What a header holds: credentials, a Digest that is malformed, or another scheme. */
export type CredentialsReading =
  | { readonly kind: 'digest'; readonly credentials: DigestCredentials }
  /** `realm` as far as it could be read. */
  | { readonly kind: 'malformed'; readonly realm: string | null; readonly fault: string }
  | { readonly kind: 'other' }

const REQUIRED = ['username', 'realm', 'nonce', 'uri', 'response'] as const

/** Reads a header value; never throws. */
export function readCredentials(header: string): CredentialsReading {
  const { scheme, end } = authScheme(header)
  if (scheme !== 'digest') return { kind: 'other' }
  const { params, fault } = readAuthParams(header, end)
  const malformed = (reason: string): CredentialsReading => ({
    kind: 'malformed',
    realm: params.get('realm') ?? null,
    fault: reason,
  })
  if (fault !== null) return malformed(fault)
  const text = (name: string): string => params.get(name) ?? ''
  // An empty realm is a realm; none of the others means anything when it is empty.
  const missing = REQUIRED.find(name => (name === 'realm' ? !params.has(name) : text(name) === ''))
  if (missing !== undefined) return malformed(`${missing} is missing`)
  const qop = text('qop').toLowerCase()
  if (qop !== '' && qop !== 'auth' && qop !== 'auth-int') return malformed(`unknown qop ${qop}`)
  // RFC 7616 §3.4: both MUST be there when a qop is.
  if (qop !== '' && text('cnonce') === '') return malformed('qop without cnonce')
  // Eight by the RFC; clients that leave out zeros compute the digest of what they wrote.
  if (qop !== '' && !/^[0-9a-f]{1,8}$/i.test(text('nc'))) return malformed('nc is no number of up to eight hex digits')
  const algorithmText = params.get('algorithm') ?? null
  const algorithm = digestAlgorithm(algorithmText)
  if (algorithm?.endsWith('-sess') && text('cnonce') === '') return malformed('session algorithm without cnonce')
  return {
    kind: 'digest',
    credentials: {
      username: text('username'),
      realm: text('realm'),
      nonce: text('nonce'),
      uri: text('uri'),
      response: text('response'),
      algorithm,
      algorithmText,
      qop: qop === '' ? null : qop,
      nc: text('nc'),
      cnonce: text('cnonce'),
      opaque: params.get('opaque') ?? null,
    },
  }
}

/** The user name of credentials in its parts: `bob`, or `bob@example.com`. */
export function splitUsername(username: string): { readonly user: string; readonly domain: string } {
  const at = username.indexOf('@')
  return at < 0 ? { user: username, domain: '' } : { user: username.slice(0, at), domain: username.slice(at + 1) }
}

/** The header value. */
export function formatCredentials(credentials: DigestCredentials): string {
  const { username, realm, nonce, uri, response, algorithmText, qop, nc, cnonce, opaque } = credentials
  const parts = [
    `username="${username}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${uri}"`,
    `response="${response}"`,
  ]
  if (algorithmText !== null) parts.push(`algorithm=${algorithmText}`)
  if (cnonce !== '') parts.push(`cnonce="${cnonce}"`)
  if (opaque !== null) parts.push(`opaque="${opaque}"`)
  if (qop !== null) parts.push(`qop=${qop}`, `nc=${nc}`)
  return `Digest ${parts.join(', ')}`
}

/** What a client answers a challenge with. */
export interface Answer {
  readonly username: string
  /** The password itself, or H(username ":" realm ":" password) by the hash of the challenge's algorithm. */
  readonly secret: { readonly password: string } | { readonly ha1: string }
  readonly method: string
  readonly uri: string
  readonly body: string | Buffer
  /** Random text of the client's; used where the challenge offers a qop or asks for a session algorithm. */
  readonly cnonce: string
  /** How many requests have been sent with this nonce, this one included. */
  readonly count: number
}

/**
 * The credentials that answer a challenge: with qop `auth` where it is offered, else `auth-int`, else none. Null where
 * the algorithm, or every qop it offers, is unknown.
 */
export function answerChallenge(challenge: DigestChallenge, answer: Answer): DigestCredentials | null {
  const { realm, nonce, opaque, algorithm, algorithmText, qops, hasQop } = challenge
  const { username, secret, method, uri, body } = answer
  if (algorithm === null || (hasQop && qops.length === 0)) return null
  const qop = qops.includes('auth') ? 'auth' : (qops[0] ?? null)
  const nc = qop === null ? '' : answer.count.toString(16).padStart(8, '0')
  const cnonce = qop === null && !algorithm.endsWith('-sess') ? '' : answer.cnonce
  const ha1 = 'ha1' in secret ? secret.ha1 : passwordHash(hashOf(algorithm), username, realm, secret.password)
  const response = digestResponse({ algorithm, ha1, nonce, qop, nc, cnonce, method, uri, body })
  return { username, realm, nonce, uri, response, algorithm, algorithmText, qop, nc, cnonce, opaque }
}
