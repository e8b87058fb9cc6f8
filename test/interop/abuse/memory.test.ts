import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { type Scenario, startScenario, until } from '../scenarios/rig.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const HEAD = `
socket=udp:127.0.0.1:@PORT@
loadmodule "tm.so"\nloadmodule "sl.so"\nloadmodule "rr.so"\nloadmodule "signaling.so"\nloadmodule "sipmsgops.so"
loadmodule "usrloc.so"\nloadmodule "registrar.so"\nloadmodule "dialog.so"\nloadmodule "acc.so"\nloadmodule "event_route.so"
event_route[E_ACC_CDR] { $var(x) = $param(callid); }
event_route[E_UL_CONTACT_INSERT] { $var(x) = $param(uri); }
`
const SCRIPT = `${HEAD}
route {
  if (is_method("REGISTER")) { save("location"); exit; }
  if (has_totag()) { loose_route(); t_relay(); exit; }
  record_route();
  create_dialog();
  do_accounting("evi", "cdr");
  $du = "sip:127.0.0.1:@BOB@";
  t_relay();
}`

/** Sends `count` requests, at most 20 unanswered, and waits for the final reply of each. */
async function sendAll(ua: SipUa, port: number, requests: Iterable<string>): Promise<void> {
  let sent = 0
  const answered = () => ua.received.filter(message => message.status >= 200).length
  for (const text of requests) {
    ua.send(text, port)
    if (++sent % 20 === 0) await until(() => answered() >= sent)
  }
  await until(() => answered() >= sent)
  ua.received.length = 0
}

function* registrations(ua: SipUa, from: number, count: number): Generator<string> {
  for (let i = from; i < from + count; i++)
    for (const expires of [60, 0])
      yield ua.makeRequest('REGISTER', {
        uri: 'sip:127.0.0.1',
        to: `sip:user${i}@127.0.0.1`,
        callId: `r${i}`,
        cseq: expires === 0 ? 3 : 1,
        headers: `Expires: ${expires}\r\n`,
      })
}

/** Bytes of the heap that are in use once all that may go has gone. */
async function heapOf({ clock }: Scenario): Promise<number> {
  await clock.advance(120_000)
  // What weak references and finished promises hold goes in later rounds.
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise(resolve => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

it('10 000 users who come and go leave less than 200 bytes each', async () => {
  const ua = await SipUa.open('alice')
  const scenario = await startScenario(SCRIPT, { BOB: ua.port })
  const run = async (from: number, count: number): Promise<void> => {
    for (let i = from; i < from + count; i += 500) {
      await sendAll(ua, scenario.port, registrations(ua, i, 500))
      await scenario.clock.advance(10_000)
    }
  }
  await run(0, 2000)
  const before = await heapOf(scenario)
  await run(2000, 10_000)
  expect((await heapOf(scenario)) - before).toBeLessThan(2_000_000)
  expect([scenario.stat('registered_users'), scenario.stat('inuse_transactions')]).toEqual([0, 0])
}, 60_000)
