import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { FanfareProcess } from '../../cli/fanfare-process.ts'
import { freePort } from '../../support/ports.ts'
import { type Expected, headersOf, SipUa } from '../../support/sip-ua.ts'
import { callsDatabase } from './database-rig.ts'

const CALLS = 100
/** Calls that are over before the crash. */
const BEFORE = 10

const script = (port: number, bob: number, url: string, folder: string): string => `
socket=udp:127.0.0.1:${port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "db_sqlite.so"
loadmodule "event_flatstore.so"
loadmodule "acc.so"
modparam("acc", "db_url", "${url}")
startup_route { subscribe_event("E_ACC_CDR", "flatstore:${folder}/cdr"); }
route {
  if (has_totag()) { if (loose_route()) t_relay(); exit; }
  record_route();
  do_accounting("log|db|evi", "cdr");
  $du = "sip:127.0.0.1:${bob}";
  t_relay();
}
`

/** Both phones, and what they know of their calls. */
interface Phones {
  readonly alice: SipUa
  readonly bob: SipUa
  readonly port: number
}

/** The first message like this that a phone has got, whatever else came, repetitions included. */
async function message(phone: SipUa, callId: string, expected: Expected): Promise<SipMessage> {
  const isMeant = (m: SipMessage): boolean =>
    m.callId === callId &&
    (m.isRequest ? m.method : m.cseqMethod) === expected.method &&
    m.status === (expected.status ?? 0)
  const patience = AbortSignal.timeout(20_000)
  for (;;) {
    const found = phone.received.find(isMeant)
    if (found !== undefined) return found
    if (patience.aborted) throw new Error(`${phone.name} waited for ${JSON.stringify(expected)} of ${callId} in vain`)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

async function establish({ alice, bob, port }: Phones, name: string): Promise<SipMessage> {
  alice.request('INVITE', port, { callId: name, fromTag: `${name}-a` })
  bob.reply(await message(bob, name, { method: 'INVITE' }), 200, 'OK', { toTag: `${name}-b` })
  const answer = await message(alice, name, { method: 'INVITE', status: 200 })
  alice.request('ACK', port, inside(bob, name, 1, answer))
  await message(bob, name, { method: 'ACK' })
  return answer
}

async function hangUp({ alice, bob, port }: Phones, name: string, answer: SipMessage): Promise<void> {
  alice.request('BYE', port, inside(bob, name, 2, answer))
  bob.reply(await message(bob, name, { method: 'BYE' }), 200, 'OK')
  await message(alice, name, { method: 'BYE', status: 200 })
}

const inside = (bob: SipUa, name: string, cseq: number, answer: SipMessage) => ({
  uri: bob.uri,
  callId: name,
  fromTag: `${name}-a`,
  toTag: `${name}-b`,
  cseq,
  headers: headersOf(answer, 'Record-Route')
    .map(value => `Route: ${value}\r\n`)
    .join(''),
})

it('kill -9 in the middle of 100 calls loses none of their records and writes none twice', {
  timeout: 180_000,
}, async () => {
  const { url, folder, rows } = await callsDatabase('acc', 'missed_calls')
  const port = await freePort()
  const phones: Phones = { alice: await SipUa.open('alice'), bob: await SipUa.open('bob'), port }
  const file = join(folder, 'proxy.cfg')
  writeFileSync(file, script(port, phones.bob.port, url, folder))
  const start = async (): Promise<FanfareProcess> => {
    const proxy = new FanfareProcess(['run', file])
    onTestFinished(() => proxy.end())
    await proxy.serves()
    return proxy
  }
  const flat = (): readonly string[] => {
    const path = join(folder, 'cdr')
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
  }

  const first = await start()
  for (let i = 0; i < BEFORE; i++) await hangUp(phones, `over${i}`, await establish(phones, `over${i}`))
  await expect.poll(() => rows('acc').length, { timeout: 20_000 }).toBe(BEFORE)
  await expect.poll(() => flat().length, { timeout: 20_000 }).toBe(BEFORE)
  const answers = new Map<string, SipMessage>()
  for (let i = 0; i < CALLS; i++) answers.set(`call${i}`, await establish(phones, `call${i}`))
  process.kill(first.pid, 'SIGKILL')
  await first.ended

  const second = await start()
  const [, count] = await second.says(/calls of a process before this one were taken over.*calls=(\d+)/)
  expect(Number(count)).toBe(CALLS)
  for (const [name, answer] of answers) await hangUp(phones, name, answer)
  await expect.poll(() => rows('acc').length, { timeout: 20_000 }).toBe(BEFORE + CALLS)
  await expect.poll(() => flat().length, { timeout: 20_000 }).toBe(BEFORE + CALLS)
  second.signal('SIGTERM')
  await second.ended

  const recovered = [...answers.keys()].toSorted()
  const names = (marked: number) =>
    rows('acc')
      .filter(row => row['recovered'] === marked)
      .map(row => String(row['callid']))
      .toSorted()
  expect(names(1)).toEqual(recovered)
  expect(names(0)).toEqual(Array.from({ length: BEFORE }, (_, i) => `over${i}`))
  const marked = flat().filter(line => line.split(',').length === 13)
  expect(marked.map(line => line.split(',')[4]).toSorted()).toEqual(recovered)
  const logged = [...second.err.matchAll(/ACC: call ended: .*;call_id=(\w+);.*;recovered=1$/gm)].map(found => found[1])
  expect(logged.toSorted()).toEqual(recovered)
  // Nothing is left for a third process.
  expect(existsSync(join(folder, 'proxy.cfg.calls'))).toBe(false)
})
