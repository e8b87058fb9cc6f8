import type { Host } from '../../module/define.ts'
import { RouteContext, target } from '../../script/context.ts'
import { Edits } from '../../sip/codec/edits.ts'
import { SipMessage } from '../../sip/codec/message.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import { linkOf } from './message-link.ts'
import type { Transaction } from './transaction.ts'

/** What local_request_route and local_reply_route are shown. With neither there is no observer at all. */
export interface Observer {
  /** A request made here has been sent: one of our own, a CANCEL or an ACK. */
  request(t: Transaction, bytes: Buffer, socket: ListenSocket): void
  /** A reply made here has been sent. */
  reply(t: Transaction, bytes: Buffer): void
}

/**
 * The observer for the routes named; null without any. Each runs on a copy of the message as it was sent, with the AVPs of
 * its transaction: what it changes of the message is lost. It belongs to no transaction and opens none, since what is sent
 * from there would be observed in its turn.
 */
export function openObserver(script: Host['script'], requestRoute = '', replyRoute = ''): Observer | null {
  if (requestRoute === '' && replyRoute === '') return null
  const run = (name: string, t: Transaction, bytes: Buffer, socket: ListenSocket): void => {
    const route = name === '' ? undefined : script.route('request', name)
    const message = route === undefined ? null : SipMessage.parse(Buffer.from(bytes))
    if (route === undefined || message === null) return
    void script.run(route, contextOf(script, message, t, socket))
  }
  return {
    request: (t, bytes, socket) => run(requestRoute, t, bytes, socket),
    reply: (t, bytes) => run(replyRoute, t, bytes, t.request.origin.socket),
  }
}

/** Throws an Error when a route that a parameter names is not in the script. */
export function checkObservationRoutes(
  script: Host['script'],
  named: Readonly<Record<string, string | undefined>>,
): void {
  for (const [param, name] of Object.entries(named))
    if (name !== undefined && name !== '' && script.route('request', name) === undefined)
      throw new Error(`${param}: there is no route[${name}] in the script`)
}

function contextOf(script: Host['script'], message: SipMessage, t: Transaction, socket: ListenSocket): RouteContext {
  const { proto, address, port } = socket
  const m = new RouteContext({
    kind: message.isRequest ? 'local' : 'onreply',
    message,
    origin: { proto, address, port, socket, connectionId: 0 },
    target: target(message.isRequest ? message.requestUri : ''),
    edits: new Edits(),
    avps: t.request.avps,
    vars: new Array(script.varCount).fill(null),
  })
  linkOf(m).isObservation = true
  if (!message.isRequest) m.request = t.request
  return m
}
