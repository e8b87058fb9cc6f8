import { type SipStatement, say } from './statement.ts'

const FAULT = 'sip/codec/fault.test.ts'
const FAULT_TABLE = [FAULT, '%s owes %d, answerable %j: %j'] as const
const MESSAGE = 'sip/codec/message.test.ts'
const TORTURE = 'torture/rfc4475.test.ts'
const TORTURE_TABLE = [TORTURE, '%s is treated as its row says'] as const
const PROXY_TORTURE = [
  'interop/scenarios/torture.test.ts',
  '%s is relayed with every header, its body and its Request-URI as they came',
] as const

/** Syntax of messages, the torture messages, and limits. */
export const messageStatements: readonly SipStatement[] = [
  say(
    '1.1',
    'RFC 3261 §7.1',
    'A request line is method, URI and version with one blank between; another version is owed 505.',
    FAULT_TABLE,
    [MESSAGE, 'reads a request line'],
  ),
  say(
    '1.2',
    'RFC 3261 §7.2',
    'A status line has three digits from 100 to 699; its phrase may be empty or UTF-8 and is passed on as it came.',
    [MESSAGE, 'reads a status line, its method from CSeq'],
    ['interop/scenarios/torture.test.ts', '%s: the status line reaches the caller byte by byte'],
    ['proxy/receive.test.ts', 'that is malformed is dropped: RFC 4475 %s'],
  ),
  say(
    '1.3',
    'RFC 3261 §7.5',
    'Lines end with CRLF, a bare LF is taken too, and line ends before the start line are passed over.',
    [MESSAGE, 'reads lines that end in a bare LF'],
    [MESSAGE, 'passes over line ends before the start line'],
  ),
  say(
    '1.4',
    'RFC 3261 §7.3.1, §7.3.3',
    'Header names are the same in any case and in their compact form; unknown headers go on unchanged and in order.',
    ['sip/codec/header-id.test.ts', '%s and %s are one header, in any case'],
    [MESSAGE, 'are found by number and by any spelling of the name'],
    PROXY_TORTURE,
  ),
  say(
    '1.5',
    'RFC 3261 §7.3.1',
    'Folded headers are read as one line, and go on as they came where nothing changes them.',
    [TORTURE, 'wsinv: every value is found through folding, case and compact names (§3.1.1.1)'],
    PROXY_TORTURE,
  ),
  say(
    '1.6',
    'RFC 3261 §7.3.1',
    'Values divided by commas are the same as repeated headers, for those headers that are lists.',
    [MESSAGE, 'give Vias over lines and commas, where they stand'],
    [MESSAGE, 'give Routes over lines and commas'],
  ),
  say(
    '1.7',
    'RFC 3261 §25.1',
    'Blanks may stand around colons, semicolons, equals signs and commas.',
    ['sip/codec/params.test.ts', 'takes blanks around names, `=` and values away'],
    [TORTURE, 'wsinv: every value is found through folding, case and compact names (§3.1.1.1)'],
  ),
  say(
    '1.8',
    'RFC 3261 §8.1.1',
    'A request without Via, From, To, Call-ID or CSeq opens no transaction: 400 where it can be answered, else nothing. Without Max-Forwards it is served, and gets one.',
    FAULT_TABLE,
    [MESSAGE, 'without Max-Forwards give -1, and no fault'],
    ['proxy/forward.test.ts', 'puts our Via on top, adds Max-Forwards, and leaves the rest as it came'],
  ),
  say(
    '1.9',
    'RFC 3261 §8.1.1.5',
    'A CSeq number is below 2³¹ and its method that of the request; else 400.',
    FAULT_TABLE,
  ),
  say(
    '1.10a',
    'RFC 3261 §18.3',
    'Bytes of a datagram behind Content-Length are cut off; a datagram that is too short for it is owed 400.',
    FAULT_TABLE,
    [TORTURE, 'dblreq: what stands behind Content-Length is cut off (§3.1.1.8)'],
    ['interop/scenarios/torture.test.ts', 'what follows the first message of a datagram is not processed (dblreq)'],
  ),
  say(
    '1.10b',
    'RFC 3261 §18.3',
    'Without Content-Length a datagram is taken whole, while a stream ends there, after a 400.',
    [MESSAGE, 'takes a datagram without Content-Length as a whole'],
    ['proxy/receive.test.ts', 'is answered over its connection, which then ends, when the stream cannot be framed'],
  ),
  say(
    '1.11',
    'RFC 3261 §20',
    'Without angle brackets, parameters behind a URI are those of the header.',
    [TORTURE, 'cparam01: without brackets the parameter is of the header (§3.3.12)'],
    [TORTURE, 'cparam02: within brackets it is of the URI (§3.3.13)'],
  ),
  say(
    '1.12',
    'RFC 3261 §25.1',
    'Display names may be quoted with escapes, tokens, or absent.',
    ['sip/codec/params.test.ts', 'gives quoted values without quotes, as written through raw'],
    [TORTURE, 'lwsdisp: a display name may touch the bracket (§3.1.1.6)'],
  ),
  say(
    '1.13a',
    'RFC 3261 §19.1.1',
    'sip, sips and tel URIs are read with escaped users, IPv6 references, parameters and headers.',
    ['sip/codec/uri-parse.test.ts', 'reads %j'],
    ['sip/codec/uri-parse.test.ts', 'reads the scheme in any case'],
  ),
  say(
    '1.13b',
    'RFC 3261 §19.1.4',
    'URIs are compared part by part: user exactly, host in any case, escapes by what they stand for, a default port not as an absent one.',
    ['sip/codec/uri-compare.test.ts', '%s is %s'],
    ['sip/codec/uri-compare.test.ts', '%s is not %s'],
  ),
  say(
    '1.14',
    'RFC 3261 §16.3',
    'A Request-URI of an unknown scheme is owed 416 once it is to be forwarded.',
    TORTURE_TABLE,
    [
      'interop/scenarios/proxy-conduct.test.ts',
      'a Request-URI of an unknown scheme is answered with 416 when it is relayed',
    ],
  ),
  say(
    '1.15',
    'RFC 3261 §7.3.1',
    'Headers that may stand once are owed 400 when repeated; a repeated Content-Length only where the values differ.',
    FAULT_TABLE,
    ['sip/codec/write.test.ts', 'is right in each of several equal ones'],
  ),
  say(
    '1.16',
    'RFC 3261 §7.4',
    'Bodies are bytes: they pass unchanged, multipart bodies included.',
    [TORTURE, 'mpart01: the body is kept byte for byte (§3.1.1.11)'],
    ['interop/scenarios/call-flows.test.ts', 'bodies pass byte by byte in both directions'],
  ),
  say(
    '13',
    'RFC 4475',
    'Each of the 49 torture messages is treated as the checklist says, by the codec and by a whole proxy, which survives them all.',
    TORTURE_TABLE,
    PROXY_TORTURE,
    ['interop/scenarios/torture.test.ts', 'all of them, one after the other on one proxy, leave it alive'],
  ),
  say(
    '13.badbranch',
    'RFC 4475 §3.2.1',
    'A branch that is nothing but the cookie has no meaning: such requests are matched as RFC 2543 says.',
    ['sip/tx/matching.test.ts', 'treats the bare cookie as no cookie (RFC 4475 §3.2.1)'],
  ),
  say('13.bcast', 'RFC 4475 §3.3.10', 'A reply that would go to a broadcast address goes nowhere.', [
    'proxy/receive.test.ts',
    'is never sent to a broadcast address: RFC 4475 bcast',
  ]),
  say(
    '13.inv2543',
    'RFC 4475 §3.4.1',
    'A request of RFC 2543 without branch, tag and Max-Forwards is relayed and gets a Max-Forwards.',
    ['interop/scenarios/torture.test.ts', 'inv2543 gets a Max-Forwards on its way'],
    ['interop/scenarios/torture.test.ts', '%s, whose branch says nothing, is matched by its other fields'],
  ),
  say('14.1', 'RFC 3261 §21.5.14', 'A message over the limit of the script is answered with 513.', [
    'interop/scenarios/04-classic-script.test.ts',
    'a message of 65535 bytes over TCP gets the 513 of the script, a shorter one goes on',
  ]),
  say(
    '14.2',
    'RFC 3261 §7.3',
    '70 Vias, 200 headers and a header line of 64 KiB are read whole and in order.',
    ['torture/fuzz.test.ts', '70 Vias and 200 headers are all read, in order'],
    ['torture/fuzz.test.ts', 'a header line of 64 KiB is read whole'],
  ),
  say(
    '14.3',
    'RFC 3261 §8.2',
    'What is malformed is counted, answered with a reason where that is possible, and otherwise dropped.',
    ['proxy/receive.test.ts', 'is counted by what is wrong: its URI or its headers'],
    FAULT_TABLE,
  ),
  say(
    '14.4',
    'RFC 4475 §1',
    'Mutated messages neither stop the proxy nor stay in its memory.',
    ['torture/fuzz.test.ts', 'never make the codec throw, nor write more than they brought'],
    [
      'interop/scenarios/fuzz.test.ts',
      'mutated messages and replies, over UDP and TCP, leave a whole proxy alive and without transactions',
    ],
  ),
  say(
    '14.5',
    'RFC 3261 §17',
    'No transaction outlives its timers, and inuse_transactions tells how many there are.',
    [
      'interop/scenarios/cross-rules.test.ts',
      'a hundred registrations and a hundred calls leave neither transactions nor errors',
    ],
    ['modules/tm/absorption.test.ts', 'is logged, and released after wt_timer'],
  ),
  say(
    '14.6',
    'RFC 3261 §17.1.1.3, §8.2.7',
    'An ACK is never answered, a reply neither.',
    ['proxy/receive.test.ts', 'of method ACK is never answered'],
    ['modules/tm/absorption.test.ts', 'gets no reply'],
    ['interop/scenarios/proxy-conduct.test.ts', 'a reply is never answered, whatever is wrong with it'],
  ),
  say(
    '14.7',
    'RFC 3261 §18.1.1',
    'Nothing is sent to multicast or broadcast addresses.',
    ['sip/net/network.test.ts', 'refuses to send to %s'],
    ['sip/net/resolve.test.ts', 'never gives a multicast address that DNS gives'],
  ),
]
