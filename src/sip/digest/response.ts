import { createHash, timingSafeEqual } from 'node:crypto'

/** Digest algorithms (RFC 7616 §6.1, RFC 8760 §2.1), the strongest first. */
export const DIGEST_ALGORITHMS = [
  'SHA-512-256',
  'SHA-512-256-sess',
  'SHA-256',
  'SHA-256-sess',
  'MD5',
  'MD5-sess',
] as const
export type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number]

/** Hash functions by the names `node:crypto` has for them. */
const HASHES = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' } as const
export type HashName = keyof typeof HASHES

/** Quality of protection (RFC 7616 §3.3). */
export type DigestQop = 'auth' | 'auth-int'

const ALGORITHM_BY_NAME = new Map(DIGEST_ALGORITHMS.map(name => [name.toLowerCase(), name]))

/** The algorithm of this name in any case; MD5 where a header names none; null for one that is not supported. */
export function digestAlgorithm(name: string | null | undefined): DigestAlgorithm | null {
  return name === null || name === undefined ? 'MD5' : (ALGORITHM_BY_NAME.get(name.toLowerCase()) ?? null)
}

/** The hash function of an algorithm, whose session variants use the same. */
export const hashOf = (algorithm: DigestAlgorithm): HashName => algorithm.replace(/-sess$/, '') as HashName

/** H() of RFC 7616 §3.4: lower-case hex. */
export const digestHash = (hash: HashName, data: string | Buffer): string =>
  createHash(HASHES[hash]).update(data).digest('hex')

/** Whether the text is hex digits in the number that this hash gives. */
export const isDigest = (hash: HashName, text: string): boolean =>
  text.length === (hash === 'MD5' ? 32 : 64) && /^[0-9a-f]*$/i.test(text)

/** What a server may store instead of the password: H(username ":" realm ":" password), in lower-case hex. */
export function passwordHash(hash: HashName, username: string, realm: string, password: string): string {
  return digestHash(hash, `${username}:${realm}:${password}`)
}

/** What a response is computed of. */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm
  /** {@link passwordHash}, in either case. */
  readonly ha1: string
  readonly nonce: string
  /** Null for a response as RFC 2069 had it, without `nc` and `cnonce`. */
  readonly qop: DigestQop | null
  /** As written, eight hex digits; used with a qop. */
  readonly nc: string
  /** Used with a qop and by session algorithms. */
  readonly cnonce: string
  readonly method: string
  /** As the credentials have it. */
  readonly uri: string
  /** Used with qop `auth-int`. */
  readonly body: string | Buffer
}

/** The request-digest, in lower-case hex (RFC 7616 §3.4.1–3.4.3). */
export function digestResponse(input: DigestInput): string {
  const { algorithm, nonce, qop, nc, cnonce, method, uri } = input
  const hash = hashOf(algorithm)
  const stored = input.ha1.toLowerCase()
  const ha1 = algorithm.endsWith('-sess') ? digestHash(hash, `${stored}:${nonce}:${cnonce}`) : stored
  const a2 = qop === 'auth-int' ? `${method}:${uri}:${digestHash(hash, input.body)}` : `${method}:${uri}`
  const ha2 = digestHash(hash, a2)
  return digestHash(hash, qop === null ? `${ha1}:${nonce}:${ha2}` : `${ha1}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}`)
}

/** Whether two responses or hashes in hex are the same, in a time that does not tell where they differ. */
export function sameDigest(one: string, other: string): boolean {
  const a = Buffer.from(one.toLowerCase())
  const b = Buffer.from(other.toLowerCase())
  return a.length === b.length && timingSafeEqual(a, b)
}
