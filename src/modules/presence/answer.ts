import { randomBytes } from 'node:crypto'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { parseUri, unescapeUser } from '../../sip/codec/uri.ts'
import type { Address } from './api.ts'
import type { PresenceServices } from './services.ts'

/** A reply to a request. */
export interface Answer {
  readonly status: number
  readonly reason: string
  /** Complete header lines. */
  readonly headers?: string
  readonly toTag?: string
}

const LONGEST_ADDRESS = 512

/**
 * Opens the transaction of a request where the script has not, then answers with what `handle` gives: 1 where that is a
 * 2xx, −1 otherwise. 0 for a retransmission.
 */
export function answering(
  services: PresenceServices,
  m: RouteContext,
  handle: () => Answer | Promise<Answer>,
): Verdict | Promise<Verdict> {
  const { tm } = services
  if (tm.current(m) === null && tm.newTransaction(m) === 0) return 0
  const done = (answer: Answer): Verdict => {
    send(services, m, answer)
    return answer.status < 300 ? 1 : -1
  }
  const given = handle()
  if (!(given instanceof Promise)) return done(given)
  return given.then(done, (error: unknown) => {
    services.log.often().error('a request on presence was not served', { reason: String(error) })
    return done({ status: 500, reason: 'Server Internal Error' })
  })
}

function send({ tm, host }: PresenceServices, m: RouteContext, { status, reason, headers = '', toTag }: Answer): void {
  if (tm.current(m) !== null) tm.reply(m, { status, reason, headers, ...(toTag === undefined ? {} : { toTag }) })
  else host.proxy.reply(m, { status, reason, headers, toTag: toTag ?? newTag() })
}

/** A tag for a dialog of ours. */
export const newTag = (): string => randomBytes(9).toString('hex')

/** Whom a URI names; null where it names nobody, or with more characters than anybody's name has. */
export function addressOf(uri: string): Address | null {
  const parsed = parseUri(uri)
  if (parsed === null || parsed.user === '' || uri.length > LONGEST_ADDRESS) return null
  const user = unescapeUser(parsed.user)
  return /[\s<>"]/.test(user) ? null : { user, domain: parsed.host.toLowerCase() }
}

/** The seconds a header asks for, at most `most`; that where it asks for none or cannot be read. */
export function lifetimeS(text: string | null, most: number): number {
  return text !== null && /^\d{1,10}$/.test(text.trim()) ? Math.min(Number(text), most) : most
}

/** Where state is bounded and the bound is reached. */
export const TOO_MUCH: Answer = { status: 503, reason: 'Service Unavailable', headers: 'Retry-After: 60\r\n' }
