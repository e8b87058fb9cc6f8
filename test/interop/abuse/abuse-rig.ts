import { freePort } from '../../support/ports.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { type Scenario, startScenario } from '../scenarios/rig.ts'
import { type Census, census } from './census.ts'

const SCRIPT = `socket=udp:127.0.0.1:@SIP@\nsocket=tcp:127.0.0.1:@SIP@\ntcp_connect_timeout=20000\n@MORE@
loadmodule "tm.so"\nloadmodule "sl.so"\nloadmodule "rr.so"\nloadmodule "maxfwd.so"\nloadmodule "sipmsgops.so"\nloadmodule "signaling.so"
modparam("tm", "fr_timeout", 30)
route {
  if (!mf_process_maxfwd_header(70)) { send_reply(483, "Too Many Hops"); exit; }
  xlog("run $rm\\n");
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if (is_method("OPTIONS") && $rU == NULL) { sl_send_reply(200, "Here"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  @ROUTE@
  record_route();
  if (!t_relay()) sl_reply_error();
  exit;
}`

/** A proxy under abuse, with what it held before. */
export interface Abused extends Scenario {
  readonly sip: number
  readonly before: Census
  readonly caller: SipUa
}

/** Starts a relaying proxy on UDP and TCP. `route` stands before the relaying, `more` among the settings. */
export async function startAbused(route = '', more = ''): Promise<Abused> {
  const sip = await freePort()
  const scenario = await startScenario(SCRIPT, { SIP: sip, ROUTE: route, MORE: more })
  return { ...scenario, sip, before: census(scenario), caller: await SipUa.open('alice') }
}
