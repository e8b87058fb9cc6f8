import type { RouteContext } from '../../script/context.ts'
import { coreOf, type Outcome, recordTransaction } from './accounting.ts'
import { type AccContext, contextOf } from './context.ts'
import { Heading } from './log-line.ts'
import type { CallAnswer } from './records.ts'
import type { AccServices, Transaction } from './services.ts'

/** Phrases of the statuses that are made here when no reply has come. */
const OWN_REASONS: Readonly<Record<number, string>> = {
  408: 'Request Timeout',
  487: 'Request Terminated',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
}

/** Accounts for what becomes of transactions. */
export function followTransactions(services: AccServices): void {
  const { tm, settings } = services
  tm.onReply((t, _, reply) => {
    const { status } = reply.message
    const isEarlyMedia = settings.accountsEarlyMedia && status > 100 && status < 200 && reply.message.body.length > 0
    if (!isEarlyMedia && !isLateAnswer(t, status)) return
    const context = contextOf(tm, t.request)
    if (context !== undefined) takeAnswer(services, t, context, outcomeOf(status, reply.message.reason, reply))
  })
  tm.onFailed((t, status, reply) => {
    const context = contextOf(tm, t.request)
    const reason = reply?.message.reason ?? OWN_REASONS[status] ?? 'Failure'
    if (context !== undefined) takeMissed(services, t, context, outcomeOf(status, reason, reply))
  })
  tm.onFinal((t, { status, reason, reply }) => {
    const context = contextOf(tm, t.request)
    if (context === undefined) return
    const outcome = outcomeOf(status, reason, reply)
    if (status < 300) takeAnswer(services, t, context, outcome)
    else {
      takeMissed(services, t, context, outcome)
      for (const type of context.types.having('failed'))
        recordTransaction(services, Heading.answered, type, context, t.request, outcome)
    }
  })
}

function outcomeOf(status: number, reason: string, reply: RouteContext | null): Outcome {
  return { code: String(status), reason, reply: reply?.message ?? null }
}

/** A call that was given up and then answered after all (RFC 3261 §16.7 step 5): it is a call like any other. */
function isLateAnswer(t: Transaction, status: number): boolean {
  return t.isInvite && t.finalStatus >= 300 && status >= 200 && status < 300
}

/** Of a call that gets a CDR nothing is written yet. */
function takeAnswer(services: AccServices, t: Transaction, context: AccContext, outcome: Outcome): void {
  const isFinal = t.finalStatus !== 0
  if (context.isAnswered) return
  context.isAnswered = isFinal
  for (const type of context.types.all) {
    if (!context.types.has(type, 'cdr'))
      recordTransaction(services, Heading.answered, type, context, t.request, outcome)
    else if (isFinal) context.answer ??= answerOf(services, t, outcome)
  }
  const call = services.dialog?.current(t.request) ?? null
  if (context.answer !== null && call !== null) services.running.begin(call, context)
}

function answerOf(services: AccServices, t: Transaction, outcome: Outcome): CallAnswer {
  const answeredMs = services.clock.nowMs()
  const core = coreOf(services, t.request, outcome, answeredMs)
  // Where no variable is read from it at the end, it need not be kept until then.
  return { core, answeredMs, request: services.fields.hasVariables ? t.request : null }
}

/** Once for each arming: the flag goes with the record. */
function takeMissed(services: AccServices, t: Transaction, context: AccContext, outcome: Outcome): void {
  if (!t.isInvite) return
  for (const type of context.types.having('missed')) {
    context.types.remove(type, 'missed')
    recordTransaction(services, Heading.missed, type, context, t.request, outcome)
  }
}
