import { type SipStatement, say } from './statement.ts'

const IS = 'sip/tx/invite-server.test.ts'
const IC = 'sip/tx/invite-client.test.ts'
const NS = 'sip/tx/non-invite-server.test.ts'
const NC = 'sip/tx/non-invite-client.test.ts'
const MATCH = 'sip/tx/matching.test.ts'
const ABSORB = 'modules/tm/absorption.test.ts'
const CANCEL = 'modules/tm/cancel.test.ts'
const RACES = 'interop/scenarios/23-cancel-races.test.ts'
const CONDUCT = 'interop/scenarios/30-conduct.test.ts'
const FLOWS = 'interop/scenarios/call-flows.test.ts'
const TIMEOUT = 'modules/tm/timeout.test.ts'

/** Transactions, CANCEL and ACK. */
export const transactionStatements: readonly SipStatement[] = [
  say('3.1', 'RFC 3261 §17.2.1', 'An INVITE gets a 100 at once, when its transaction opens.', [
    'interop/scenarios/proxy-conduct.test.ts',
    'an INVITE gets a 100 before it is sent on',
  ]),
  say(
    '3.2',
    'RFC 3261 §17.2.1',
    'A repeated INVITE gets the last provisional reply again.',
    [IS, 'sends the most recent provisional response again for a retransmission (RFC 3261 §17.2.1)'],
    [ABSORB, 'get the last provisional reply again'],
  ),
  say(
    '3.3a',
    'RFC 6026 §7.1',
    'After a 2xx repeated INVITEs are absorbed until timer L.',
    [IS, 'absorbs retransmitted INVITEs without sending anything (RFC 6026 §7.1)'],
    [IS, 'a 2xx starts timer L, whose end is the end (RFC 6026 §7.1), reliable %s'],
  ),
  say(
    '3.3b',
    'RFC 3261 §13.3.1.4, §16.7',
    'Repeated 2xx go from end to end.',
    [FLOWS, 'its 200 is repeated by the callee until the ACK comes, and each one reaches the caller'],
    ['modules/tm/forking.test.ts', 'of a second branch is passed on too, and so are repetitions'],
  ),
  say(
    '3.4a',
    'RFC 3261 §17.2.1',
    'Over UDP a negative final reply is repeated from T1 to T2 until the ACK, or until timer H ends the transaction.',
    [IS, 'timer G repeats the response at T1, doubling to T2, until timer H (RFC 3261 §17.2.1)'],
    [CONDUCT, 'without an ACK the 486 is repeated by itself, each time later'],
    [ABSORB, 'of a negative reply that never comes ends the transaction after fr_timeout (RFC 3261 §17.2.1)'],
  ),
  say(
    '3.4b',
    'RFC 3261 §17.2.1',
    'The ACK ends the repetition; timer I follows over UDP and not over TCP.',
    [IS, 'an ACK leads to Confirmed and stops timers G and H (RFC 3261 §17.2.1)'],
    [IS, 'timer I is zero on reliable transports: the ACK ends it (RFC 3261 §17.2.1)'],
    [ABSORB, 'of a negative reply is absorbed, and ends its repetition (RFC 3261 §17.2.1)'],
  ),
  say(
    '3.5',
    'RFC 3261 §17.2.1',
    'A repeated INVITE gets the final reply again; further ACKs are absorbed.',
    [IS, 'a retransmitted INVITE gets the response again (RFC 3261 §17.2.1)'],
    [IS, 'absorbs further ACKs and INVITEs until timer I (RFC 3261 §17.2.1)'],
  ),
  say(
    '3.6',
    'RFC 3261 §17.2.2',
    'Repeated requests other than INVITE are ignored before a reply, and get the last reply after it, until timer J.',
    [NS, 'discards retransmissions in Trying (RFC 3261 §17.2.2)'],
    [NS, 'a provisional response leads to Proceeding and is sent again for a retransmission (RFC 3261 §17.2.2)'],
    [NS, 'sends the final response again for a retransmission in Completed (RFC 3261 §17.2.2)'],
    [CONDUCT, 'a repeated non-INVITE request gets the same final reply and no script runs'],
  ),
  say(
    '3.7',
    'RFC 4320 §4.2',
    'A request other than INVITE that nobody answers gets a 408 from here, as scripts expect; RFC 4320 would have none sent.',
    ['interop/scenarios/proxy-conduct.test.ts', 'a request other than INVITE that nobody answers ends with 408'],
  ),
  say('3.7b', 'RFC 4320 §4.2', 'With non_invite_408=0 of tm that 408 is kept back, and one received is too.', [
    'interop/scenarios/proxy-conduct.test.ts',
    'with non_invite_408=0 it ends without a word, and so does one whose branch says 408',
  ]),
  say(
    '3.8a',
    'RFC 3261 §17.2.3',
    'Requests are matched by branch, sent-by and method, an ACK with its INVITE.',
    [MATCH, 'finds a retransmission'],
    [MATCH, 'finds the INVITE of an ACK, whatever its To tag'],
  ),
  say(
    '3.8b',
    'RFC 3261 §17.2.3',
    'Without the cookie they are matched by Request-URI, tags, Call-ID, CSeq and top Via.',
    [MATCH, 'finds a retransmission by Request-URI, tags, Call-ID, CSeq and top Via'],
    [ABSORB, 'have their retransmissions and ACKs matched without a branch'],
  ),
  say(
    '3.9',
    'RFC 3261 §8.2.2.2',
    'Merged requests are a matter of the user agent: the same request with another branch is served again.',
    ['interop/scenarios/proxy-conduct.test.ts', 'the same request with another branch is another transaction'],
  ),
  say(
    '4.1',
    'RFC 3261 §17.1.1.2',
    'Over UDP an INVITE is repeated at doubling distances until a reply or timer B; over TCP it is not repeated, but ends alike.',
    [IC, 'timer A repeats the INVITE, doubling to T2, until timer B (RFC 3261 §17.1.1.2)'],
    [IC, 'timer A does not run on reliable transports, timer B does (RFC 3261 §17.1.1.2)'],
    [FLOWS, 'an INVITE nobody answers is repeated at doubling distances, until a provisional reply'],
  ),
  say(
    '4.2',
    'RFC 3261 §16.6 step 11, §16.7 step 2',
    'A provisional reply stops the repetition and starts timer C, which each further one starts anew.',
    [IC, 'a provisional response stops timers A and B and is passed up (RFC 3261 §17.1.1.2)'],
    [TIMEOUT, 'starts anew with each provisional reply'],
  ),
  say(
    '4.3',
    'RFC 3261 §17.1.1.3',
    'A negative final reply to INVITE is acknowledged by the transaction, each repetition too, with the branch, Request-URI and Routes of the INVITE.',
    [IC, 'acknowledges each retransmission without passing it up, until timer D (RFC 3261 §17.1.1.2)'],
    [
      'sip/codec/write.test.ts',
      'ACK has the branch and Routes of the INVITE and the To of the reply (RFC 3261 §17.1.1.3)',
    ],
    [
      'interop/scenarios/proxy-conduct.test.ts',
      'the ACK it sends for a refusal has what the INVITE it sent has, and the To of the refusal',
    ],
  ),
  say('4.4', 'RFC 6026 §7.2', 'A 2xx is passed up; later ones are too, until timer M.', [
    IC,
    'a 2xx leads to Accepted (RFC 6026 §7.2)',
  ]),
  say(
    '4.5',
    'RFC 3261 §17.1.2.2',
    'Other requests are repeated from T1 to T2, at T2 after a provisional reply, until timer F; timer K absorbs repeated replies.',
    [NC, 'timer E repeats the request, doubling to T2, until timer F (RFC 3261 §17.1.2.2)'],
    [NC, 'a provisional response leads to Proceeding, where timer E runs every T2 and F goes on (RFC 3261 §17.1.2.2)'],
    [NC, 'absorbs response retransmissions in Completed (RFC 3261 §17.1.2.2)'],
  ),
  say(
    '4.6',
    'RFC 3261 §16.9',
    'A transport error counts as 503.',
    [IC, 'a transport error ends it (RFC 3261 §17.1.1.2 and figure 5)'],
    [FLOWS, 'when the only contact refuses connections the failure route sees 503 and the caller gets it'],
  ),
  say(
    '4.7',
    'RFC 3261 §17.1.3',
    'Replies are matched by branch and CSeq method: that of a CANCEL is not that of its INVITE.',
    [MATCH, 'goes by branch and CSeq method: the 200 of a CANCEL is not the 200 of its INVITE'],
  ),
  say(
    '4.8',
    'RFC 3261 §16.7',
    'A reply without transaction goes on by its second Via, unless that is switched off.',
    ['proxy/receive.test.ts', 'that matches nothing goes on by its second Via'],
    ['proxy/receive.test.ts', 'is stopped by disable_stateless_fwd, by check_via, and by having no other Via'],
    ['modules/tm/forking.test.ts', 'that comes when the transaction is gone goes on by its Via'],
  ),
  say(
    '7.1',
    'RFC 3261 §9.1',
    'A CANCEL has the Request-URI, Call-ID, To, From, CSeq number and branch of its request, and a single Via.',
    ['sip/codec/write.test.ts', 'CANCEL has the branch and the To of the request (RFC 3261 §9.1)'],
    [
      'interop/scenarios/proxy-conduct.test.ts',
      'the CANCEL it sends has what the INVITE it sent has, and a single Via',
    ],
  ),
  say(
    '7.2',
    'RFC 3261 §9.1, §9.2',
    'A CANCEL that finds its INVITE gets 200 at once; each branch is cancelled after its first provisional reply.',
    [RACES, 'a CANCEL before any provisional reply waits for the first one, then goes out at once'],
    [CANCEL, 'before any provisional reply is held back until the first one (§9.1)'],
  ),
  say(
    '7.3',
    'RFC 3261 §9.1',
    'The INVITE ends with 487 once its branches have; a 2xx that was faster wins.',
    [RACES, 'a 200 after the CANCEL went out wins over it'],
    [RACES, 'a callee who never answers the CANCEL is waited for, and the caller gets his 487 in the end'],
    [CANCEL, 'that crosses a 200 is answered, and the 200 wins (§9.2)'],
  ),
  say(
    '7.4',
    'RFC 3261 §16.10',
    'A CANCEL that finds nothing is left to the script: dropped, answered, or relayed without state.',
    [RACES, 'a CANCEL of an unknown transaction is left to the script, which drops it'],
    [RACES, 'a CANCEL of an unknown transaction that the script relays goes on without a reply from here'],
  ),
  say('7.5', 'RFC 3326', 'The Reason of a CANCEL goes on only where that is asked for.', [
    CANCEL,
    'passes its Reason on when asked for, and what t_add_cancel_reason adds (RFC 3326)',
  ]),
  say('7.6', 'RFC 3261 §17.2.2', 'A repeated CANCEL gets its 200 again, and the callee no second CANCEL.', [
    CANCEL,
    'that is repeated gets the same 200, and Bob one CANCEL (§17.2.2)',
  ]),
  say('7.7', 'RFC 3261 §9.2', 'A CANCEL after the final reply gets 200 and goes no further.', [
    CANCEL,
    'after the 200 is answered and goes no further (§9.2)',
  ]),
  say(
    '8.1',
    'RFC 3261 §17.2.1',
    'The ACK of a negative reply goes one hop: the transaction that sent the reply absorbs it.',
    [ABSORB, 'of a negative reply is absorbed, and ends its repetition (RFC 3261 §17.2.1)'],
  ),
  say(
    '8.2',
    'RFC 3261 §17.1.1.3, §13.2.2.4',
    'The ACK of a 2xx is relayed along its Route set with a branch of its own and no transaction.',
    [CONDUCT, 'the ACK of a 200 is relayed with a branch of its own and opens no transaction'],
  ),
  say('8.3', 'RFC 3261 §13.3.1.4', 'The ACK of a 2xx made here is absorbed.', [
    ABSORB,
    'of a 200 made here is absorbed by its To tag',
  ]),
  say('8.4', 'RFC 3261 §8.2.7', 'The ACK of a stateless negative reply is known by its To tag and absorbed.', [
    'modules/sl.test.ts',
    'absorbs the ACK of its answer before the script, and no other (scenario 30c)',
  ]),
  say(
    '8.5',
    'RFC 3261 §16.10',
    'An ACK without state reaches the script, and is relayed as it says.',
    [ABSORB, 'of a relayed 200 runs the script, is known as such, and goes on without a transaction'],
    ['interop/scenarios/proxy-conduct.test.ts', 'an ACK that belongs to nothing is relayed as the script says'],
  ),
  say(
    '15.B',
    'RFC 3261 §17.1.1.2, §17.1.2.2',
    'fr_timeout stands for timers B, F and H.',
    [TIMEOUT, 'ends an INVITE without any reply with 408, without a CANCEL'],
    [TIMEOUT, 'ends other requests whatever provisional replies came (RFC 3261 §17.1.2.2)'],
  ),
  say('15.C', 'RFC 3261 §16.8', 'fr_inv_timeout stands for timer C.', [
    TIMEOUT,
    'cancels a ringing branch, with the reason, and ends it with 408',
  ]),
  say('15.D', 'RFC 3261 §17.1.1.2, §17.2.2', 'wt_timer stands for timers D, I, J, K, L and M.', [
    CONDUCT,
    'a repeated INVITE gets the last reply again and no script runs; after the wait time it is a new one',
  ]),
]
