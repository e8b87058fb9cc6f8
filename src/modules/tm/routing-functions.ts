import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, RouteKind, Step } from '../../script/context.ts'
import { inviteOf } from './caller-cancel.ts'
import { newTransaction } from './create.ts'
import { ackOf } from './matching.ts'
import { linkOf, transactionOf } from './message-link.ts'
import { parseRelayFlags, RELAY_FLAG_NAMES } from './relay-flags.ts'
import type { TmServices } from './services.ts'
import { relay, replicate, reply } from './stateful.ts'

const REQUEST: readonly RouteKind[] = ['request']
const REQUEST_FAILURE: readonly RouteKind[] = ['request', 'failure']
const ARMING: readonly RouteKind[] = ['request', 'failure', 'onreply', 'branch', 'local']

/** Functions that open, forward and answer transactions. */
export const routingSpecs = {
  t_newtran: {
    args: [],
    routes: REQUEST,
    returns:
      '1 opened, or an ACK to be forwarded; 0 a retransmission: answered again, the script stops; −8 no usable Via, ' +
      '−9 identity headers missing, −10 there is one already, −400 malformed',
    doc: 'Opens the transaction of the request. An INVITE is answered `100 Giving it a try`.',
  },
  t_check_trans: {
    args: [],
    routes: ['request', 'branch'],
    returns:
      '1 found: of a CANCEL its INVITE, of an ACK a negative reply made here; 0 a retransmission: answered again, the ' +
      'script stops; −1 none; −2 the ACK of a 2xx',
    doc: 'Looks for the transaction a request belongs to, without opening one.',
  },
  t_relay: {
    args: [
      optional(arg('flags', 'str', `Comma list of ${RELAY_FLAG_NAMES.join(', ')}, or their bits as a number.`)),
      optional(arg('destination', 'str', '`proto:host:port` to send to; `$du` goes before it.')),
    ],
    routes: REQUEST_FAILURE,
    returns:
      '1 sent; 0 nothing could be sent and the error was answered; −1 internal error, −2 bad message or URI, −3 no ' +
      'destination, −4 unresolvable, −5 filtered, −6 send failed',
    doc: 'Forwards the request statefully to the Request-URI and all branches. An ACK is forwarded statelessly.',
  },
  t_reply: {
    args: [arg('code', 'int', 'Status.'), arg('reason', 'str', 'Reason phrase.')],
    routes: REQUEST_FAILURE,
    returns: '1 sent; 0 for an ACK; −1 a final reply was sent before',
    doc: 'Answers statefully. A 3xx names the destination set in Contact.',
  },
  t_reply_with_body: {
    args: [
      arg('code', 'int', 'Status.'),
      arg('reason', 'str', 'Reason phrase.'),
      arg('body', 'str', 'Body; add its Content-Type with append_to_reply first.'),
    ],
    routes: REQUEST_FAILURE,
    returns: '1 sent; 0 for an ACK; −1 a final reply was sent before',
    doc: 'Answers statefully with a body.',
  },
  t_replicate: {
    args: [arg('uri', 'str', 'SIP URI the copy is sent to.'), optional(arg('flags', 'str', 'As of t_relay.'))],
    routes: REQUEST,
    returns: '1 sent; negative as t_relay',
    doc: 'Sends a copy of the request whose replies are absorbed.',
  },
  t_on_failure: {
    args: [arg('route', 'str', 'Name of a failure_route; "0" or "" disarms.')],
    routes: ARMING,
    returns: '1; −1 there is no such route',
    doc: 'Has the route run when all branches have failed. It must be armed again for each run.',
  },
  t_on_reply: {
    args: [arg('route', 'str', 'Name of an onreply_route; "0" or "" disarms.')],
    routes: ARMING,
    returns: '1; −1 there is no such route',
    doc: 'Has the route run for each reply to the transaction; armed in a branch_route, to that branch.',
  },
  t_on_branch: {
    args: [arg('route', 'str', 'Name of a branch_route; "0" or "" disarms.')],
    routes: ['request', 'failure', 'onreply', 'branch'],
    returns: '1; −1 there is no such route',
    doc: 'Has the route run for each branch before it is sent.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

/** Builds those functions. */
export function routingFunctions(services: TmServices): FunctionHandlers<typeof routingSpecs> {
  const arm = (kind: 'failure' | 'reply' | 'branch') => (name: Arg<string>) => armRoute(services, kind, name)
  return {
    t_newtran: () => m => newTransaction(services, m),
    t_check_trans: () => m => checkTransaction(services, m),
    t_relay: (first, second) => buildRelay(services, first, second),
    t_reply: (code, reason) => m => reply(services, m, { status: code.read(m), reason: reason.read(m) }),
    t_reply_with_body: (code, reason, body) => m =>
      reply(services, m, { status: code.read(m), reason: reason.read(m), body: body.read(m) }),
    t_replicate: (uri, flags) => {
      const readFlags = flags === undefined ? () => 0 : flagReader(flags)
      return m => replicate(services, m, uri.read(m), readFlags(m))
    },
    t_on_failure: arm('failure'),
    t_on_reply: arm('reply'),
    t_on_branch: arm('branch'),
  }
}

function checkTransaction(services: TmServices, m: RouteContext): number {
  const { message } = m
  if (message.method === 'CANCEL') return inviteOf(services, m) === undefined ? -1 : 1
  if (message.method === 'ACK') return checkAck(services, m)
  if (transactionOf(m) !== null) return 1
  const known = services.tables.servers.find(message)
  if (known === undefined) return -1
  known.server?.receiveRequest()
  return 0
}

function checkAck(services: TmServices, m: RouteContext): number {
  const acknowledged = ackOf(services, m)
  if (acknowledged !== undefined) return acknowledged.isLocal ? 1 : -2
  return services.tables.servers.find(m.message) === undefined ? -1 : 1
}

/** 2.x wrote the destination first; the two are told apart by what they look like. */
function buildRelay(services: TmServices, first: Arg<string> | undefined, second: Arg<string> | undefined) {
  for (const given of [first, second]) if (given?.constant !== undefined) checkRelayArgument(given, given.constant)
  return (m: RouteContext) => {
    let flags = 0
    let destination: string | null = null
    for (const given of [first, second]) {
      const text = given?.read(m) ?? ''
      if (text === '') continue
      const bits = parseRelayFlags(text)
      if (bits === null) destination = text
      else flags |= bits
    }
    return relay(services, m, { flags, destination })
  }
}

function checkRelayArgument(given: Arg<string>, text: string): void {
  if (text === '' || parseRelayFlags(text) !== null || /[:.]/.test(text)) return
  given.reject(
    `"${text}" is neither a flag nor a destination: expected ${RELAY_FLAG_NAMES.join(', ')}, or proto:host:port`,
  )
}

function flagReader(flags: Arg<string>): (m: RouteContext) => number {
  if (flags.constant !== undefined && parseRelayFlags(flags.constant) === null)
    flags.reject(`unknown flag in "${flags.constant}": expected ${RELAY_FLAG_NAMES.join(', ')}`)
  return m => parseRelayFlags(flags.read(m)) ?? 0
}

const ROUTE_KINDS = { failure: 'failure', reply: 'onreply', branch: 'branch' } as const

function armRoute(services: TmServices, what: keyof typeof ROUTE_KINDS, name: Arg<string>) {
  const kind = ROUTE_KINDS[what]
  const { constant } = name
  const find = (text: string): Step | null | undefined => (isReset(text) ? null : services.script.route(kind, text))
  // A constant name means the route of the same generation, also when the routes are reloaded meanwhile.
  const fixed = constant === undefined ? undefined : find(constant)
  if (constant !== undefined && fixed === undefined) name.reject(`there is no ${kind}_route[${constant}]`)
  return (m: RouteContext): number => {
    const text = name.read(m)
    const step = constant === undefined ? find(text) : fixed
    if (step === undefined) {
      services.log.error('no such route to arm', { kind, name: text })
      return -1
    }
    const link = linkOf(m)
    if (what === 'reply' && m.kind === 'branch' && link.branch !== null) link.branch.replyRoute = step
    else if (link.transaction === null) link.armed = { ...link.armed, [what]: step }
    else link.transaction.routes = { ...link.transaction.routes, [what]: step }
    return 1
  }
}

function isReset(name: string): boolean {
  return name === '' || name === '0'
}
