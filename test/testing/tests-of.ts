import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { CapturedIo } from '../cli/captured-io.ts'

/** A registrar that answers OPTIONS, passes calls on, and raises an event for each MESSAGE. */
export const SCRIPT = `log_level = 3
xlog_level = 3
socket = udp:127.0.0.1:5060
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "event_datagram.so"
startup_route { subscribe_event("E_TOLD", "udp:127.0.0.1:9000", 0, "user=a*"); }
route {
    if (is_method("REGISTER")) { save("location"); exit; }
    if (is_method("OPTIONS")) { sl_send_reply(200, "Alive"); exit; }
    if (is_method("MESSAGE")) {
        $avp(n) = "user"; $avp(v) = $fU;
        raise_event("E_TOLD", $avp(n), $avp(v));
        xlog("$fU told\\n");
        sl_send_reply(202, "Accepted");
        exit;
    }
    if (!has_totag()) record_route();
    if (has_totag() && loose_route()) { t_relay(); exit; }
    if (!lookup("location")) { sl_send_reply(404, "Not Found"); exit; }
    t_relay();
}
`

/** A folder with these files, and \`proxy.cfg\`; it is removed with the test. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-tests-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries({ 'proxy.cfg': SCRIPT, ...files })) writeFileSync(join(folder, name), text)
  return folder
}

/** Runs `fanfare test` in this process; `@` in what it wrote is the folder. */
export async function runIn(folder: string, ...argv: readonly string[]) {
  const io = new CapturedIo()
  const status = await main(['test', ...argv.map(word => word.replace('@', folder))], io)
  return { status, out: io.out.replaceAll(folder, '@'), err: io.err }
}

/** Runs text as the tests of {@link SCRIPT}. */
export const runText = (text: string, ...argv: readonly string[]) =>
  runIn(folderWith({ 'proxy.test': text }), '@/proxy.test', ...argv)
