import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, RouteKind } from '../../script/context.ts'
import { inviteOf } from './caller-cancel.ts'
import { cancelBranch, cancelPending } from './cancel-branch.ts'
import { injectBranches, targetOfEvent, waitForNewBranches, waitNoMoreBranches } from './inject.ts'
import { parseUserAddress, type RequestSender } from './local-request.ts'
import { branchOf, linkOf, transactionOf } from './message-link.ts'
import type { TmServices } from './services.ts'
import type { Transaction } from './transaction.ts'
import { respond } from './upstream.ts'

const STATE: readonly RouteKind[] = ['request', 'failure', 'onreply', 'branch']

/** Functions that ask about transactions and change those under way. */
export const stateSpecs = {
  t_check_status: {
    args: [arg('pattern', 'regex', 'Matched against the status, three digits.')],
    routes: STATE,
    returns: '1 matches; −1 not',
    doc:
      'Tests a status: in request and branch routes the last one sent on the transaction, in a failure_route the chosen ' +
      'one, in an onreply_route that of the reply.',
  },
  t_local_replied: {
    args: [
      arg(
        'which',
        'str',
        '`all`: no branch received any reply; `branch`: the chosen one did not; `last`: the last reply was made here.',
      ),
    ],
    routes: STATE,
    returns: '1 made here; −1 not',
    doc: 'Whether replies were made here rather than received.',
  },
  t_was_cancelled: {
    args: [],
    routes: STATE,
    returns: '1 the caller has cancelled; −1 not',
    doc: 'Whether the caller has cancelled the transaction.',
  },
  t_cancel_branch: {
    args: [optional(arg('flags', 'str', '`a` all pending branches, `o` all but this; none: this one.'))],
    routes: ['onreply'],
    returns: '1; −1 there is no transaction',
    doc: 'Cancels branches.',
  },
  t_add_hdrs: {
    args: [arg('text', 'str', 'Complete header lines.')],
    routes: ['request'],
    returns: '1; −1 there is no transaction',
    doc: 'Adds headers to the request as it is kept and forwarded.',
  },
  t_add_cancel_reason: {
    args: [arg('text', 'str', 'Complete Reason header lines.')],
    routes: ['request'],
    returns: '1; −1 the request is no CANCEL',
    doc: 'Adds headers to the CANCELs that relaying this CANCEL causes.',
  },
  t_flush_flags: {
    args: [],
    routes: ['request', 'branch'],
    returns: '1; −1 there is no transaction',
    doc: 'Copies the flags of the message to its transaction.',
  },
  t_new_request: {
    args: [
      arg('method', 'str', 'Method.'),
      arg('ruri', 'str', 'Request-URI.'),
      arg('from', 'str', 'From: a URI, or a display name and a URI.'),
      arg('to', 'str', 'To: a URI, or a display name and a URI.'),
      optional(arg('body', 'str', 'Content type, a blank, the body.')),
      optional(arg('context', 'str', 'Given to local_route as `$avp(uac_ctx)`.')),
    ],
    routes: 'any',
    returns: '1 handed over for sending; −1 it could not be made',
    doc: 'Sends a request outside of any dialog, without waiting for its answer.',
  },
  t_wait_for_new_branches: {
    args: [optional(arg('count', 'int', 'Branches to wait for; any number if absent.'))],
    routes: ['request'],
    returns: '1; −1 no INVITE transaction, or it has ended',
    doc: 'Keeps the transaction open until fr_inv_timeout, a 2xx, a CANCEL, or that many branches were injected.',
  },
  t_wait_no_more_branches: {
    args: [],
    routes: STATE,
    returns: '1; −1 there is no transaction',
    doc: 'Ends the wait of t_wait_for_new_branches.',
  },
  t_inject_branches: {
    args: [
      arg(
        'source',
        'str',
        '`event`: the contact in the AVPs of a usrloc event; `msg`: the destination set of the message.',
      ),
      optional(arg('flags', 'str', '`c` or `cancel`: cancel what is pending; `l` or `last`: no more will come.')),
    ],
    routes: ['request', 'onreply', 'event'],
    returns: '1 added; −1 no transaction or a bad source; −2 it has a final reply; −3 forwarding failed',
    doc: 'Adds branches to the transaction of the message, or to the one the event route was started for.',
  },
  t_get_branch_idx_by_attr: {
    args: [
      arg('attr', 'str', 'Name of the AVP of the branch, as in `$bavp(name)`.'),
      arg('value', 'str', 'The value looked for.'),
      arg('index', 'var', 'Takes the index of the first branch whose AVP has that value.'),
    ],
    routes: ['onreply', 'branch', 'failure'],
    returns: '1 found; −1 no branch has it, or there is no transaction',
    doc: 'Looks for a branch by what `$bavp()` has stored with it.',
  },
  t_reply_by_callid: {
    args: [
      arg('code', 'int', 'Status.'),
      arg('reason', 'str', 'Reason phrase.'),
      optional(arg('callid', 'str', 'Call-ID; of the message if absent.')),
      optional(arg('cseq', 'str', 'CSeq number; of the message if absent.')),
    ],
    routes: ['request'],
    returns: '1 sent; −1 no such INVITE is pending',
    doc: 'Answers another pending INVITE.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

/** Builds those functions. */
export function stateFunctions(services: TmServices, sender: RequestSender): FunctionHandlers<typeof stateSpecs> {
  return {
    t_check_status: pattern => m => (pattern.read(m).test(String(statusOf(m))) ? 1 : -1),
    t_local_replied: which => buildLocalReplied(which),
    t_was_cancelled: () => m => (subjectOf(services, m)?.isCancelled === true ? 1 : -1),
    t_cancel_branch: flags => buildCancelBranch(services, flags),
    t_add_hdrs: text =>
      onTransaction((t, m) => {
        t.extraHeaders += text.read(m)
      }),
    t_add_cancel_reason: text => m => {
      if (m.message.method !== 'CANCEL') return -1
      linkOf(m).cancelHeaders += text.read(m)
      return 1
    },
    t_flush_flags: () =>
      onTransaction((t, m) => {
        t.request.flags = m.flags
      }),
    t_new_request: (method, ruri, from, to, body, context) => m => {
      if (linkOf(m).isObservation) return -1
      const fromAddress = parseUserAddress(from.read(m))
      const toAddress = parseUserAddress(to.read(m))
      if (fromAddress === null || toAddress === null) return -1
      const [contentType, text] = splitBody(body?.read(m) ?? '')
      void sender.send({
        method: method.read(m),
        uri: ruri.read(m),
        from: fromAddress,
        to: toAddress,
        headers: contentType === '' ? '' : `Content-Type: ${contentType}\r\n`,
        body: text,
        context: context?.read(m),
      })
      return 1
    },
    t_wait_for_new_branches: count => m => {
      const t = transactionOf(m)
      return t !== null && waitForNewBranches(services, t, count?.read(m) ?? Number.POSITIVE_INFINITY) ? 1 : -1
    },
    t_wait_no_more_branches: () => onTransaction(t => waitNoMoreBranches(services, t)),
    t_inject_branches: (source, flags) => buildInject(services, source, flags),
    t_get_branch_idx_by_attr: (attr, value, index) => m => {
      const name = attr.read(m)
      const wanted = value.read(m)
      const found = transactionOf(m)?.branches.find(b => b.avps.all(name).some(v => String(v) === wanted))
      return found !== undefined && index.read(m).set(m, found.index) ? 1 : -1
    },
    t_reply_by_callid: (code, reason, callId, cseq) => m => {
      const id = callId?.read(m) ?? m.message.callId
      const number = cseq === undefined ? m.message.cseq : Number(cseq.read(m))
      const t = pendingInvite(services, id, number)
      return t !== undefined && respondAndCancel(services, t, code.read(m), reason.read(m)) ? 1 : -1
    },
  }
}

function onTransaction(act: (t: Transaction, m: RouteContext) => void): (m: RouteContext) => number {
  return m => {
    const t = transactionOf(m)
    if (t === null) return -1
    act(t, m)
    return 1
  }
}

/** The status a script means by the reply code of its message. */
export function statusOf(m: RouteContext): number {
  const t = transactionOf(m)
  if (m.kind === 'onreply') return m.message.status
  if (m.kind === 'failure') return branchOf(m)?.finalStatus ?? t?.chosenStatus ?? 0
  return t?.lastStatus ?? 0
}

/** The transaction a question is about: of a CANCEL, that of its INVITE. */
function subjectOf(services: TmServices, m: RouteContext): Transaction | null {
  const own = transactionOf(m)
  return own === null && m.message.method === 'CANCEL' ? (inviteOf(services, m) ?? null) : own
}

function buildLocalReplied(which: Arg<string>) {
  const { constant } = which
  if (constant !== undefined && !['all', 'branch', 'last'].includes(constant))
    which.reject(`unknown kind "${constant}": expected all, branch or last`)
  return (m: RouteContext): number => {
    const t = transactionOf(m)
    return t !== null && wasLocal(t, m, which.read(m)) ? 1 : -1
  }
}

function wasLocal(t: Transaction, m: RouteContext, which: string): boolean {
  if (which === 'all') return t.branches.every(b => !b.hasReply)
  if (which === 'branch') return m.kind === 'failure' && (branchOf(m)?.reply ?? null) === null
  return m.kind === 'failure' ? (branchOf(m)?.reply ?? null) === null : t.lastWasLocal
}

function buildCancelBranch(services: TmServices, flags: Arg<string> | undefined) {
  if (flags?.constant !== undefined && !/^[ao]?$/.test(flags.constant))
    flags.reject(`unknown flag "${flags.constant}": expected a or o`)
  return (m: RouteContext): number => {
    const t = transactionOf(m)
    const own = branchOf(m)
    if (t === null || own === null) return -1
    const which = flags?.read(m) ?? ''
    if (which === '') cancelBranch(services, own, '')
    else cancelPending(services, t, '', which === 'o' ? own : null)
    return 1
  }
}

function buildInject(services: TmServices, source: Arg<string>, flags: Arg<string> | undefined) {
  if (source.constant !== undefined && source.constant !== 'event' && source.constant !== 'msg')
    source.reject(`unknown source "${source.constant}": expected event or msg`)
  return (m: RouteContext): number | Promise<number> => {
    const link = linkOf(m)
    const t = link.transaction ?? link.remote
    const from = source.read(m)
    const targets = from === 'msg' ? [m.target, ...m.branches] : [targetOfEvent(services, m)]
    const known = targets.filter(target => target !== null)
    if (t === null || known.length < targets.length) return -1
    const given = (flags?.read(m) ?? '').split(',').map(f => f.trim())
    return injectBranches(services, t, known, {
      cancelsOthers: given.includes('c') || given.includes('cancel'),
      isLast: given.includes('l') || given.includes('last'),
    })
  }
}

function pendingInvite(services: TmServices, callId: string, cseq: number): Transaction | undefined {
  for (const t of services.tables.servers.values())
    if (t.isInvite && t.finalStatus === 0 && t.initial.callId === callId && t.initial.cseq === cseq) return t
  return undefined
}

/** Answers a transaction from outside of its own routes. */
export function respondAndCancel(services: TmServices, t: Transaction, status: number, reason: string): boolean {
  if (!respond(services, t, t.request, { status, reason })) return false
  if (status >= 200) cancelPending(services, t, '')
  return true
}

function splitBody(text: string): [contentType: string, body: string] {
  const blank = text.indexOf(' ')
  return blank < 0 ? ['', ''] : [text.slice(0, blank), text.slice(blank + 1)]
}
