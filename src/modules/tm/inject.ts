import type { RouteContext, Target } from '../../script/context.ts'
import { andThen } from '../../util/and-then.ts'
import { COMPLETED_ELSEWHERE, cancelPending } from './cancel-branch.ts'
import { concludeIfComplete } from './conclude.ts'
import { relayTargets } from './relay.ts'
import { dropPhantom } from './release.ts'
import type { TmServices } from './services.ts'
import type { Transaction } from './transaction.ts'

/** Keeps an INVITE transaction open for branches to come: at most `limit`, no longer than timer C. */
export function waitForNewBranches(services: TmServices, t: Transaction, limit: number): boolean {
  if (!t.isInvite || t.finalStatus !== 0 || t.isCancelled) return false
  openPhantom(services, t, limit)
  return true
}

/**
 * Waits for so many more branches, of any request, as long as for a final reply. Each comes by {@link injectBranches} or is
 * given up. False: the transaction has ended.
 */
export function expectBranches(services: TmServices, t: Transaction, count: number): boolean {
  if (t.finalStatus !== 0 || t.isCancelled || t.isReleased) return false
  if (t.phantom === null) openPhantom(services, t, count)
  else t.phantom.remaining += count
  return true
}

/** A branch that was expected does not come. */
export function giveUpBranch(services: TmServices, t: Transaction): void {
  usePhantom(t, 1)
  concludeIfReady(services, t)
}

function openPhantom(services: TmServices, t: Transaction, limit: number): void {
  dropPhantom(t)
  const timer = services.clock.after(t.isInvite ? t.inviteMs : t.timers.finalMs, () => {
    if (t.phantom === null) return
    t.phantom.isExpired = true
    t.phantom.timer = null
    concludeIfComplete(services, t)
  })
  t.phantom = { remaining: limit, timer, isExpired: false }
}

/** Ends that wait; what has ended meanwhile is concluded. */
export function waitNoMoreBranches(services: TmServices, t: Transaction): void {
  if (t.phantom === null) return
  dropPhantom(t)
  concludeIfReady(services, t)
}

/** Not before the script has had the time to add branches of its own. */
function concludeIfReady(services: TmServices, t: Transaction): void {
  if (t.branches.length > 0 || t.isScriptOver) concludeIfComplete(services, t)
}

export interface InjectOptions {
  /** Cancel the branches that are pending now. */
  readonly cancelsOthers: boolean
  /** No further branches will come. */
  readonly isLast: boolean
}

/** Adds branches to a transaction that is waiting or under way. Gives t_inject_branches' codes. */
export function injectBranches(
  services: TmServices,
  t: Transaction,
  targets: readonly Target[],
  options: InjectOptions,
): number | Promise<number> {
  if (t.isReleased) return -1
  if (t.finalStatus !== 0 || t.isCancelled) return -2
  if (options.cancelsOthers) cancelPending(services, t, COMPLETED_ELSEWHERE)
  return andThen(relayTargets(services, t, t.request, targets, { nextHop: null }), failure => {
    if (failure === null) usePhantom(t, targets.length)
    if (options.isLast) dropPhantom(t)
    concludeIfReady(services, t)
    return failure === null ? 1 : -3
  })
}

function usePhantom(t: Transaction, count: number): void {
  if (t.phantom === null) return
  t.phantom.remaining -= count
  if (t.phantom.remaining <= 0) dropPhantom(t)
}

/**
 * The target a usrloc contact event describes by its attributes, which the route has as AVPs (event_routing reference).
 * Null when one that is never empty is missing.
 */
export function targetOfEvent(services: TmServices, m: RouteContext): Target | null {
  const uri = m.avps.get('uri')
  const q = m.avps.get('qval')
  const socket = m.avps.get('socket')
  const flags = m.avps.get('bflags')
  if (typeof uri !== 'string' || q === null || socket === null || flags === null) return null
  const path = textOf(m, 'path')
  const received = textOf(m, 'received')
  return {
    uri,
    // With a path, its first element is the next hop.
    dstUri: path === null ? received : null,
    path,
    q: Number(q),
    flags: Number(flags) || 0,
    socket: services.proxy.findSocket(String(socket)) ?? null,
  }
}

function textOf(m: RouteContext, avp: string): string | null {
  const value = m.avps.get(avp)
  return value === null || value === '' ? null : String(value)
}
