import { type ChildProcess, fork } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Phones } from '../../bench/sip/phones.ts'
import { accountingScript } from '../../bench/sip/server.ts'
import { freePort } from '../../support/ports.ts'
import type { HeapCensus } from './heap-census.ts'

const TIMES = 300
/** More than any proxy can do. */
const FLAT_OUT = 1e6
/** One object in ten repetitions would be a leak, and so would be 200 bytes in each: hash tables and buffers double now and then. */
const MOST_OBJECTS = TIMES / 10
const MOST_BYTES = TIMES * 200

/** For counting everything in a heap on a machine that has much else to do. */
const PATIENCE_MS = 120_000

const CALLS = new URL('../../fixtures/calls/', import.meta.url)
const recorded = (name: string): Buffer => readFileSync(new URL(name, CALLS))
const STRAYS = ['ok.sip', 'ringing.sip', 'busy.sip', 'ack.sip', 'bye.sip', 'cancel.sip', 'notify.sip'].map(recorded)

/** A socket that asks, and waits for each answer. */
class Asker {
  readonly #socket: Socket = createSocket('udp4')
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  send(bytes: Buffer | string): void {
    this.#socket.send(bytes, this.#port, '127.0.0.1')
  }

  async ask(bytes: Buffer | string): Promise<string> {
    const answer = once(this.#socket, 'message')
    this.send(bytes)
    return String((await answer)[0])
  }

  close(): void {
    this.#socket.close()
  }
}

let folder: string
let proxy: ChildProcess
let phones: Phones
let sip: Asker
let management: Asker
let number = 0

beforeAll(async () => {
  const [port, mi, events] = [await freePort(), await freePort(), await freePort()]
  folder = mkdtempSync(join(tmpdir(), 'fanfare-growth-'))
  const file = join(folder, 'growth.cfg')
  const startup = ['E_ACC_CDR', 'E_UL_CONTACT_INSERT', 'E_UL_CONTACT_UPDATE', 'E_DLG_STATE_CHANGED']
    .map(name => `subscribe_event("${name}", "virtual:PARALLEL udp:127.0.0.1:${events} flatstore:${folder}/events");`)
    .join('\n')
  const more = `event_trail=0\nloadmodule "mi_datagram.so"\nmodparam("mi_datagram", "socket_name", "udp:127.0.0.1:${mi}")\n`
  writeFileSync(file, accountingScript(startup).replace(/^(?=loadmodule)/m, more))
  proxy = fork(join(import.meta.dirname, 'counted-proxy.ts'), [file, String(port)], {
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
  })
  await once(proxy, 'message')
  phones = await Phones.open(port)
  await phones.registerBob()
  sip = new Asker(port)
  management = new Asker(mi)
})

afterAll(async () => {
  for (const client of [phones, sip, management]) client.close()
  proxy.disconnect()
  await once(proxy, 'exit')
  rmSync(folder, { recursive: true })
})

async function census(): Promise<HeapCensus> {
  proxy.send('census')
  return (await once(proxy, 'message'))[0]
}

async function manage(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await management.ask(JSON.stringify({ jsonrpc: '2.0', id: number++, method, params }))
}

/** Messages that belong to nothing, and garbage; then a request that is answered when they have been read. */
async function stray(): Promise<void> {
  const id = number++
  for (const bytes of STRAYS)
    sip.send(
      bytes
        .toString('latin1')
        .replace(/z9hG4bK/g, `$&${id}`)
        .replace(/Call-ID: /g, `$&${id}`),
    )
  sip.send(`INVITE sip:${id}`)
  await sip.ask(
    `INFO sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKi${id}\r\nMax-Forwards: 70\r\n` +
      `From: <sip:a@localhost>;tag=1\r\nTo: <sip:b@localhost>\r\nCall-ID: i${id}\r\nCSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n`,
  )
}

/** A subscription that ends by itself, one that is ended, and one that is refused. */
async function subscribe(): Promise<void> {
  const id = number++
  const one = { event: 'E_ACC_CDR', socket: `udp:127.0.0.1:${1024 + (id % 60_000)}`, filter: `callid=never${id}` }
  await manage('event_subscribe', { ...one, expire: 5 })
  await manage('evi:subscribe', { ...one, socket: `flatstore:${folder}/never` })
  await manage('evi:unsubscribe', { ...one, socket: `flatstore:${folder}/never` })
  await manage('event_subscribe', { ...one, socket: `nowhere:${id}` })
}

const COMMANDS = ['ps', 'ul_dump', 'dlg_list', 'evi:subscribers', 'evi:dead_letters', 'no:such']

async function askAround(): Promise<void> {
  for (const command of COMMANDS) await manage(command)
  await manage('get_statistics', { statistics: ['all'] })
  await management.ask(`{"jsonrpc":"2.0","id":${number++},"method":`)
}

async function repeat(once: () => Promise<void>, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await once()
}

const WORK: readonly (readonly [string, () => Promise<void>])[] = [
  ['REGISTERs', () => phones.register(TIMES, FLAT_OUT, 20)],
  ['calls with dialog, CDR and events', () => phones.call(TIMES, FLAT_OUT)],
  ['stray messages', () => repeat(stray, TIMES)],
  ['subscriptions', () => repeat(subscribe, TIMES)],
  ['management requests', () => repeat(askAround, TIMES)],
]
let before: HeapCensus

beforeAll(async () => {
  for (const [, work] of WORK) await work()
  before = await census()
}, PATIENCE_MS)

/** What there is more of than at the last census. */
async function growth(): Promise<{
  readonly kinds: readonly { kind: string; more: number }[]
  readonly bytes: number
}> {
  const after = await census()
  const kinds = Object.entries(after.counts)
    .map(([kind, count]) => ({ kind, more: count - (before.counts[kind] ?? 0) }))
    .filter(({ more }) => more > MOST_OBJECTS)
  const bytes = after.bytes - before.bytes
  before = after
  return { kinds, bytes }
}

it.each(WORK)(`${TIMES} %s leave nothing in the heap`, { timeout: PATIENCE_MS }, async (_name, work) => {
  await work()
  let grown = await growth()
  // A table that doubles and a buffer that is begun grow once; what leaks grows each time.
  for (let again = 0; again < 2 && (grown.kinds.length > 0 || grown.bytes >= MOST_BYTES); again++) {
    await work()
    grown = await growth()
  }
  expect(grown.kinds).toEqual([])
  expect(grown.bytes).toBeLessThan(MOST_BYTES)
})
