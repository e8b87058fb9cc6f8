/**
 * A script that looks at everything and changes something everywhere. `@SIP@` is the port of its UDP and TCP sockets,
 * `@NEXT@` that of whom requests are sent to.
 */
export const FULL_SCRIPT = `
socket=udp:127.0.0.1:@SIP@
socket=tcp:127.0.0.1:@SIP@
socket=ws:127.0.0.1:@WS@
log_level=1
xlog_level=1
tcp_connect_timeout=20000
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "signaling.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "sipmsgops.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "dialog.so"
loadmodule "acc.so"
loadmodule "options.so"
loadmodule "mathops.so"
loadmodule "cfgutils.so"
modparam("usrloc", "working_mode_preset", "single-instance-no-db")
modparam("rr", "append_fromtag", 1)
modparam("acc", "extra_fields", "log: ua->ua; from->from")
route {
    force_rport();
    if (!mf_process_maxfwd_header(10)) { send_reply(483, "Too Many Hops"); exit; }
    $var(all) = "$rm $ru $fu $tu $ci $cs $si $sp $ua $ct $rb $rd $rU $fU $tU $fn $tn $fd $td $ft $tt $hdr(Via)";
    $var(all) = "$hdr(Contact) $(hdr(Via)[-1]) $(ru{uri.params}) $(ct{nameaddr.uri}) $(fu{uri.user}) $ml $ad $au $ar $aU";
    $var(all) = "$du $rp $rP $dd $dp $cl $cT $(hdr(Route)) $di $dir $oU $ou $od $op $re $pd $pn $pp $pu $pU";
    $var(all) = "$(rb{sdp.line,m}) $(rb{sdp.line,a,3}) $(hdr(X-Secret)) $(hdr(Authorization))";
    sipmsg_validate("hrs");
    has_totag();
    if (is_present_hf("X-Secret")) xlog("L_ERR", "secret seen\\n");
    remove_hf("X-Secret");
    remove_hf("Warning");
    remove_hf_glob("P-*");
    has_body("application/sdp");
    codec_exists("PCMU");
    codec_delete("PCMA");
    codec_move_down("PCMU");
    stream_delete("video");
    remove_body_part("application/isup");
    if (is_method("OPTIONS") && $rU == "refuse") { append_to_reply("X-A: b\\r\\n"); sl_send_reply(486, "Refused"); exit; }
    if (is_method("OPTIONS") && $rU == NULL) { options_reply(); exit; }
    if (is_method("REGISTER")) { save("location"); is_registered("location"); exit; }
    record_route();
    loose_route();
    append_hf("X-A: b\\r\\n", "Call-ID");
    search("foo");
    replace("x", "y");
    if (is_method("CANCEL")) { t_check_trans(); t_relay(); exit; }
    if (is_method("INVITE")) { create_dialog(); do_accounting("log", "cdr|missed"); }
    lookup("location");
    $du = "sip:127.0.0.1:@NEXT@";
    t_on_failure("f");
    t_on_reply("r");
    t_on_branch("b");
    if (!t_relay()) sl_reply_error();
    exit;
}
branch_route[b] { append_hf("X-B: 1\\r\\n"); $ru = $ru; }
onreply_route[r] { $var(all) = "$rs $rr $(<request>ru) $ct"; remove_hf("Server"); codec_delete("PCMA"); }
onreply_route { $var(all) = "any $rs"; }
failure_route[f] { $var(all) = "$T_reply_code $(<reply>rs)"; if (t_check_status("4..")) t_reply(480, "Failed"); }
`
