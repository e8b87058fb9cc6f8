import type { RouteContext, Verdict } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import { authScheme, readAuthParams } from '../../sip/digest/auth-params.ts'
import { currentBody } from '../../sip/text/current-body.ts'
import { changesOf, noteChange, writeCseq } from './changes.ts'
import type { UacServices } from './replacing.ts'

/** Most challenges of one request that are answered, those for old nonces included. */
const MOST_ANSWERS = 4
/** Parameters of Record-Route that say how much the CSeq numbers of later requests are raised: one a step. */
const STEP_PARAM = 'uacs'

/**
 * Answers the challenge of a 401 or 407 in a failure_route: the next branch carries credentials and a CSeq number one
 * higher (RFC 3261 §22.2). Gives 1, or −1 where there is no challenge, no credentials, or the answer was refused.
 */
export function authenticate(services: UacServices, m: RouteContext, algorithms: ReadonlySet<string> | null): Verdict {
  const { auth, log, tm } = services
  const t = tm.current(m)
  const { reply } = m
  if (auth === null || t === null || reply === null || ![401, 407].includes(reply.message.status)) return -1
  const { answers, cseq } = changesOf(m)
  const request = { method: t.method, uri: m.target.uri, body: currentBody(m.message, m.edits) }
  const answer = auth.answer(m, reply, request, algorithms)
  if (answer === null) {
    log.info('a challenge cannot be answered', { callid: t.initial.callId, status: reply.message.status })
    return -1
  }
  const key = `${reply.message.status} ${answer.realm}`
  if ((answers.has(key) && !answer.isStale) || cseq >= MOST_ANSWERS) {
    log.notice('the credentials for a realm were refused', { realm: answer.realm, callid: t.initial.callId })
    return -1
  }
  const all = new Map(answers).set(key, answer.line)
  noteChange(m, { cseq: cseq + 1, answers: all })
  removeOwn(m, answer.realm, reply.message.status === 407 ? HeaderId.proxyAuthorization : HeaderId.authorization)
  m.edits.insert(m.message.headersEnd, [...all.values()].map(line => `${line}\r\n`).join(''))
  const shift = services.dialog?.link(m)?.cseqShift ?? 0
  writeCseq(m, t.initial.cseq + shift + cseq + 1)
  countOn(services, m, t.request, cseq + 1)
  return 1
}

/** Credentials of the caller for the same realm have just been refused. */
function removeOwn(m: RouteContext, realm: string, id: HeaderId): void {
  const { message, edits } = m
  for (let i = message.find(id); i >= 0; i = message.find(id, i + 1)) {
    const value = message.headerValue(i)
    if (readAuthParams(value, authScheme(value).end).params.get('realm') === realm)
      edits.remove(message.headerStart(i), message.headerEnd(i))
  }
}

/** Later requests of the caller have to count on: the dialog sees to it, else a parameter in our Record-Route does. */
function countOn({ dialog, rr }: UacServices, m: RouteContext, request: RouteContext, step: number): void {
  if (dialog?.link(m) !== undefined) dialog.raiseCseq(m)
  else if (m.message.toTag === '')
    // Record-Route is written from what the request has, later routes of the transaction start from what this one has.
    for (const one of new Set([m, request])) rr?.addParams(one, `;${STEP_PARAM}${step}`)
}

/** Raises the CSeq number of a request inside a call without dialog, as that of its INVITE was. */
export function raiseFurther({ rr, dialog }: UacServices, m: RouteContext): void {
  if (rr === null || dialog?.link(m) !== undefined || !rr.isDownstream(m)) return
  let steps = 0
  while (steps < MOST_ANSWERS && rr.param(m, `${STEP_PARAM}${steps + 1}`) !== null) steps++
  if (steps === 0) return
  writeCseq(m, m.message.cseq + steps)
  noteChange(m, { cseq: steps })
}
