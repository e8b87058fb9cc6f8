/**
 * What scripts of the 4.x line begin with. `@PORT@` is the SIP port, `@MI@` that of the management interface; both are
 * replaced when the script is started.
 */
export const B4 = `
log_level=3
xlog_level=3
stderror_enabled=yes
syslog_enabled=no
socket=udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "signaling.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "sipmsgops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "working_mode_preset", "single-instance-no-db")
modparam("usrloc", "use_domain", 1)
loadmodule "event_datagram.so"
loadmodule "mi_datagram.so"
modparam("mi_datagram", "socket_name", "udp:127.0.0.1:@MI@")

route[indialog] {
    if (is_method("ACK") && t_check_trans()) { t_relay(); exit; }
    if (!loose_route()) { send_reply(404, "Not here"); exit; }
    if (!t_relay()) sl_reply_error();
    exit;
}
`

/** The same, as scripts of the 2.x line spell it. */
export const B2 = `
debug=3
log_stderror=yes
children=4
listen=udp:127.0.0.1:@PORT@
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "signaling.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "sipmsgops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "use_domain", 1)
loadmodule "event_datagram.so"
loadmodule "mi_datagram.so"
modparam("mi_datagram", "socket_name", "udp:127.0.0.1:@MI@")

route[indialog] {
    if (is_method("ACK") && t_check_trans()) { t_relay(); exit; }
    if (!loose_route()) { send_reply(404, "Not here"); exit; }
    if (!t_relay()) sl_reply_error();
    exit;
}
`

/** Adds a TCP socket on the same port. */
export const TCP = `
socket=tcp:127.0.0.1:@PORT@
loadmodule "proto_tcp.so"
`

/** A main route that registers, locates and forks, with what calls need inside of their dialog. */
export const FORKING_ROUTE = `
route {
    if (has_totag()) route(indialog);
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    record_route();
    if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
    t_on_failure("f");
    t_relay();
}
failure_route[f] {
    xlog("all failed with $T_reply_code\\n");
}
`
