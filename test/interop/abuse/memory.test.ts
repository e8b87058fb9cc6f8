import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { Datagrams, type Scenario, startScenario, until } from '../scenarios/rig.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const SCRIPT = `
socket=udp:127.0.0.1:@PORT@
loadmodule "tm.so"\nloadmodule "sl.so"\nloadmodule "rr.so"\nloadmodule "signaling.so"\nloadmodule "sipmsgops.so"
loadmodule "usrloc.so"\nloadmodule "registrar.so"\nloadmodule "dialog.so"\nloadmodule "acc.so"\nloadmodule "event_route.so"
event_route[E_ACC_CDR] { $var(x) = $param(callid); }
event_route[E_UL_CONTACT_INSERT] { $var(x) = $param(uri); }
route {
  if (is_method("REGISTER")) { save("location"); exit; }
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if (is_method("INVITE")) { record_route(); create_dialog(); do_accounting("evi", "cdr"); }
  $du = "sip:127.0.0.1:@CALLEE@";
  t_relay();
}`

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

/** Runs `batch` 16 times, and gives by how many bytes the heap has grown behind the first 4. */
async function growth(scenario: Scenario, batch: (from: number, to: number) => Promise<void>): Promise<number> {
  let before = 0
  for (let i = 0; i < 16; i++) {
    if (i === 4) before = await heapOf(scenario)
    await batch(i * SIZE, (i + 1) * SIZE)
    await scenario.clock.advance(60_000)
  }
  return (await heapOf(scenario)) - before
}

const SIZE = 250
const head = (method: string, i: number, cseq: number, port: number, uri = 'sip:bob@127.0.0.1'): string =>
  `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKm${method}${i}.${cseq}\r\n` +
  `Max-Forwards: 70\r\nFrom: <sip:user${i}@127.0.0.1>;tag=f${i}\r\nCall-ID: c${i}\r\nCSeq: ${cseq} ${method}\r\n` +
  `Contact: <sip:user${i}@127.0.0.1:${port}>\r\nContent-Length: 0\r\n`

it('of 3 000 users who come and go nothing stays in memory', async () => {
  const [agent, callee] = [await Datagrams.open(), await Datagrams.open()]
  const scenario = await startScenario(SCRIPT, { CALLEE: callee.port })
  const grown = await growth(scenario, async (from, to) => {
    agent.received.length = 0
    for (let i = from; i < to; i++) {
      const to = `To: <sip:user${i}@127.0.0.1>\r\n`
      agent.send(`${head('REGISTER', i, 1, agent.port)}${to}Expires: 60\r\n\r\n`, scenario.port)
      agent.send(`${head('REGISTER', i, 3, agent.port)}${to}Expires: 0\r\n\r\n`, scenario.port)
      await until(() => agent.received.length === 2 * (i - from + 1))
    }
  })
  expect(grown).toBeLessThan(900_000)
  expect([scenario.stat('registered_users'), scenario.stat('inuse_transactions')]).toEqual([0, 0])
}, 60_000)

it('of 3 000 calls with accounting nothing stays in memory', async () => {
  const [agent, callee] = [await Datagrams.open(), await Datagrams.open()]
  const scenario = await startScenario(SCRIPT, { CALLEE: callee.port })
  const count = (messages: readonly string[], start: string) => messages.filter(text => text.startsWith(start)).length
  const target = `sip:bob@127.0.0.1:${callee.port}`
  /** The callee answers everything with 200. */
  const answer = async (method: string, times: number): Promise<void> => {
    await until(() => count(callee.received, method) === times)
    const request = callee.received.findLast(text => text.startsWith(method)) ?? ''
    const copied = request.match(/^(Via|From|Call-ID|CSeq|Record-Route):.*\r\n/gm)?.join('') ?? ''
    const to = /^To: ([^;\r]*)/m.exec(request)?.[1]
    const contact = `Contact: <sip:bob@127.0.0.1:${callee.port}>\r\n`
    callee.send(`SIP/2.0 200 OK\r\n${copied}To: ${to};tag=b\r\n${contact}Content-Length: 0\r\n\r\n`, scenario.port)
  }
  const grown = await growth(scenario, async (from, to) => {
    for (const { received } of [agent, callee]) received.length = 0
    for (let i = from; i < to; i++) {
      const [nth, to] = [i - from + 1, 'To: <sip:bob@127.0.0.1>']
      agent.send(`${head('INVITE', i, 1, agent.port)}${to}\r\n\r\n`, scenario.port)
      await answer('INVITE', nth)
      await until(() => count(agent.received, 'SIP/2.0 200') === 2 * nth - 1)
      const ok = agent.received.at(-1) ?? ''
      const route = `Route: ${/^Record-Route: (.*)\r\n/m.exec(ok)?.[1]}\r\n`
      agent.send(`${head('ACK', i, 1, agent.port, target)}${to};tag=b\r\n${route}\r\n`, scenario.port)
      agent.send(`${head('BYE', i, 2, agent.port, target)}${to};tag=b\r\n${route}\r\n`, scenario.port)
      await answer('BYE', nth)
      await until(() => count(agent.received, 'SIP/2.0 200') === 2 * nth)
    }
  })
  expect(grown).toBeLessThan(900_000)
  expect(['inuse_transactions', 'active_dialogs', 'early_dialogs'].map(scenario.stat)).toEqual([0, 0, 0])
}, 60_000)
