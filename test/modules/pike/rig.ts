import type { Scenario } from '../../interop/scenarios/rig.ts'
import { until } from '../../interop/scenarios/rig.ts'
import type { SipUa } from '../../support/sip-ua.ts'

/** The 2.x script of the slides: pike, an event route, and 200 to everyone else. */
export const SLIDES = `
listen=udp:127.0.0.1:@PORT@
log_stderror=yes
loadmodule "sl.so"
loadmodule "pike.so"
loadmodule "event_route.so"
modparam("pike", "sampling_time_unit", 2)
modparam("pike", "reqs_density_per_unit", 30)
modparam("pike", "remove_latency", 4)
event_route [E_PIKE_BLOCKED] {
    fetch_event_params("ip=$avp(pike-ip)");
    xlog("IP $avp(pike-ip) has been blocked\\n");
}
route {
    if (!pike_check_req()) { xlog("L_WARN","drop $si\\n"); drop; }
    sl_send_reply("200", "OK");
}
`

/** The same for scripts that look at the event themselves. */
export const BARE = SLIDES.replace(/event_route [\s\S]*?\n}\n/, '')

export const FLOODER = '127.0.0.9'

/** Where the flood goes in batches, so that no socket buffer overflows. */
const BATCH = 50

/**
 * Sends OPTIONS and waits until the proxy has seen each of them, answered or dropped. `dropped` counts what was dropped so
 * far; the clock stands still.
 */
export async function flood(ua: SipUa, scenario: Scenario, count: number, seen: () => number): Promise<void> {
  const before = seen()
  for (let sent = 0; sent < count; ) {
    for (let i = 0; i < BATCH && sent < count; i++, sent++) ua.request('OPTIONS', scenario.port)
    const upTo = before + sent
    await until(() => seen() >= upTo)
  }
}

/** Requests that the script has seen the end of: each is answered with 200 or logged as dropped. */
export const seenBy =
  (ua: SipUa, scenario: Scenario): (() => number) =>
  () =>
    ua.count({ status: 200 }) + scenario.logged(`drop ${FLOODER}`)
