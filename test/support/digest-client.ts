import { randomBytes } from 'node:crypto'
import type { SipMessage } from '../../src/sip/codec/message.ts'
import { answerableChallenge, type DigestChallenge, parseChallenge } from '../../src/sip/digest/challenge.ts'
import { answerChallenge, type DigestCredentials, formatCredentials } from '../../src/sip/digest/credentials.ts'
import { headersOf } from './sip-ua.ts'

/** What credentials are made for; the rest is as the SIP agents of the tests send it. */
export interface Login {
  readonly username?: string
  readonly password?: string
  readonly method?: string
  readonly uri?: string
  readonly body?: string
}

/** Every challenge of a 401 or 407, in order. */
export function challengesOf(reply: SipMessage): readonly DigestChallenge[] {
  const name = reply.status === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate'
  return headersOf(reply, name).map(value => {
    const challenge = parseChallenge(value)
    if (challenge === null) throw new Error(`no challenge: ${value}`)
    return challenge
  })
}

/** Answers the challenge a client would choose, or the one given; `changes` then spoil the credentials. */
export function credentialsFor(
  challenge: SipMessage | DigestChallenge,
  login: Login = {},
  changes: Partial<DigestCredentials> = {},
): string {
  const { username = 'bob', password = 'secret2', method = 'REGISTER', uri = 'sip:127.0.0.1', body = '' } = login
  const chosen = 'realm' in challenge ? challenge : answerableChallenge(challengesOf(challenge))
  if (chosen === undefined) throw new Error('there is no challenge that could be answered')
  const cnonce = randomBytes(8).toString('hex')
  const answer = { username, secret: { password }, method, uri, body, cnonce, count: 1 }
  const credentials = answerChallenge(chosen, answer)
  if (credentials === null) throw new Error('the challenge cannot be answered')
  return formatCredentials({ ...credentials, ...changes })
}
