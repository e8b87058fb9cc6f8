import type { RouteContext, Target } from '../../script/context.ts'
import { uriScheme } from '../../sip/codec/uri.ts'
import type { Hop } from '../../sip/net/endpoint.ts'
import type { LocalFailure } from '../../sip/tx/failure-reply.ts'
import { andThen } from '../../util/and-then.ts'
import { Branch, MAX_TRANSACTION_BRANCHES } from './branch.ts'
import { startBranch } from './client.ts'
import { branchContext } from './contexts.ts'
import { inTurn } from './in-turn.ts'
import { bind } from './message-link.ts'
import { RelayFlag } from './relay-flags.ts'
import type { TmServices } from './services.ts'
import type { Transaction } from './transaction.ts'

/** Where branches are sent, beside what each target says. */
export interface RelayOptions {
  /** Next hop of targets without one of their own, as a SIP URI; null: their own URIs decide. */
  readonly nextHop: string | null
  readonly isReplica?: boolean
}

/** Schemes a request can be routed by; anything else is not understood (RFC 3261 §16.3 step 2). */
const ROUTABLE = new Set(['sip', 'sips'])

/**
 * Opens a branch for each target. `source` is the request as the branches shall carry it. Gives null when at least one
 * was sent, else why the last was not. Synchronous unless a name must be resolved or a branch_route waits.
 */
export function relayTargets(
  services: TmServices,
  t: Transaction,
  source: RouteContext,
  targets: readonly Target[],
  options: RelayOptions,
): LocalFailure | null | Promise<LocalFailure | null> {
  t.holds++
  const results = inTurn(targets, target => relayOne(services, t, source, target, options))
  return andThen(results, failures => {
    t.holds--
    if (failures.includes(null)) return null
    return failures.at(-1) ?? 'no-destination'
  })
}

function relayOne(
  services: TmServices,
  t: Transaction,
  source: RouteContext,
  target: Target,
  options: RelayOptions,
): LocalFailure | null | Promise<LocalFailure | null> {
  if (isPast(t)) return 'no-destination'
  if (t.branches.length >= MAX_TRANSACTION_BRANCHES) return 'too-many-branches'
  const branch = newBranch(t, source, target, options.isReplica === true)
  return andThen(runBranchRoute(services, t, branch), isWanted => {
    if (!isWanted) return 'no-destination'
    const nextHop = nextHopOf(branch.target, options.nextHop)
    if (nextHop === null) return 'bad-uri'
    if (!ROUTABLE.has(uriScheme(nextHop))) return 'unsupported-scheme'
    return andThen(services.proxy.resolve(nextHop), hops => send(services, t, branch, hops))
  })
}

function newBranch(t: Transaction, source: RouteContext, target: Target, isReplica: boolean): Branch {
  const context = branchContext(source, target)
  if (t.extraHeaders !== '') context.edits.insert(context.message.headersEnd, t.extraHeaders)
  const branch = new Branch(t, t.nextBranch++, context, isReplica)
  bind(context, t, branch)
  return branch
}

/** False: the branch_route dropped the branch. */
function runBranchRoute(services: TmServices, t: Transaction, branch: Branch): boolean | Promise<boolean> {
  if (t.routes.branch === null) return true
  return andThen(services.script.run(t.routes.branch, branch.context), () => !branch.context.dropped)
}

/** The URI a target is reached by: `$du`, the first element of its path, the next hop of the call, its own URI. */
function nextHopOf(target: Target, given: string | null): string | null {
  if (target.dstUri !== null && target.dstUri !== '') return target.dstUri
  if (given !== null) return given
  if (target.path !== null && target.path !== '') {
    const first = /<([^>]*)>|^\s*([^,;\s]+)/.exec(target.path)
    return first?.[1] ?? first?.[2] ?? null
  }
  return target.uri === '' ? null : target.uri
}

function send(services: TmServices, t: Transaction, branch: Branch, hops: readonly Hop[]): LocalFailure | null {
  // The caller may have given up, or another branch have won, while a name was looked up.
  if (isPast(t)) return 'no-destination'
  const usable = secureEnough(hops, branch.target.uri)
  if (usable.length === 0) return 'unresolvable'
  branch.hops = (t.relayFlags & RelayFlag.noDnsFailover) === 0 ? usable : usable.slice(0, 1)
  const failure = startBranch(services, branch)
  if (failure === null) t.addBranch(branch)
  return failure
}

/** RFC 3261 §26.2.2: a sips Request-URI goes over TLS or not at all. */
function secureEnough(hops: readonly Hop[], uri: string): readonly Hop[] {
  if (uriScheme(uri) !== 'sips') return hops
  return hops.filter(hop => hop.proto === 'tls' || hop.proto === 'wss')
}

/** Whether the transaction takes no more branches. */
function isPast(t: Transaction): boolean {
  return t.isReleased || t.finalStatus !== 0 || t.isCancelled || t.isClosed
}

/** Opens a branch to the next address of the same target (RFC 3263 §4.3). False: there is none, or none takes it. */
export function failOver(services: TmServices, failed: Branch): boolean {
  const t = failed.transaction
  if (failed.hop !== null) services.proxy.blacklists.noteFailed(failed.hop)
  if (failed.hops.length === 0 || isPast(t) || t.branches.length >= MAX_TRANSACTION_BRANCHES) return false
  const next = new Branch(t, t.nextBranch++, failed.context, failed.isReplica)
  next.replyRoute = failed.replyRoute
  next.hops = failed.hops
  failed.hops = []
  bind(next.context, t, next)
  if (startBranch(services, next) !== null) return false
  failed.isSuperseded = true
  t.addBranch(next)
  return true
}

/** `udp:host:port`, `host:port` or a SIP URI, as a SIP URI. Null where it is none of them. */
export function destinationUri(text: string): string | null {
  if (/^sips?:/i.test(text)) return text
  const parts = /^(?:(udp|tcp|tls|ws|wss):)?(\[[0-9a-f:.]+\]|[^\s:;,]+)(?::(\d{1,5}))?$/i.exec(text)
  if (parts === null) return null
  const [, proto, host, port] = parts
  return `sip:${host}${port === undefined ? '' : `:${port}`}${proto === undefined ? '' : `;transport=${proto.toLowerCase()}`}`
}
