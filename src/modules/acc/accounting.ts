import type { RouteContext } from '../../script/context.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { type AccContext, contextFor } from './context.ts'
import type { AccFlag, AccType } from './kinds.ts'
import { Heading } from './log-line.ts'
import { type CoreValues, wholeSeconds } from './records.ts'
import type { AccServices } from './services.ts'

/** What ended, or answers, the request that is accounted. */
export interface Outcome {
  readonly code: string
  readonly reason: string
  /** Null when it was made here. */
  readonly reply: SipMessage | null
}

/** do_accounting: adds types and flags for the transaction of `m`. False: a CDR was asked for and cannot be had. */
export function account(
  services: AccServices,
  m: RouteContext,
  types: readonly AccType[],
  flags: readonly AccFlag[],
  table: string | null = null,
): boolean {
  const request = m.request ?? m
  if (request.message.method === 'CANCEL' && !services.settings.accountsCancels) {
    services.log.warn('CANCEL is not accounted; report_cancels would', { callid: request.message.callId })
    return true
  }
  const beginsCall = request.message.method === 'INVITE' && request.message.toTag === ''
  const wantsCdr = flags.includes('cdr') && beginsCall
  const nowMs = services.clock.nowMs()
  if (wantsCdr && services.dialog === undefined) {
    services.log.error('do_accounting: "cdr" needs the module dialog', { callid: request.message.callId })
    return false
  }
  const context = contextFor(services.tm, m, nowMs)
  if (wantsCdr) {
    const dialog = services.dialog?.create(request) ?? null
    if (dialog === null) return false
    services.calls.set(dialog, context)
  }
  if (context.createdMs === 0) context.createdMs = nowMs
  if (table !== null && table !== '') context.table = table
  for (const type of types) {
    context.types.add(type)
    for (const flag of flags) if (flag !== 'cdr' || wantsCdr) context.types.add(type, flag)
  }
  context.changed()
  return true
}

/** drop_accounting: takes flags away; with none named, whole types; with no types named, all of them. */
export function dropAccounting(context: AccContext, types: readonly AccType[], flags: readonly AccFlag[]): void {
  for (const type of types.length === 0 ? context.types.all : types) {
    if (flags.length === 0) context.types.remove(type)
    else for (const flag of flags) context.types.remove(type, flag)
  }
  context.changed()
}

/** What every record of a request says. */
export function coreOf(services: AccServices, m: RouteContext, outcome: Outcome, timeMs: number): CoreValues {
  const { method, fromTag, toTag, callId } = m.message
  const remoteTag = outcome.reply?.toTag || toTag
  const isAgainst = services.settings.detectsDirection && toTag !== '' && services.rr?.isDownstream(m) === false
  return {
    method,
    fromTag: isAgainst ? remoteTag : fromTag,
    toTag: isAgainst ? fromTag : remoteTag,
    callId,
    code: outcome.code,
    reason: outcome.reason,
    timeS: wholeSeconds(timeMs),
  }
}

/** Writes what became of a transaction. */
export function recordTransaction(
  services: AccServices,
  heading: Exclude<Heading, typeof Heading.ended>,
  type: AccType,
  context: AccContext,
  m: RouteContext,
  outcome: Outcome,
  table: string | null = context.table,
): void {
  // Without do_accounting, accounting begins with the request.
  const createdMs = context.createdMs || context.receivedMs
  const createdS = wholeSeconds(createdMs)
  const setupS = Math.max(0, wholeSeconds(services.clock.nowMs()) - createdS)
  const core = coreOf(services, m, outcome, context.receivedMs)
  services.writer.transaction(type, { heading, core, createdS, setupS, table }, context, m)
}

/** acc_log_request and its like: at once, whatever becomes of the request. */
export function recordRequest(
  services: AccServices,
  type: AccType,
  m: RouteContext,
  comment: string,
  table: string | null = null,
): void {
  const request = m.request ?? m
  const context = contextFor(services.tm, m, services.clock.nowMs())
  const [, code = '', reason = comment] = /^(\d{3})(?:\s+([\s\S]*))?$/.exec(comment) ?? []
  const reply = m.kind === 'onreply' ? m.message : (m.reply?.message ?? null)
  const outcome = { code, reason: code !== '' && reason === comment ? '' : reason, reply }
  recordTransaction(services, Heading.request, type, context, request, outcome, table)
}
