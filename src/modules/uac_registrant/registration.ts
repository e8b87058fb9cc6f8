import type { Log } from '../../log/log.ts'
import type { ModuleApis } from '../../module/define.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { sameUri } from '../../sip/codec/uri.ts'
import type { Clock } from '../../util/clock.ts'
import type { RegistrantRecord, RegistrationState } from './record.ts'

type Outcome = Awaited<ReturnType<ModuleApis['tm']['request']>>

/** What registrations work with. */
export interface RegistrationServices {
  readonly clock: Clock
  readonly log: Log
  readonly tm: ModuleApis['tm']
  readonly auth: ModuleApis['uac_auth']
  /** How long before its end a registration is refreshed, at most. */
  readonly marginMs: number
  readonly entered: (record: RegistrantRecord, state: RegistrationState) => void
}

/** Sends a REGISTER (RFC 3261 §10.2), answers a challenge once, and notes what came of it. Never rejects. */
export async function register(services: RegistrationServices, record: RegistrantRecord): Promise<void> {
  const outcome = await exchange(services, record, 'REGISTERING', 'AUTHENTICATING', record.data.expiresS)
  if (outcome === null) return
  const { status, reply } = outcome
  if (status >= 200 && status < 300 && reply !== null) {
    const grantedS = grantedExpiry(reply.message, record)
    record.dueMs = record.lastSentMs + Math.max(grantedS * 500, grantedS * 1000 - services.marginMs)
    enter(services, record, 'REGISTERED')
  } else enter(services, record, failureState(outcome))
}

/** Takes the registration back (RFC 3261 §10.2.2). Never rejects. */
export async function unregister(services: RegistrationServices, record: RegistrantRecord): Promise<void> {
  const outcome = await exchange(services, record, 'UNREGISTERING', 'AUTHENTICATING_UNREGISTER', 0)
  if (outcome === null) return
  record.dueMs = 0
  enter(services, record, outcome.status >= 200 && outcome.status < 300 ? 'NOT_REGISTERED' : failureState(outcome))
}

/** Null: the record was taken away meanwhile, or the credentials were refused, which is noted. */
async function exchange(
  services: RegistrationServices,
  record: RegistrantRecord,
  first: RegistrationState,
  second: RegistrationState,
  expiresS: number,
): Promise<Outcome | null> {
  enter(services, record, first)
  let outcome = await send(services, record, expiresS, '')
  if (outcome.status === 423 && outcome.reply !== null && expiresS > 0) {
    // RFC 3261 §10.2.8
    const least = Number(outcome.reply.message.value(HeaderId.minExpires) ?? '')
    if (least > expiresS) outcome = await send(services, record, Math.min(least, MOST_EXPIRES_S), '')
  }
  for (let tries = 0; isChallenge(outcome) && tries < 2; tries++) {
    const { username, password, registrar } = record.data
    const answer =
      outcome.reply === null || username === null || password === null
        ? null
        : services.auth.answerAs({ user: username, password }, outcome.reply, {
            method: 'REGISTER',
            uri: registrar,
            body: Buffer.alloc(0),
          })
    if (record.isGone) return null
    if (answer === null || (tries > 0 && !answer.isStale)) {
      enter(services, record, 'WRONG_CREDENTIALS')
      return null
    }
    enter(services, record, second)
    outcome = await send(services, record, expiresS, `${answer.line}\r\n`)
  }
  if (record.isGone) return null
  if (!isChallenge(outcome)) return outcome
  enter(services, record, 'WRONG_CREDENTIALS')
  return null
}

const MOST_EXPIRES_S = 2 ** 31
const isChallenge = ({ status }: Outcome): boolean => status === 401 || status === 407

function send(
  { clock, tm }: RegistrationServices,
  record: RegistrantRecord,
  expiresS: number,
  authorization: string,
): Promise<Outcome> {
  const { aor, binding, bindingParams, proxy, registrar, socket, thirdParty } = record.data
  record.lastSentMs = clock.nowMs()
  record.cseq++
  return tm.request({
    method: 'REGISTER',
    uri: registrar,
    from: `<${thirdParty ?? aor}>;tag=${record.fromTag}`,
    to: `<${aor}>`,
    callId: record.callId,
    cseq: record.cseq,
    headers: `Contact: <${binding}>${bindingParams}\r\nExpires: ${expiresS}\r\n${authorization}`,
    nextHop: proxy,
    socket,
  })
}

function enter(services: RegistrationServices, record: RegistrantRecord, state: RegistrationState): void {
  record.state = state
  services.entered(record, state)
}

function failureState({ status, reply }: Outcome): RegistrationState {
  if (reply !== null) return 'REGISTRAR_ERROR'
  return status === 408 ? 'REGISTER_TIMEOUT' : 'INTERNAL_ERROR'
}

/** Seconds the registrar has granted: of our contact, else of the reply, else what was asked for. */
function grantedExpiry(reply: SipMessage, { data }: RegistrantRecord): number {
  const own = Array.isArray(reply.contacts)
    ? reply.contacts.find(contact => sameUri(contact.uri, data.binding))?.params.get('expires')
    : undefined
  for (const text of [own, reply.value(HeaderId.expires)])
    if (text != null && /^\d{1,10}$/.test(text.trim())) return Number(text)
  return data.expiresS
}
