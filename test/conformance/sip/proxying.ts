import { type SipStatement, say } from './statement.ts'

const FORWARD = 'proxy/forward.test.ts'
const FORKING = 'modules/tm/forking.test.ts'
const PARALLEL = 'interop/scenarios/21-parallel-forking.test.ts'
const LOOSE = 'modules/rr/loose-route.test.ts'
const RECORD = 'modules/rr/record-route.test.ts'
const FLOWS = 'interop/scenarios/call-flows.test.ts'
const SAVE = 'modules/registrar/save.test.ts'
const REGISTRAR = 'interop/scenarios/01-registrar.test.ts'
const CONDUCT = 'interop/scenarios/proxy-conduct.test.ts'

/** What the proxy core does with requests and replies: forwarding, forking, loops, routing, registrations. */
export const proxyingStatements: readonly SipStatement[] = [
  say(
    '5.1',
    'RFC 3261 §16.3',
    'Proxy-Require is left to the script, which can refuse what is not supported with 420.',
    [CONDUCT, 'a script refuses an unknown Proxy-Require with 420 and Unsupported'],
  ),
  say(
    '5.2',
    'RFC 3261 §16.4',
    'Before anything else our own Routes are taken out and what a strict router did is undone.',
    [LOOSE, 'P1 finds itself in the Request-URI and takes the last Route as target'],
    [
      'interop/scenarios/30-conduct.test.ts',
      'what a strict router sent, with us in the request line and the target as last Route, is repaired',
    ],
  ),
  say(
    '5.3',
    'RFC 3261 §16.6',
    'A request goes on with Request-URI, Max-Forwards, Record-Route, further headers, Route, Via and, on streams, Content-Length in place.',
    [FORWARD, 'puts our Via on top, adds Max-Forwards, and leaves the rest as it came'],
    ['sip/codec/write.test.ts', 'is added on a stream, not on a datagram (RFC 3261 §16.6 step 11)'],
    ['sip/codec/write.test.ts', 'replaces the Request-URI, and puts headers behind our Via, before all others'],
  ),
  say('5.4', 'RFC 3261 §19.1.5', 'A URI that becomes the Request-URI loses its headers and its method parameter.', [
    FORWARD,
    'has neither headers nor method in its Request-URI (RFC 3261 §19.1.5)',
  ]),
  say(
    '5.5',
    'RFC 3261 §16.7',
    'The To tag of a relayed reply stays as it is; replies made here have one of our own.',
    [CONDUCT, 'the To tag of a relayed reply stays as it is, also when there is none'],
    ['sip/codec/write.test.ts', 'adds no tag to a To that has one, nor an empty one'],
  ),
  say(
    '5.6',
    'RFC 3261 §16.7 step 5',
    'A 100 stays here, every other provisional reply and every 2xx to INVITE goes on at once.',
    [FORKING, 'of all branches are passed on, 100 is not (RFC 3261 §16.7 step 5)'],
    [FLOWS, 'a 100 of the callee stays here; every other provisional reply goes on'],
    [FORKING, 'is passed on even after a negative final reply was'],
  ),
  say(
    '5.7',
    'RFC 3261 §16.7 step 5',
    'Of the final replies to a request other than INVITE the first 2xx is forwarded.',
    [CONDUCT, 'of two 200s to a forked MESSAGE the caller gets one'],
  ),
  say(
    '5.8',
    'RFC 3261 §16.7 steps 3, 6 and 7',
    'A reply loses our Via; challenges of all branches are joined; a lone 503 becomes 500.',
    ['sip/codec/write.test.ts', 'takes our Via off and keeps all else'],
    [FORKING, 'carries the challenges of all branches when it is a challenge (RFC 3261 §16.7 step 7)'],
    [PARALLEL, 'a 503 of every branch becomes a 500 with the same phrase'],
  ),
  say(
    '5.9',
    'RFC 3261 §16.11',
    'Without state the branch follows from the request, so that retransmissions, CANCEL and ACK go the same way.',
    [FORWARD, 'gives retransmissions, CANCEL and the ACK to a failure the same branch, and others another'],
  ),
  say(
    '5.10',
    'RFC 3261 §16.8',
    'Timer C cancels a branch that has rung, and ends one that never did as a 408.',
    ['modules/tm/timeout.test.ts', 'cancels a ringing branch, with the reason, and ends it with 408'],
    ['modules/tm/timeout.test.ts', 'ends an INVITE without any reply with 408, without a CANCEL'],
  ),
  say('6.1', 'RFC 3261 §16.6', 'Branches differ in their branch parameter and agree in From, To, Call-ID and CSeq.', [
    PARALLEL,
    'each branch has its own branch parameter, and the same Call-ID, From and CSeq',
  ]),
  say(
    '6.2a',
    'RFC 3261 §16.7 step 10',
    'A 2xx cancels the other branches.',
    [PARALLEL, 'a 200 cancels the others because the call was completed elsewhere'],
    [FORKING, 'is passed on at once and cancels the other branches, with the reason'],
  ),
  say(
    '6.2b',
    'RFC 3261 §16.7 step 5',
    'A 6xx cancels what is pending, allows nothing new, and is passed on when the others have ended.',
    [FORKING, 'cancels the other branches and is passed on after their 487'],
    [FORKING, 'allows no new branch'],
  ),
  say(
    '6.3',
    'RFC 3261 §16.7 step 6',
    'The best reply is a 6xx, else of the lowest class, challenges before others; 503 last.',
    [FORKING, 'prefers 401 to 404 and takes the Proxy-Authenticate of the 407 along'],
    [FORKING, 'is 500 rather than 503 and no answer'],
    [FORKING, 'waits for all branches'],
  ),
  say(
    '6.4',
    'RFC 3261 §16.7 step 6',
    'When no branch got a reply the caller gets 408.',
    [CONDUCT, 'a request other than INVITE that nobody answers ends with 408'],
    ['modules/tm/timeout.test.ts', 'ends an INVITE without any reply with 408, without a CANCEL'],
  ),
  say('6.5', 'RFC 3261 §16.7 step 7', 'A chosen 401 or 407 carries the challenges of every branch.', [
    PARALLEL,
    'a chosen 401 carries the challenges of all branches',
  ]),
  say('6.6', 'RFC 3261 §16.7 step 4', 'A redirection is not followed by itself: it goes to the caller.', [
    CONDUCT,
    'a 302 is not followed but passed on',
  ]),
  say('6.7', 'RFC 3261 §13.2.2.4', '2xx of several branches all reach the caller, who can end what it does not want.', [
    PARALLEL,
    'two 200s almost together both reach the caller, who can acknowledge and end both dialogs',
  ]),
  say('9.1', 'RFC 3261 §16.3 step 3', 'Max-Forwards 0 is refused with 483 by the script.', [
    'interop/scenarios/04-classic-script.test.ts',
    'Max-Forwards 0 is refused with 483; without the header it becomes 10',
  ]),
  say(
    '9.2',
    'RFC 3261 §20.22',
    'A Max-Forwards that is no number up to 255 is owed 400.',
    ['sip/codec/fault.test.ts', '%s owes %d, answerable %j: %j'],
    ['torture/rfc4475.test.ts', 'scalar02: the overlarge Max-Forwards is unreadable too (§3.1.2.4)'],
  ),
  say('9.3a', 'RFC 3261 §16.3 step 4', 'A loop ends when Max-Forwards is used up.', [
    FLOWS,
    'a request for ourselves that nothing changes goes round until its Max-Forwards are used up',
  ]),
  say('9.3b', 'RFC 5393 §4.2', 'With loop_guard=1 a loop is answered with 482, and spirals pass.', [
    'interop/abuse/messages.test.ts',
    'with loop_guard a loop ends with 482 when it comes back for the first time, and a spiral is still served',
  ]),
  say(
    '10.1',
    'RFC 3261 §16.6 step 4',
    'Our Record-Route has `lr`, stays in replies, and brings later requests here.',
    [RECORD, 'writes two values, the way out on top, where the sockets differ'],
    [RECORD, 'records both sides on the way, and BYE crosses back with both Routes taken out'],
    [CONDUCT, 'Record-Route has lr, and comes back to the caller in the 180 and the 200'],
  ),
  say(
    '10.2',
    'RFC 3261 §16.12',
    'Our URI on top of Route is taken out; the next Route or the Request-URI says where to go.',
    [LOOSE, 'P2 takes its own Route out and sends to P1, the Request-URI unchanged'],
    [LOOSE, 'P1 takes the last Route out and sends to the Request-URI'],
  ),
  say(
    '10.3',
    'RFC 3261 §16.6 step 6',
    'A strict next hop gets its URI in the request line, and the target at the end of Route.',
    [LOOSE, 'P4 puts the strict router into the Request-URI and the target behind the Routes'],
  ),
  say('10.4', 'RFC 3261 §16.4', 'After a strict router the last Route becomes the Request-URI.', [
    LOOSE,
    'P1 finds itself in the Request-URI and takes the last Route as target',
  ]),
  say(
    '10.5',
    'RFC 5658 §4',
    'Where transport or socket change there are two Record-Routes, taken out together later.',
    [
      'interop/scenarios/sockets.test.ts',
      'of two UDP sockets a phone is called from the one it registered at, and Record-Route names both where they differ',
    ],
    [LOOSE, 'takes both of our Routes out and sends from the socket of the second'],
  ),
  say(
    '10.6',
    'RFC 3261 §16.4',
    'A preloaded Route is honoured as next hop and left to the script to judge.',
    [LOOSE, 'takes a preloaded Route out and gives −1 where nothing else is left (10.6)'],
    [LOOSE, 'follows a preloaded Route that goes on'],
  ),
  say(
    '10.7',
    'RFC 3261 §16.12.1',
    'The examples of the RFC come out as written there.',
    [LOOSE, 'P2 takes its own Route out and sends to P1, the Request-URI unchanged'],
    [LOOSE, 'P4 puts the strict router into the Request-URI and the target behind the Routes'],
  ),
  say(
    '11.1a',
    'RFC 3261 §10.3 steps 5–8',
    'The registrar stores contacts by address of record and answers 200 with all of them.',
    [SAVE, 'answers 200 with the binding and raises AOR_INSERT, then CONTACT_INSERT'],
    [SAVE, 'are stored in order and listed by q'],
  ),
  say(
    '11.1b',
    'RFC 3261 §10.3 step 6',
    '`*` with Expires 0 removes everything, with another Expires it is refused with 400.',
    [SAVE, 'removes everything for "*" with Expires 0'],
    [REGISTRAR, '`*` with another Expires is refused with 400'],
  ),
  say('11.1c', 'RFC 3261 §10.3 step 7', 'With the same Call-ID an older CSeq is refused.', [
    SAVE,
    'takes the CSeq one below for a retransmission for 20 s, then refuses it; two below always',
  ]),
  say(
    '11.2',
    'RFC 3261 §10.3 step 7',
    'An expiry that is too short is raised to min_expires, as in the reference, and not refused with 423.',
    [SAVE, 'stay under max_expires and follow the flags of the call'],
  ),
  say(
    '11.3',
    'RFC 3327 §5',
    'Path is stored and becomes the Route of requests to the contact; without support it is ignored or refused with 420.',
    ['modules/registrar/lookup.test.ts', 'sends to the first Path hop, else to where the registration came from'],
    [SAVE, 'without support is stored silently by lazy and refused with 420 by strict'],
    [FORWARD, 'carries the path as Route headers, before those it had (RFC 3327)'],
  ),
  say('11.4', 'RFC 5626 §6', 'Contacts with +sip.instance are stored with it.', [
    SAVE,
    'holds received_avp, attr_avp, branch flags, methods, instance and the default q',
  ]),
  say(
    '11.5',
    'RFC 5627 §5',
    'GRUUs are given and found where that is switched on.',
    ['modules/registrar/gruu.test.ts', 'a client that supports it gets a public and a temporary one with its instance'],
    ['modules/registrar/gruu.test.ts', 'the public one finds that instance alone, the plain address all'],
  ),
  say('11.6', 'RFC 3261 §10.2.3', 'A REGISTER without Contact lists the bindings.', [
    SAVE,
    'lists the bindings for a REGISTER without Contact',
  ]),
]
