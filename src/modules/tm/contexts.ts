import { RouteContext as Context, type RouteContext, type RouteKind, type Target } from '../../script/context.ts'
import type { Branch } from './branch.ts'
import { bind } from './message-link.ts'
import type { Transaction } from './transaction.ts'

/**
 * A context for another run on the same message: what the script has changed so far comes along, what it changes from
 * now on stays apart. The AVPs are shared.
 */
function copyOf(source: RouteContext, kind: RouteKind, target: Target): RouteContext {
  const copy = new Context({
    kind,
    message: source.message,
    origin: source.origin,
    target: { ...target },
    edits: source.edits.clone(),
    avps: source.avps,
    vars: source.vars.length === 0 ? source.vars : source.vars.map(() => null),
  })
  copy.flags = source.flags
  copy.forceRport = source.forceRport
  copy.addLocalRport = source.addLocalRport
  copy.replyToVia = source.replyToVia
  copy.advertisedHost = source.advertisedHost
  copy.advertisedPort = source.advertisedPort
  copy.replyHeaders = source.replyHeaders
  copy.replyBody = source.replyBody
  // Lists that modules add to must not grow in both.
  const { slots } = source
  for (let index = 0; index < slots.length; index++) {
    const value = slots[index]
    copy.slots[index] = Array.isArray(value) ? value.slice() : value
  }
  return copy
}

/** The request as it will go to one target, before the branch_route has seen it. */
export function branchContext(source: RouteContext, target: Target): RouteContext {
  return copyOf(source, 'branch', target)
}

/** The original request for a failure_route, with the reply that was chosen. Its Request-URI is that of the branch. */
export function failureContext(t: Transaction, chosen: Branch | null): RouteContext {
  const m = copyOf(t.request, 'failure', chosen?.target ?? t.request.target)
  m.reply = chosen?.reply ?? null
  bind(m, t, chosen)
  return m
}

/** Keeps what a failure_route has set for later routes of the transaction: flags and what modules store. */
export function keepAfterFailure(t: Transaction, m: RouteContext): void {
  t.request.flags = m.flags
  t.request.slots = m.slots.slice()
  bind(t.request, t, null)
}
