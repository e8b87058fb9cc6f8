import { randomBytes } from 'node:crypto'
import { defineModule, optionalParam, repeatedParam } from '../../module/define.ts'
import type { PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import { quotable } from '../../sip/digest/auth-params.ts'
import { answerableChallenge, parseChallenge } from '../../sip/digest/challenge.ts'
import { answerChallenge, formatCredentials } from '../../sip/digest/credentials.ts'
import { hashOf } from '../../sip/digest/response.ts'

/** What is known of one user. */
export interface Credential {
  readonly user: string
  readonly password: string
}

/** What a challenged request is answered with. */
export interface ChallengeAnswer {
  readonly realm: string
  /** Whether the server says that only its nonce was too old. */
  readonly isStale: boolean
  /** A complete header line, without line end. */
  readonly line: string
}

/** The request an answer is for. */
export interface AnsweredRequest {
  readonly method: string
  readonly uri: string
  readonly body: Buffer
}

/** What other modules get. */
export interface UacAuthApi {
  /**
   * The header that answers the challenges of a 401 or 407, with the credentials known for the realm. `algorithms`, upper
   * case, limits what is answered; null does not. Null: nothing is known for the realm, or nothing can be answered.
   */
  answer(
    m: RouteContext,
    reply: RouteContext,
    request: AnsweredRequest,
    algorithms: ReadonlySet<string> | null,
  ): ChallengeAnswer | null
  /** The same with these credentials, whatever the realm. */
  answerAs(credential: Credential, reply: RouteContext, request: AnsweredRequest): ChallengeAnswer | null
}

declare module '../../module/define.ts' {
  interface ModuleApis {
    uac_auth: UacAuthApi
  }
}

const variableParam = (what: string) => optionalParam('str', `Variable with ${what}, such as $avp(x).`)

/** Credentials with which challenges of other servers are answered. */
export default defineModule(
  {
    name: 'uac_auth',
    doc: 'Knows the credentials with which challenges of other servers are answered (RFC 3261 §22, RFC 8760).',
    params: {
      credential: repeatedParam('str', 'Credentials: user:realm:password.'),
      auth_realm_avp: variableParam('the realm'),
      auth_username_avp: variableParam('the user'),
      auth_password_avp: variableParam('the password, or 0x and its hash H(user:realm:password)'),
    },
  },
  ({ host, params }) => {
    const byRealm = new Map(params.credential.map(parseCredential))
    const variable = (text: string | undefined): PvarRef | null =>
      text === undefined ? null : host.script.variable(text)
    const variables = {
      realm: variable(params.auth_realm_avp),
      user: variable(params.auth_username_avp),
      password: variable(params.auth_password_avp),
    }
    const find = (m: RouteContext, realm: string): Credential | undefined => {
      const [named, user, password] = [variables.realm, variables.user, variables.password].map(
        ref => ref?.get(m) ?? null,
      )
      // Those of the message come first: they are about this very request.
      if (named === realm && user != null && password != null) return { user: String(user), password: String(password) }
      return byRealm.get(realm)
    }
    return {
      api: {
        answer: (m, reply, request, algorithms) => answer(realm => find(m, realm), reply, request, algorithms),
        answerAs: (credential, reply, request) => answer(() => credential, reply, request, null),
      } satisfies UacAuthApi,
    }
  },
)

function answer(
  find: (realm: string) => Credential | undefined,
  reply: RouteContext,
  { method, uri, body }: AnsweredRequest,
  algorithms: ReadonlySet<string> | null,
): ChallengeAnswer | null {
  const isProxy = reply.message.status === 407
  const id = isProxy ? HeaderId.proxyAuthenticate : HeaderId.wwwAuthenticate
  const known = challengesOf(reply, id).filter(
    ({ realm, algorithm }) =>
      find(realm) !== undefined && (algorithms === null || algorithms.has(algorithm?.toUpperCase() ?? '')),
  )
  const challenge = answerableChallenge(known)
  const credential = challenge === undefined ? undefined : find(challenge.realm)
  if (challenge === undefined || credential === undefined || challenge.algorithm === null) return null
  const { user, password } = credential
  const hash = /^0x([0-9a-f]+)$/i.exec(password)?.[1]
  const isHash = hash !== undefined && hash.length === (hashOf(challenge.algorithm) === 'MD5' ? 32 : 64)
  const credentials = answerChallenge(challenge, {
    username: quotable(user),
    secret: isHash ? { ha1: hash } : { password },
    method,
    uri,
    body,
    cnonce: randomBytes(8).toString('hex'),
    count: 1,
  })
  if (credentials === null) return null
  return {
    realm: challenge.realm,
    isStale: challenge.stale,
    line: `${isProxy ? 'Proxy-Authorization' : 'Authorization'}: ${formatCredentials(credentials)}`,
  }
}

function challengesOf({ message }: RouteContext, id: HeaderId) {
  const challenges = []
  for (let i = message.find(id); i >= 0; i = message.find(id, i + 1)) {
    const challenge = parseChallenge(message.headerValue(i))
    if (challenge !== null) challenges.push(challenge)
  }
  return challenges
}

/** `user:realm:password`; the password may hold colons. */
function parseCredential(text: string): readonly [realm: string, credential: Credential] {
  const [, user, realm, password] = /^\s*([^:]+):([^:]+):(.*?)\s*$/s.exec(text) ?? []
  if (user === undefined || realm === undefined || password === undefined)
    throw new Error(`uac_auth: credential "${text.split(':')[0] ?? ''}:…": expected user:realm:password`)
  return [realm, { user, password }]
}
