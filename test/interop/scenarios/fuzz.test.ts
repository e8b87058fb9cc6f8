import { expect, it } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { MESSAGES, mutate, randomFrom } from '../../torture/mutate.ts'
import { B4, TCP } from './base-scripts.ts'
import { roundTrip, Stream, startScenario, until } from './rig.ts'

/** Looks at everything and changes something everywhere. */
const SCRIPT = `${B4}${TCP}
loadmodule "textops.so"
modparam("rr", "append_fromtag", 1)
route {
    force_rport();
    if (!mf_process_maxfwd_header(10)) { send_reply(483, "Too Many Hops"); exit; }
    xlog("$rm $ru $fu $tu $ci $cs $si $sp $ua $ct $rb $rd $rU $fU $tU $fn $tn $fd $td $ft $tt $hdr(Via)\\n");
    xlog("$hdr(Contact) $(hdr(Via)[-1]) $(ru{uri.params}) $(ct{nameaddr.uri}) $(fu{uri.user}) $ml $ad $au $ar $aU\\n");
    xlog("$du $rp $rP $dd $dp $cl $cT $(hdr(Route)) $di $dir $oU $ou $od $op $re $pd $pn $pp $pu $pU\\n");
    sipmsg_validate("hrs");
    has_totag();
    remove_hf("Warning");
    has_body("application/sdp");
    if (is_method("REGISTER")) { save("location"); is_registered("location"); exit; }
    record_route();
    loose_route();
    append_hf("X-A: b\\r\\n", "Call-ID");
    search("foo");
    replace("x", "y");
    if (is_method("CANCEL")) { t_check_trans(); t_relay(); exit; }
    lookup("location");
    $du = "sip:127.0.0.1:@NEXT@";
    t_on_failure("f");
    t_on_reply("r");
    t_on_branch("b");
    if (!t_relay()) sl_reply_error();
    exit;
}
branch_route[b] { append_hf("X-B: 1\\r\\n"); $ru = $ru; }
onreply_route[r] { xlog("$rs $rr $(<request>ru) $ct\\n"); remove_hf("Server"); }
onreply_route { xlog("any $rs\\n"); }
failure_route[f] { xlog("$T_reply_code $(<reply>rs)\\n"); if (t_check_status("4..")) t_reply(480, "Failed"); }
`
const ROUNDS = 2000
const STATUSES = [100, 180, 200, 302, 401, 404, 486, 503, 603]

it('mutated messages and replies, over UDP and TCP, leave a whole proxy alive and without transactions', async () => {
  const random = randomFrom(3261)
  const [next, sender] = await Promise.all([SipUa.open('next'), SipUa.open('sender')])
  const scenario = await startScenario(SCRIPT, { NEXT: next.port })
  const answer = (request: SipMessage): void => {
    const reply = Buffer.from(next.makeReply(request, STATUSES[random(STATUSES.length)] ?? 200, 'Any'))
    next.send(random(3) === 0 ? mutate(reply, random) : reply, scenario.port)
  }
  let stream = await Stream.open(scenario.port)
  let answered = 0
  for (let round = 0; round < ROUNDS; round++) {
    // Each with a branch of its own, or all would be retransmissions.
    const original = MESSAGES[round % MESSAGES.length]?.toString('latin1').replace(/z9hG4bK/g, `$&${round}x`) ?? ''
    const bytes = mutate(Buffer.from(original, 'latin1'), random)
    sender.send(bytes, scenario.port)
    if (random(5) === 0) stream.write(bytes)
    if (round % 20 < 19) continue
    await roundTrip(sender, scenario.port)
    for (const message of next.received.slice(answered))
      if (message.isRequest && message.method !== 'ACK') answer(message)
    answered = next.received.length
    if (stream.isClosed) stream = await Stream.open(scenario.port)
  }
  await roundTrip(sender, scenario.port)
  expect(next.received.length).toBeGreaterThan(100)
  expect(next.received.filter(message => message.fault !== null)).toEqual([])
  expect(scenario.log.filter(line => /(ERROR|CRITICAL):/.test(line) && !line.includes('xlog_buf_size'))).toEqual([])
  await scenario.clock.advance(400_000)
  await until(() => stream.isClosed)
  expect(scenario.stat('inuse_transactions')).toBe(0)
})
