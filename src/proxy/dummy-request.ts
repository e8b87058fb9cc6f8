import { SipMessage } from '../sip/codec/message.ts'
import type { ListenSocket, Origin } from '../sip/net/endpoint.ts'

const DUMMY = `DUMMY sip:user@dummy.com SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1\r
From: <sip:from@dummy.com>;tag=1\r
To: <sip:to@dummy.com>\r
Call-ID: dummy-1\r
CSeq: 1 DUMMY\r
Content-Length: 0\r
\r
`
const NO_SOCKET: ListenSocket = {
  proto: 'udp',
  address: '127.0.0.1',
  port: 5060,
  advertisedHost: null,
  advertisedPort: null,
  tag: null,
  text: 'udp:127.0.0.1:5060',
}

/** The request that routes run on when no message started them (script reference, routes). Shared: never changed. */
export function dummyRequest(): SipMessage {
  const message = SipMessage.parse(Buffer.from(DUMMY))
  if (message === null) throw new Error('the dummy request cannot be parsed')
  return message
}

/** Where the dummy request came from: this host, on the first of our sockets. */
export function dummyOrigin(sockets: readonly ListenSocket[]): Origin {
  const socket = sockets[0] ?? NO_SOCKET
  return { proto: 'udp', address: '127.0.0.1', port: 5060, socket, connectionId: 0 }
}
