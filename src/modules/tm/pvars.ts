import type { PvarHandler, PvarHandlers, PvarSite, PvarSpec } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import type { Branch } from './branch.ts'
import { branchOf, linkOf, transactionOf } from './message-link.ts'
import type { TmServices } from './services.ts'
import { statusOf } from './state-functions.ts'

const readOnly = (type: PvarSpec['type'], doc: string): PvarSpec => ({ type, writable: false, doc })
const ofBranch = (type: PvarSpec['type'], doc: string): PvarSpec => ({
  type,
  writable: false,
  doc: `${doc} Index: the branch; by default the one at hand.`,
})

/** The module's pseudo-variables. */
export const tmPvars = {
  T_branch_idx: readOnly('int', 'Index of the branch the route is about, from 0.'),
  T_reply_code: readOnly(
    'int',
    'Status of the reply at hand, of the chosen reply in a failure_route, else of the final reply sent; 0 if none.',
  ),
  T_reply_last: readOnly('int', 'Last status received on the branch at hand.'),
  T_ruri: readOnly('str', 'Request-URI of the branch at hand.'),
  T_id: readOnly('str', 'Name of the transaction: two hexadecimal numbers.'),
  T_fr_timeout: { type: 'int', writable: true, doc: 'fr_timeout of this transaction, in seconds.' },
  T_fr_inv_timeout: { type: 'int', writable: true, doc: 'fr_inv_timeout of this transaction, in seconds.' },
  T_branch_last_reply_code: ofBranch('int', 'Last status of a branch.'),
  bavp: { type: 'any', writable: true, inner: 'required', doc: 'AVP of one branch: `$bavp(name)`.' },
  'tm.branch.uri': ofBranch('str', 'Request-URI of a branch.'),
  'tm.branch.duri': ofBranch('str', 'Next hop of a branch.'),
  'tm.branch.path': ofBranch('str', 'Path of a branch.'),
  'tm.branch.q': ofBranch('int', 'q of a branch, 0…1000; −1 none.'),
  'tm.branch.flags': ofBranch('str', 'Names of the flags of a branch.'),
  'tm.branch.socket': ofBranch('str', 'Socket a branch was sent from.'),
  'tm.branch.last_received': ofBranch('int', 'Last status of a branch.'),
  'tm.branch.type': ofBranch('str', 'What a branch is: `sip`.'),
  'tm.branch.attr': { ...ofBranch('any', 'An AVP of a branch: `$tm.branch.attr(name)`.'), inner: 'required' },
  'tm.branch.flag': { ...ofBranch('int', '1 if a branch has the flag: `$tm.branch.flag(name)`.'), inner: 'required' },
} as const satisfies Readonly<Record<string, PvarSpec>>

/** Builds them. */
export function tmPvarHandlers(services: TmServices): PvarHandlers<typeof tmPvars> {
  return {
    T_branch_idx: () => ({ get: m => branchOf(m)?.index ?? null }),
    T_reply_code: () => ({ get: replyCode }),
    T_reply_last: () => ({ get: m => branchOf(m)?.lastStatus ?? null }),
    T_ruri: () => ({ get: m => branchOf(m)?.target.uri ?? (m.target.uri === '' ? null : m.target.uri) }),
    T_id: () => ({ get: m => transactionOf(m)?.id ?? null }),
    T_fr_timeout: () => finalTimeout(services),
    T_fr_inv_timeout: () => inviteTimeout(services),
    T_branch_last_reply_code: site => branchValue(site, b => b.lastStatus),
    bavp: branchAvp,
    'tm.branch.uri': site => branchValue(site, b => b.target.uri),
    'tm.branch.duri': site => branchValue(site, b => b.target.dstUri),
    'tm.branch.path': site => branchValue(site, b => b.target.path),
    'tm.branch.q': site => branchValue(site, b => b.target.q),
    'tm.branch.flags': site => branchValue(site, b => services.script.branchFlagNames(b.target.flags)),
    'tm.branch.socket': site => branchValue(site, b => b.socket?.text ?? null),
    'tm.branch.last_received': site => branchValue(site, b => b.lastStatus),
    'tm.branch.type': site => branchValue(site, () => 'sip'),
    'tm.branch.attr': site => branchValue(site, (b, m) => b.avps.get(nameAt(site, m))),
    'tm.branch.flag': site =>
      branchValue(site, (b, m) => ((b.target.flags & services.script.branchFlagBit(nameAt(site, m))) === 0 ? 0 : 1)),
  }
}

function replyCode(m: RouteContext): number {
  if (m.kind === 'onreply' || m.kind === 'failure') return statusOf(m)
  return transactionOf(m)?.finalStatus ?? 0
}

function finalTimeout(services: TmServices): PvarHandler {
  return timeout(
    m => transactionOf(m)?.timers.finalMs ?? linkOf(m).finalMs ?? services.settings.timers.finalMs,
    (m, ms) => {
      const t = transactionOf(m)
      if (t === null) linkOf(m).finalMs = ms
      else t.timers = { ...t.timers, finalMs: ms ?? services.settings.timers.finalMs }
    },
  )
}

function inviteTimeout(services: TmServices): PvarHandler {
  return timeout(
    m => transactionOf(m)?.inviteMs ?? linkOf(m).inviteMs ?? services.settings.inviteMs,
    (m, ms) => {
      const t = transactionOf(m)
      if (t === null) linkOf(m).inviteMs = ms
      else t.inviteMs = ms ?? services.settings.inviteMs
    },
  )
}

/** Seconds outside, milliseconds inside; NULL goes back to the parameter. */
function timeout(get: (m: RouteContext) => number, set: (m: RouteContext, ms: number | null) => void): PvarHandler {
  return {
    get: m => Math.round(get(m) / 1000),
    set: (m, value) => {
      const seconds = value === null ? null : Number(value)
      if (seconds !== null && (!Number.isInteger(seconds) || seconds < 0)) return false
      set(m, seconds === null ? null : seconds * 1000)
      return true
    },
  }
}

function nameAt(site: PvarSite, m: RouteContext): string {
  return site.inner?.read(m) ?? ''
}

function branchValue(site: PvarSite, read: (branch: Branch, m: RouteContext) => Value): PvarHandler {
  return {
    get: m => {
      const branch = branchAt(site, m)
      return branch === null ? null : read(branch, m)
    },
    all: m => (transactionOf(m)?.branches ?? []).map(branch => read(branch, m)),
  }
}

function branchAt(site: PvarSite, m: RouteContext): Branch | null {
  const branches = transactionOf(m)?.branches ?? []
  if (site.index.kind === 'at') return branches.at(site.index.at.read(m)) ?? null
  return branchOf(m) ?? branches[0] ?? null
}

function branchAvp(site: PvarSite): PvarHandler {
  return {
    get: m => branchOf(m)?.avps.get(nameAt(site, m), site.index.kind === 'at' ? site.index.at.read(m) : 0) ?? null,
    all: m => branchOf(m)?.avps.all(nameAt(site, m)) ?? [],
    set: (m, value, replace) => {
      const avps = branchOf(m)?.avps
      if (avps === undefined) return false
      const name = nameAt(site, m)
      if (value === null) avps.remove(name)
      else if (!replace || !avps.replace(name, 0, value)) avps.push(name, value)
      return true
    },
  }
}
