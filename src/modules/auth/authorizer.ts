import { randomBytes } from 'node:crypto'
import type { Log } from '../../log/log.ts'
import { messageSlot, type RouteContext, type Verdict } from '../../script/context.ts'
import type { DigestCredentials } from '../../sip/digest/credentials.ts'
import { digestResponse, hashOf, isDigest, passwordHash, sameDigest } from '../../sip/digest/response.ts'
import { type Asker, findCredentials } from './find-credentials.ts'
import type { Nonces } from './nonces.ts'
import { realmOf } from './realm.ts'

/** What the *_authorize functions give (auth reference). */
export const Authorization = {
  accepted: 1,
  unknownUser: -1,
  wrongPassword: -2,
  staleNonce: -3,
  noCredentials: -4,
  /** The request has been answered. */
  error: -5,
} as const

/** What is known of a user: the password, or H(username ":" realm ":" password) by the hash of the credentials' algorithm. */
export interface KnownUser {
  readonly secret: { readonly password: string } | { readonly ha1: string }
  /** Called when the response is right. */
  readonly accepted?: () => void
}
type Eventually<T> = T | Promise<T>

/** One question whether a request may pass. */
export interface AuthorizationRequest {
  readonly asker: Asker
  /** '' for that of the request. */
  readonly realm: string
  /** Null: there is no such user. Throwing or rejecting means that it cannot be told. */
  readonly find: (credentials: DigestCredentials) => Eventually<KnownUser | null>
}

/** What has come of the questions asked about one request. */
interface MessageState {
  accepted: { readonly credentials: DigestCredentials; readonly header: number } | null
  /** Realms, by who asks, whose credentials were on a nonce that is not good any more. */
  readonly stale: Set<string>
}

interface AuthorizerParts {
  readonly nonces: Nonces
  readonly realmPrefix: string
  readonly log: Log
  readonly reply: (m: RouteContext, status: number, reason: string) => Verdict
}

/** Neither can be challenged: an ACK has no answer, a CANCEL cannot be sent again (RFC 3261 §22.1). */
export const isNeverChallenged = (method: string): boolean => method === 'ACK' || method === 'CANCEL'

/** Decides whether the credentials of a request are right (RFC 3261 §22, RFC 7616 §3.4). */
export class Authorizer {
  readonly #parts: AuthorizerParts
  readonly #states = messageSlot<MessageState>()
  /** Stands in for the hash of users that do not exist, so that refusing them takes the same work. */
  readonly #nobody = randomBytes(32).toString('hex')

  constructor(parts: AuthorizerParts) {
    this.#parts = parts
  }

  /** The realm a call means: the one given, or that of the request; null where that cannot be read. */
  realm(m: RouteContext, given: string): string | null {
    return given === '' ? realmOf(m.message, this.#parts.realmPrefix) : given
  }

  /** Credentials accepted before in the processing of this request, and the index of their header. */
  accepted(m: RouteContext): MessageState['accepted'] {
    return this.#states.get(m)?.accepted ?? null
  }

  /** Whether the credentials for this realm were refused because of their nonce. */
  isStale(m: RouteContext, asker: Asker, realm: string): boolean {
    return this.#states.get(m)?.stale.has(keyOf(asker, realm)) === true
  }

  /** Gives one of {@link Authorization}. Never throws or rejects. */
  authorize(m: RouteContext, { asker, realm: given, find }: AuthorizationRequest): Eventually<Verdict> {
    if (isNeverChallenged(m.message.method)) return Authorization.accepted
    const realm = this.realm(m, given)
    if (realm === null) return this.#refuse(m, 400, 'Bad Request', 'From or To cannot be read')
    const found = findCredentials(m.message, asker, realm)
    if (found.kind === 'none') return Authorization.noCredentials
    if (found.kind === 'malformed') return this.#refuse(m, 400, 'Bad Request', found.fault)
    const { credentials, header } = found
    const useNonce = this.#parts.nonces.find(credentials)
    const stale = (): Verdict => {
      this.#stateOf(m).stale.add(keyOf(asker, realm))
      return Authorization.staleNonce
    }
    if (useNonce === null) return stale()
    // Only now is it used: a request that is repeated while its user is looked for must not be refused before it.
    const judge = (user: KnownUser | null): Verdict =>
      useNonce() ? this.#judge(m, { credentials, header }, user) : stale()
    const failed = (error: unknown): Verdict => this.#refuse(m, 500, 'Server Internal Error', String(error))
    try {
      const user = find(credentials)
      return user instanceof Promise ? user.then(judge).catch(failed) : judge(user)
    } catch (error) {
      return failed(error)
    }
  }

  #judge(m: RouteContext, candidate: NonNullable<MessageState['accepted']>, user: KnownUser | null): Verdict {
    const { credentials } = candidate
    const isRight = hasRightResponse(m, credentials, user?.secret ?? { ha1: this.#nobody })
    if (user === null) return Authorization.unknownUser
    if (!isRight) return Authorization.wrongPassword
    this.#stateOf(m).accepted = candidate
    user.accepted?.()
    return Authorization.accepted
  }

  #refuse(m: RouteContext, status: number, reason: string, detail: string): Verdict {
    const { log, reply } = this.#parts
    const level = status < 500 ? 'info' : 'error'
    log[level]('credentials cannot be checked', { source: m.origin.address, reason: detail })
    reply(m, status, reason)
    return Authorization.error
  }

  #stateOf(m: RouteContext): MessageState {
    const known = this.#states.get(m)
    if (known !== undefined) return known
    const state: MessageState = { accepted: null, stale: new Set() }
    this.#states.set(m, state)
    return state
  }
}

const keyOf = (asker: Asker, realm: string): string => `${asker} ${realm}`

function hasRightResponse(m: RouteContext, credentials: DigestCredentials, secret: KnownUser['secret']): boolean {
  const { algorithm, username, realm, response } = credentials
  if (algorithm === null) return false
  const hash = hashOf(algorithm)
  const ha1 = 'ha1' in secret ? secret.ha1 : passwordHash(hash, username, realm, secret.password)
  const { method, body } = m.message
  const isSame = sameDigest(digestResponse({ ...credentials, algorithm, ha1, method, body }), response)
  // Of a column that was left empty everybody knows the content.
  return isSame && isDigest(hash, ha1)
}
