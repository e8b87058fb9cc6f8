import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureDebianPackage } from '../support/debian.ts'
import { freePort, openedForUdp } from '../support/ports.ts'
import { type SippRun, sipp, sippMissing } from '../support/sipp.ts'
import { atMost, type Bench, figure, median } from './measure.ts'
import { processorMs } from './sip/processor-time.ts'

const KAMAILIO = '/usr/sbin/kamailio'
const FANFARE = join(import.meta.dirname, '../../bin/fanfare.js')
const WARM_UP_CALLS = 3000
const CALLS = 2000
const PER_SECOND = 200
const ROUNDS = 3
/** SIPp gives up after so long: a machine too busy for the load must not keep the bench for ever. */
const LIMIT = ['-timeout', '60s', '-timeout_error']

/** The same proxy in the language of each: record-routing, stateful, everything to one callee. */
const kamailioScript = (port: number, calleePort: number): string => `#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
tcp_connection_lifetime=3605
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:${port}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib/aarch64-linux-gnu/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "pv.so"
modparam("rr", "append_fromtag", 1)
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (has_totag()) {
    if (!loose_route()) { sl_send_reply("404", "Not here"); exit; }
    t_relay();
    exit;
  }
  if (!is_method("INVITE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
  record_route();
  $du = "sip:127.0.0.1:${calleePort}";
  t_on_reply("answered");
  t_relay();
}
onreply_route[answered] {
  if ($rs == 200) { $avp(callee) = $tU; }
}
`

const fanfareScript = (port: number, calleePort: number): string => `
log_level=1
socket=udp:127.0.0.1:${port}
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "sipmsgops.so"
route {
  if (!mf_process_maxfwd_header(10)) { sl_send_reply(483, "Too Many Hops"); exit; }
  if (has_totag()) {
    if (!loose_route()) { sl_send_reply(404, "Not here"); exit; }
    t_relay();
    exit;
  }
  if (!is_method("INVITE")) { sl_send_reply(405, "Method Not Allowed"); exit; }
  record_route();
  $du = "sip:127.0.0.1:${calleePort}";
  t_on_reply("answered");
  t_relay();
}
onreply_route[answered] {
  if ($rs == 200) { $avp(callee) = $tU; }
}
`

/** A proxy under the load, and what a thousand calls through it cost. */
interface Peer {
  readonly process: ChildProcess
  readonly port: number
  readonly msPerThousand: number[]
}

async function start(port: number, command: string, args: readonly string[]): Promise<Peer> {
  const process = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  await openedForUdp(port)
  return { process, port, msPerThousand: [] }
}

async function load(port: number, count: number, perSecond: number): Promise<void> {
  const caller = sipp('uac', [`127.0.0.1:${port}`, '-m', String(count), '-r', String(perSecond), '-d', '0', ...LIMIT])
  const { status, output } = await caller.result
  if (status !== 0) throw new Error(`SIPp ended with status ${status}:\n${output.slice(-1500)}`)
}

async function oneRound({ process, port, msPerThousand }: Peer): Promise<void> {
  const before = processorMs(process.pid ?? 0)
  await load(port, CALLS, PER_SECOND)
  msPerThousand.push(((processorMs(process.pid ?? 0) - before) * 1000) / CALLS)
}

async function measure(folder: string): Promise<readonly [kamailioMs: number, fanfareMs: number]> {
  const [calleePort, kamailioPort, fanfarePort] = [await freePort(), await freePort(), await freePort()]
  const callee: SippRun = sipp('uas', ['-p', String(calleePort)])
  await openedForUdp(calleePort)
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const kamailioFile = file('kamailio.cfg', kamailioScript(kamailioPort, calleePort))
  const fanfareFile = file('fanfare.cfg', fanfareScript(fanfarePort, calleePort))
  const peers = [
    await start(kamailioPort, KAMAILIO, ['-DD', '-f', kamailioFile, '-Y', folder, '-m', '256']),
    await start(fanfarePort, process.execPath, [FANFARE, 'run', fanfareFile]),
  ]
  try {
    for (const peer of peers) await load(peer.port, WARM_UP_CALLS, PER_SECOND)
    for (let round = 0; round < ROUNDS; round++) for (const peer of peers) await oneRound(peer)
  } finally {
    callee.end()
    for (const peer of peers) peer.process.kill('SIGTERM')
    await Promise.all(peers.map(peer => peer.process.exitCode ?? once(peer.process, 'exit')))
  }
  const [kamailio = Number.NaN, fanfare = Number.NaN] = peers.map(peer => median(peer.msPerThousand))
  return [kamailio, fanfare]
}

/** What is missing, or undefined. */
function missing(): string | undefined {
  if (!existsSync('/proc/self/stat')) return 'processor time of other programs is read from /proc'
  return ensureDebianPackage('kamailio', KAMAILIO) ?? sippMissing()
}

/** Kamailio and Fanfare in turn under the same calls of SIPp: the processor time each takes for them. */
export const bench: Bench = async () => {
  const name = 'peers: processor time of 1000 calls, against Kamailio'
  const reason = missing()
  if (reason !== undefined) return [figure(name, `skipped: ${reason}`)]
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-peers-'))
  try {
    const [kamailioMs, fanfareMs] = await measure(folder)
    const ms = (value: number): string => `${value.toFixed(0)} ms`
    return [atMost(name, ms(fanfareMs), `${ms(kamailioMs)} of Kamailio`, fanfareMs / kamailioMs, 0.6)]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
