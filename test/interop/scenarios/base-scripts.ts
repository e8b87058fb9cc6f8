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

/** CDRs to a queue and to a flat file, by the policy `@POLICY@`. `@BROKER@` is host and port, `@QUEUE@` the routing key. */
export const CDR_ROUTE = `${B4}
loadmodule "dialog.so"
loadmodule "acc.so"
loadmodule "event_rabbitmq.so"
loadmodule "event_flatstore.so"
loadmodule "event_virtual.so"
modparam("event_flatstore", "max_open_sockets", 200)
startup_route {
    subscribe_event("E_ACC_CDR", "virtual:@POLICY@ rabbitmq:@BROKER@/@QUEUE@  flatstore:@DIR@/opensips.events");
}
route {
    if (has_totag()) route(indialog);
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    if (!is_method("INVITE")) { send_reply(405, "Method Not Allowed"); exit; }
    record_route();
    do_accounting("evi", "cdr");
    if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
    t_relay();
}
`
