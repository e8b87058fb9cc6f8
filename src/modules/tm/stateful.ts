import type { RouteContext, Verdict } from '../../script/context.ts'
import { failurePhrase, failureReply, type LocalFailure } from '../../sip/tx/failure-reply.ts'
import { andThen } from '../../util/and-then.ts'
import { cancelByCaller, inviteOf } from './caller-cancel.ts'
import { cancelPending } from './cancel-branch.ts'
import { concludeIfComplete } from './conclude.ts'
import { NewTransaction, newTransaction } from './create.ts'
import { linkOf } from './message-link.ts'
import { destinationUri, relayTargets } from './relay.ts'
import { RelayFlag } from './relay-flags.ts'
import type { TmServices } from './services.ts'
import type { Transaction } from './transaction.ts'
import { type OwnReply, respond } from './upstream.ts'

/** Bits of {@link RelayFlag}, and a next hop: `proto:host:port` or a SIP URI. */
export interface RelayRequest {
  readonly flags?: number
  readonly destination?: string | null
}

/** What t_relay gives for each failure (tm reference, functions). */
const CODES: Readonly<Record<LocalFailure, number>> = {
  internal: -1,
  'too-many-branches': -1,
  'bad-request': -2,
  incomplete: -2,
  'bad-to': -2,
  'bad-uri': -2,
  'unsupported-scheme': -2,
  'no-destination': -3,
  unresolvable: -4,
  filtered: -5,
  'send-failed': -6,
}

function fail(m: RouteContext, failure: LocalFailure): Verdict {
  linkOf(m).failure = failure
  return CODES[failure]
}

/** t_relay: forwards the request, statefully, to its destination set. Gives the codes of the tm reference. */
export function relay(services: TmServices, m: RouteContext, request: RelayRequest = {}): Verdict | Promise<Verdict> {
  const flags = request.flags ?? 0
  linkOf(m).failure = null
  // The ACK of a 2xx belongs to no transaction (RFC 3261 §17.1.1.3).
  if (m.message.method === 'ACK') return services.proxy.forward(m, request.destination ?? null)
  const nextHop = request.destination == null ? null : destinationUri(request.destination)
  if (nextHop === null && request.destination != null) return fail(m, 'bad-uri')
  const known = linkOf(m).transaction
  if (m.message.method === 'CANCEL') {
    const invite = inviteOf(services, m)
    if (invite !== undefined) return answerCancel(services, m, invite, flags)
  }
  const created = known === null ? newTransaction(services, m, { isSilent: (flags & RelayFlag.noTrying) !== 0 }) : 1
  if (created !== NewTransaction.created) return created === 0 ? 0 : fail(m, 'bad-request')
  const t = linkOf(m).transaction
  if (t === null) return fail(m, 'internal')
  t.relayFlags |= flags
  return andThen(relayTargets(services, t, m, [m.target, ...m.branches], { nextHop }), failure =>
    afterRelay(services, t, m, failure, known === null && (flags & RelayFlag.noAuto477) === 0),
  )
}

function afterRelay(
  services: TmServices,
  t: Transaction,
  m: RouteContext,
  failure: LocalFailure | null,
  answersFailure: boolean,
): Verdict {
  if (t.group.length > 0) concludeIfComplete(services, t)
  if (failure === null) return 1
  const code = fail(m, failure)
  if (!answersFailure) return code
  const reply = failureReply(failure)
  respond(services, t, m, { status: reply.status, reason: failurePhrase(reply, 'TM') })
  return 0
}

/** The CANCEL of an INVITE that is here: `200 canceling`, then its branches are cancelled (RFC 3261 §16.10). */
function answerCancel(services: TmServices, m: RouteContext, invite: Transaction, flags: number): Verdict {
  // "The To tag of the response to the CANCEL and the To tag in the response to the original request SHOULD be the same."
  // (RFC 3261 §9.2)
  if (linkOf(m).transaction === null && newTransaction(services, m, { toTag: invite.localToTag }) !== 1) return 0
  const t = linkOf(m).transaction
  if (t === null || !respond(services, t, m, { status: 200, reason: 'canceling', toTag: invite.localToTag }))
    return fail(m, 'internal')
  cancelByCaller(services, invite, m, flags)
  return 1
}

/** t_reply: answers from here; opens the transaction if there is none, ends its branches if the reply is final. */
export function reply(services: TmServices, m: RouteContext, own: OwnReply): Verdict {
  if (m.message.method === 'ACK') return 0
  if (linkOf(m).transaction === null) {
    const created = newTransaction(services, m)
    if (created !== NewTransaction.created) return created === 0 ? 0 : fail(m, 'bad-request')
  }
  const t = linkOf(m).transaction
  if (t === null || !respond(services, t, m, own)) return fail(m, 'internal')
  if (own.status >= 200) cancelPending(services, t, '')
  return 1
}

/** t_replicate: forwards a copy whose replies nobody waits for. */
export function replicate(
  services: TmServices,
  m: RouteContext,
  uri: string,
  flags: number,
): Verdict | Promise<Verdict> {
  linkOf(m).failure = null
  if (linkOf(m).transaction === null) {
    const created = newTransaction(services, m)
    if (created !== NewTransaction.created) return created === 0 ? 0 : fail(m, 'bad-request')
  }
  const t = linkOf(m).transaction
  if (t === null) return fail(m, 'internal')
  t.relayFlags |= flags
  const target = { ...m.target, uri, dstUri: null, path: null }
  return andThen(relayTargets(services, t, m, [target], { nextHop: null, isReplica: true }), failure =>
    failure === null ? 1 : fail(m, failure),
  )
}
