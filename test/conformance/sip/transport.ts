import { type SipStatement, say } from './statement.ts'

const NET = 'sip/net/network.test.ts'
const FLOWS = 'interop/scenarios/call-flows.test.ts'
const CONDUCT = 'interop/scenarios/30-conduct.test.ts'
const RECEIVE = 'proxy/receive.test.ts'
const FORWARD = 'proxy/forward.test.ts'
const RESOLVE = 'sip/net/resolve.test.ts'

/** Transport, Via, DNS and keepalives. */
export const transportStatements: readonly SipStatement[] = [
  say(
    '2.1',
    'RFC 3261 §18.2.1',
    'The top Via of a request gets `received` when its sent-by is not where the request came from.',
    [
      FORWARD,
      'is stamped with the source when its Via says otherwise, also where the sender wrote a `received` itself',
    ],
  ),
  say(
    '2.2',
    'RFC 3581 §4',
    'An empty `rport` gets the source port, and `received` with it; force_rport() does the same unasked.',
    [FLOWS, 'received and rport are stamped on the Via of the request, and replies go to the source port'],
    [FORWARD, 'is stamped with the port as well after force_rport'],
  ),
  say(
    '2.3a',
    'RFC 3261 §18.2.2, RFC 3581 §4',
    'A reply to a datagram goes to maddr, else to received, else to sent-by; to the source port with rport, else to the port of the Via.',
    [RECEIVE, 'is answered where RFC 3261 §18.2.2 and RFC 3581 say'],
  ),
  say(
    '2.3b',
    'RFC 3261 §18.2.2',
    'A reply goes back over the connection of its request, or over a new one where that is gone.',
    [FORWARD, 'brings the reply of a request over TCP back over its connection'],
    [FLOWS, 'the reply to a request whose connection has gone comes over a new one to its Via'],
  ),
  say(
    '2.3c',
    'RFC 3581 §4',
    'A reply leaves from the address and port that the request arrived on.',
    [NET, 'receives a datagram with its source, and sends one back from the same socket'],
    ['interop/scenarios/proxy-conduct.test.ts', 'a reply leaves from the socket its request arrived on'],
  ),
  say(
    '2.4',
    'RFC 3261 §18.1.1, §16.6 step 8',
    'Our Via shows the sending socket, or its advertised address, and a branch with the cookie; rport where asked for.',
    [FORWARD, 'puts our Via on top, adds Max-Forwards, and leaves the rest as it came'],
    [FORWARD, 'gets rport into our Via with add_local_rport'],
    [FORWARD, 'shows the advertised address: of the message, else of the socket, else of the script'],
  ),
  say(
    '2.5',
    'RFC 3261 §16.7 steps 1 and 3',
    'A reply whose top Via is not ours is dropped with check_via; one that has no other Via goes nowhere.',
    [RECEIVE, 'is stopped by disable_stateless_fwd, by check_via, and by having no other Via'],
    [CONDUCT, 'with check_via=1 a reply whose top Via is ours is forwarded by the second'],
  ),
  say(
    '2.6',
    'RFC 3261 §18.1.1',
    'The transport is that of the URI or socket, whatever the size: a datagram of more than 1300 bytes is sent as one.',
    ['interop/scenarios/proxy-conduct.test.ts', 'a request of several thousand bytes goes on over UDP as it came'],
  ),
  say(
    '2.7a',
    'RFC 3261 §18.3, §7.5',
    'On a stream messages are told apart by Content-Length, however segments cut or join them.',
    [NET, 'receives messages cut and joined at will'],
    [CONDUCT, 'a message may be cut anywhere'],
    [CONDUCT, 'one segment may hold several messages'],
  ),
  say(
    '2.7b',
    'RFC 3261 §18.3',
    'A stream that is not SIP, or cannot be framed, is closed.',
    [NET, 'closes without a word on what is not SIP'],
    ['interop/scenarios/proxy-conduct.test.ts', 'a stream whose headers do not end is closed at the limit'],
    [RECEIVE, 'is answered over its connection, which then ends, when the stream cannot be framed'],
  ),
  say(
    '2.8',
    'RFC 3261 §18',
    'A message that does not become complete in tcp_max_msg_time closes its connection, and so does idleness; messages prolong it.',
    [CONDUCT, 'a message that does not become complete in 4 s closes the connection'],
    [NET, 'closes a connection that is idle for tcp_connection_lifetime; each message and ping prolongs it'],
  ),
  say(
    '2.9',
    'RFC 3261 §18.1.1, RFC 5923',
    'A connection to the same address, port and protocol is used again, an alias too where that is on.',
    [NET, 'opens one connection to a peer and uses it again'],
    [NET, 'uses an incoming connection for its peer, by address and by alias (RFC 5923)'],
  ),
  say(
    '2.10',
    'RFC 3261 §16.9, §8.1.3.1',
    'A connection that fails counts as 503 for its branch, and the next address is tried.',
    [FLOWS, 'a contact whose port refuses connections counts as 503, and the other phone of bob still rings'],
    ['modules/tm/timeout.test.ts', 'over TCP is tried at the next one when the connection fails'],
  ),
  say(
    '2.11',
    'RFC 3261 §26.2.2',
    'A request with a sips Request-URI is never sent without TLS.',
    [FORWARD, 'never sends a sips request over UDP (RFC 3261 §26.2.2)'],
    [RESOLVE, 'sends sips over TLS services only'],
  ),
  say(
    '2.12a',
    'RFC 3263 §4.1',
    'A numeric host is taken as it is, with a port only addresses are asked for, else NAPTR, SRV and addresses in that order.',
    [RESOLVE, 'asks for addresses alone when a port is given'],
    [RESOLVE, 'follows NAPTR by order, then SRV by priority'],
    ['interop/scenarios/dns-failover.test.ts', 'NAPTR chooses the transport, SRV the port: the request goes over TCP'],
  ),
  say(
    '2.12b',
    'RFC 3263 §4.3',
    'On 503, timeout or transport error the next server is tried, before a failure_route.',
    ['modules/tm/timeout.test.ts', 'is tried at the next one after a timeout, before the failure_route'],
    [
      'interop/scenarios/dns-failover.test.ts',
      'every server fails: the failure route runs once, and the caller gets one answer',
    ],
  ),
  say(
    '2.12c',
    'RFC 2782',
    'Servers of one priority are drawn in proportion to their weights, stateless requests always alike.',
    [RESOLVE, 'draws among SRV records of one priority by weight, the same way for the same chance'],
    [
      'interop/scenarios/dns-failover.test.ts',
      'SRV weights: of two servers the heavier one gets its share of many requests',
    ],
  ),
  say(
    '2.13',
    'RFC 3261 §18.3',
    'Datagrams that are too short, or nothing but NULs and line ends, are ignored.',
    [NET, 'ignores short datagrams, and those of NULs and line ends only'],
    [CONDUCT, 'empty UDP datagrams are ignored'],
  ),
  say(
    '2.14',
    'RFC 3261 §18.4',
    'An ICMP error is taken for a transport error (optional). Sockets are shared by all peers and not connected, so none is seen; the timer ends the branch.',
  ),
  say(
    '12.1',
    'RFC 5626 §4.4.1',
    'On a stream two line ends are answered with one, a single one is nothing.',
    [NET, 'answers CRLFCRLF with CRLF'],
    [CONDUCT, 'on TCP two line ends are answered with one, and one line end is not answered'],
  ),
  say(
    '12.2',
    'RFC 5626 §4.4.2',
    'Empty datagrams and STUN are no requests and get no answer.',
    [CONDUCT, 'empty UDP datagrams are ignored'],
    ['interop/scenarios/proxy-conduct.test.ts', 'a STUN request to the SIP port gets no answer'],
  ),
  say('12.3', 'RFC 3261 §11.2', 'OPTIONS to the proxy itself is answered with 200 and what it supports.', [
    'modules/options/options.test.ts',
    'answers OPTIONS to the proxy with what it supports',
  ]),
]
