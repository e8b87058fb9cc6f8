import type { SipMessage } from '../sip/codec/message.ts'
import { answerableChallenge, parseChallenge } from '../sip/digest/challenge.ts'
import { answerChallenge, formatCredentials } from '../sip/digest/credentials.ts'
import { headersOf } from './message-text.ts'

/** The header by which a challenge is answered. */
export interface ChallengeAnswer {
  readonly name: 'Authorization' | 'Proxy-Authorization'
  readonly value: string
}

/** Who answers. */
interface Login {
  readonly user: string
  readonly password: string
  readonly cnonce: string
}

/** What answers a 401 or 407. Null for another reply, for one that cannot be answered, and where the request had credentials. */
export function answerTo(
  request: SipMessage,
  reply: SipMessage,
  { user, password, cnonce }: Login,
): ChallengeAnswer | null {
  if (reply.status !== 401 && reply.status !== 407) return null
  const isProxy = reply.status === 407
  const name = isProxy ? 'Proxy-Authorization' : 'Authorization'
  if (request.findNamed(name) >= 0) return null
  const asked = headersOf(reply, isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate')
  const challenge = answerableChallenge(asked.map(parseChallenge).filter(found => found !== null))
  if (challenge === undefined) return null
  const { method, requestUri: uri } = request
  const body = request.body.toString()
  const credentials = answerChallenge(challenge, {
    username: user,
    secret: { password },
    method,
    uri,
    body,
    cnonce,
    count: 1,
  })
  return credentials === null ? null : { name, value: formatCredentials(credentials) }
}
