import { randomBytes, randomInt } from 'node:crypto'
import type { RouteContext } from '../../script/context.ts'
import { codeAt } from '../../sip/codec/chars.ts'
import { linkOf } from './message-link.ts'
import type { TmServices } from './services.ts'
import { type LocalCaller, Transaction } from './transaction.ts'
import { openServer, respond } from './upstream.ts'

/** Buckets transactions are spread over, for `$T_id` and tm:hash: a power of two. */
export const BUCKETS = 65536
const TAG_PREFIX = randomBytes(4).toString('hex')
/** Starts anywhere, so that branches of one run of the process do not repeat those of another. */
const FIRST_NUMBER = randomInt(1, 2 ** 16) * 2 ** 32
const NUMBER_PREFIX = (FIRST_NUMBER / 2 ** 32).toString(16)
let count = randomInt(2 ** 31)

/** What newTransaction gives: t_newtran's codes (tm reference). */
export const NewTransaction = {
  created: 1,
  retransmission: 0,
  noVia: -8,
  incomplete: -9,
  attached: -10,
  unparseable: -400,
} as const

export interface CreateOptions {
  /** The To tag of replies made here; a CANCEL uses that of its INVITE. */
  readonly toTag?: string
  /** Do not send `100 Giving it a try`. */
  readonly isSilent?: boolean
}

/** Opens the transaction of a received request. Gives one of {@link NewTransaction}. An ACK opens none: 1. */
export function newTransaction(services: TmServices, m: RouteContext, options: CreateOptions = {}): number {
  const { message } = m
  const link = linkOf(m)
  if (link.transaction !== null) return NewTransaction.attached
  if (message.method === 'ACK') return NewTransaction.created
  if (!message.answerable || isDummy(m) || link.isObservation) return NewTransaction.incomplete
  if (message.topVia === null) return NewTransaction.noVia
  const known = services.tables.servers.find(message)
  if (known !== undefined) {
    known.server?.receiveRequest()
    return NewTransaction.retransmission
  }
  if (message.fault !== null) return NewTransaction.unparseable
  const t = makeTransaction(services, m, null, options.toTag)
  if (!services.tables.servers.add(t)) return NewTransaction.noVia
  services.tables.all.add(t)
  link.transaction = t
  services.stats.UAS_transactions.value++
  openServer(services, t)
  // "The server transaction MUST generate a 100 (Trying) response unless it knows that the TU will generate a
  // provisional or final response within 200 ms" (RFC 3261 §17.2.1)
  if (t.isInvite && services.settings.sendsTrying && options.isSilent !== true)
    respond(services, t, m, { status: 100, reason: 'Giving it a try' })
  for (const observe of services.observers.created) observe(t, m)
  return NewTransaction.created
}

/**
 * Whether the message is the stand-in that routes run on when no message started them (script reference, routes): it is
 * always the same, so a second one would pass for a retransmission of the first.
 */
export function isDummy(m: RouteContext): boolean {
  return m.message.method === 'DUMMY' && m.message.callId === 'dummy-1'
}

/** Opens the transaction of a request made here. */
export function newLocalTransaction(services: TmServices, m: RouteContext, caller: LocalCaller): Transaction {
  const t = makeTransaction(services, m, caller, undefined)
  services.tables.all.add(t)
  linkOf(m).transaction = t
  services.stats.UAC_transactions.value++
  return t
}

function makeTransaction(
  services: TmServices,
  m: RouteContext,
  caller: LocalCaller | null,
  toTag: string | undefined,
): Transaction {
  const link = linkOf(m)
  const low = count++ >>> 0
  const hex = NUMBER_PREFIX + low.toString(16).padStart(8, '0')
  const { settings } = services
  const t = new Transaction({
    bucket: bucketOf(m),
    number: FIRST_NUMBER + low,
    hex,
    request: m,
    localToTag: toTag ?? `${TAG_PREFIX}.${hex}`,
    clock: services.clock,
    timers: settings.timers,
    inviteMs: link.inviteMs ?? settings.inviteMs,
    caller,
  })
  if (link.finalMs !== null) t.timers = { ...t.timers, finalMs: link.finalMs }
  t.routes = link.armed
  return t
}

function bucketOf(m: RouteContext): number {
  const text = `${m.message.callId}${m.message.cseq}`
  const { length } = text
  let hash = 0
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + codeAt(text, i)) | 0
  return hash & (BUCKETS - 1)
}
