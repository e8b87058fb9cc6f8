import { Edits } from '../sip/codec/edits.ts'
import { SipMessage } from '../sip/codec/message.ts'
import type { ListenSocket, Origin } from '../sip/net/endpoint.ts'
import type { Value } from '../util/spec.ts'
import { AvpStore } from './avp.ts'
import { RouteContext, type RouteKind, target } from './context.ts'

const URI = 'sip:user@dummy.com'

/** The request that routes see which no message started (script reference, routes). */
const TEXT = [
  `DUMMY ${URI} SIP/2.0`,
  'Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKdummy',
  'To: <sip:to@dummy.com>',
  'From: <sip:from@dummy.com>;tag=1',
  'Call-ID: dummy-1',
  'CSeq: 1 DUMMY',
  'Content-Length: 0',
  '\r\n',
].join('\r\n')

const SOCKET: ListenSocket = {
  proto: 'udp',
  address: '127.0.0.1',
  port: 5060,
  advertisedHost: null,
  advertisedPort: null,
  tag: null,
  text: 'udp:127.0.0.1:5060',
}
const ORIGIN: Origin = { proto: 'udp', address: '127.0.0.1', port: 5060, socket: SOCKET, connectionId: 0 }

/** One for all: messages never change, and an event route runs on it for every event. */
const MESSAGE = parseDummy()

function parseDummy(): SipMessage {
  const message = SipMessage.parse(Buffer.from(TEXT))
  if (message === null) throw new TypeError('the dummy request cannot be parsed')
  return message
}

/** A fresh context on the dummy request, with its own AVPs, for code that no message started. */
export function dummyContext(kind: RouteKind, varCount: number): RouteContext {
  return new RouteContext({
    kind,
    message: MESSAGE,
    origin: ORIGIN,
    target: target(URI),
    edits: new Edits(),
    avps: new AvpStore(),
    vars: new Array<Value>(varCount).fill(null),
  })
}
