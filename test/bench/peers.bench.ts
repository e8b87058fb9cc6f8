import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureDebianPackage } from '../support/debian.ts'
import { freePort, openedForUdp } from '../support/ports.ts'
import { type SippRun, sipp, sippMissing } from '../support/sipp.ts'
import { atMost, type Bench, type Claim, figure, median } from './measure.ts'
import { processorMs } from './sip/processor-time.ts'

const KAMAILIO = '/usr/sbin/kamailio'
const FANFARE = join(import.meta.dirname, '../../bin/fanfare.js')
/** So many until the code that runs often is compiled for good. */
const WARM_UP_CALLS = 20_000
/** Calls a second, most of what SIPp manages beside a proxy on two processors; and few, where all of them mostly wait. */
const BUSY = 1000
const IDLE = 200
const SECONDS = 5
const ROUNDS = 5
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
}

async function start(port: number, command: string, args: readonly string[]): Promise<Peer> {
  const process = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  await openedForUdp(port)
  return { process, port }
}

async function load(port: number, count: number, perSecond: number): Promise<void> {
  const caller = sipp('uac', [`127.0.0.1:${port}`, '-m', String(count), '-r', String(perSecond), '-d', '0', ...LIMIT])
  const { status, output } = await caller.result
  if (status !== 0) throw new Error(`SIPp ended with status ${status}:\n${output.slice(-1500)}`)
}

/** Processor milliseconds of a thousand calls. */
async function oneRound({ process, port }: Peer, perSecond: number): Promise<number> {
  const calls = perSecond * SECONDS
  const before = processorMs(process.pid ?? 0)
  await load(port, calls, perSecond)
  return ((processorMs(process.pid ?? 0) - before) * 1000) / calls
}

/** Of Kamailio and of us at one load, in turn. */
async function inTurns(peers: readonly Peer[], perSecond: number): Promise<readonly number[]> {
  const rounds: number[][] = []
  for (let round = 0; round < ROUNDS; round++) {
    const each: number[] = []
    for (const peer of peers) each.push(await oneRound(peer, perSecond))
    rounds.push(each)
  }
  return peers.map((_, n) => median(rounds.map(each => each[n] ?? Number.NaN)))
}

async function measure(folder: string): Promise<{ busy: readonly number[]; idle: readonly number[] }> {
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
    for (const { port } of peers) await load(port, WARM_UP_CALLS, BUSY)
    return { busy: await inTurns(peers, BUSY), idle: await inTurns(peers, IDLE) }
  } finally {
    callee.end()
    for (const peer of peers) peer.process.kill('SIGTERM')
    await Promise.all(peers.map(peer => peer.process.exitCode ?? once(peer.process, 'exit')))
  }
}

/** What is missing, or undefined. */
function missing(): string | undefined {
  if (!existsSync('/proc/self/stat')) return 'processor time of other programs is read from /proc'
  return ensureDebianPackage('kamailio', KAMAILIO) ?? sippMissing()
}

/** Kamailio and Fanfare in turn under the same calls of SIPp: the processor time each takes for them. */
export const bench: Bench = async () => {
  const name = (perSecond: number): string => `peers: processor time of 1000 calls, ${perSecond} a second`
  const reason = missing()
  if (reason !== undefined) return [figure(name(BUSY), `skipped: ${reason}`)]
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-peers-'))
  try {
    const { busy, idle } = await measure(folder)
    const ms = (value: number): string => `${value.toFixed(0)} ms`
    const claim = (perSecond: number, [kamailioMs = Number.NaN, fanfareMs = Number.NaN]: readonly number[]): Claim =>
      atMost(name(perSecond), ms(fanfareMs), `${ms(kamailioMs)} of Kamailio`, fanfareMs / kamailioMs, 0.6)
    return [claim(BUSY, busy), { ...claim(IDLE, idle), bound: '', holds: true }]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
