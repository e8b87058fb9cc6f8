import { atMost, type Bench, figure, median } from './measure.ts'
import { Phones } from './sip/phones.ts'
import { Server } from './sip/server.ts'

const DIALOGS = 5_000
/** Transactions of a call that has ended are forgotten by then (tm reference, wt_timer). */
const FORGOTTEN_AFTER_MS = 8_000
const LIVE = 100_000
const CALLS = { count: 1500, perSecond: 500 }
const WARM_UP_CALLS = 8000
const ROUNDS = 3
/** More than any server here can do. */
const FLAT_OUT = 1e6

async function withPhones<T>(server: Server, use: (server: Server, phones: Phones) => Promise<T>): Promise<T> {
  const phones = await Phones.open(server.port)
  await phones.registerBob()
  const result = await use(server, phones)
  phones.close()
  await server.stop()
  return result
}

const forgotten = (): Promise<void> => new Promise(resolve => setTimeout(resolve, FORGOTTEN_AFTER_MS))

/** Processor time of a call, microseconds. */
async function callUs(server: Server, phones: Phones): Promise<number> {
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = await server.ask('cpu')
    await phones.call(CALLS.count, CALLS.perSecond)
    rounds.push(((await server.ask('cpu')) - before) / CALLS.count)
  }
  return median(rounds)
}

/** Calls while nothing else is under way, and while very many phones ring: each has a transaction with timers. */
async function besideLive(server: Server, phones: Phones): Promise<readonly [alone: number, beside: number, bytes: number]> {
  await phones.call(WARM_UP_CALLS, FLAT_OUT)
  const alone = await callUs(server, phones)
  await forgotten()
  const before = await server.ask('heap')
  await phones.call(LIVE, FLAT_OUT, 'ringing')
  const bytes = ((await server.ask('heap')) - before) / LIVE
  return [alone, await callUs(server, phones), bytes]
}

/** Heap of an answered call, bytes: first with its transaction, then the dialog alone. */
async function heapOfCalls(server: Server, phones: Phones): Promise<readonly [waiting: number, dialog: number]> {
  await phones.call(DIALOGS, FLAT_OUT)
  await forgotten()
  const before = await server.ask('heap')
  await phones.call(DIALOGS, FLAT_OUT, 'answered')
  const answered = await server.ask('heap')
  await forgotten()
  const alone = await server.ask('heap')
  return [(answered - alone) / DIALOGS, (alone - before) / DIALOGS]
}

/** What a transaction and a dialog take, and whether very many transactions with their timers slow down the others. */
export const bench: Bench = async () => {
  const [alone, beside, ringing] = await withPhones(await Server.quickstart(true), besideLive)
  const [waiting, dialog] = await withPhones(await Server.accounting(), heapOfCalls)
  const bytes = (value: number): string => `${value.toFixed(0)} bytes`
  const us = (value: number): string => `${value.toFixed(1)} µs`
  return [
    atMost(`SIP: processor time of a call beside ${LIVE} live transactions`, us(beside), `${us(alone)} alone`, beside / alone, 1.5),
    figure('SIP: heap of a transaction whose callee rings', bytes(ringing)),
    figure('SIP: heap of a transaction that was answered and absorbs retransmissions', bytes(waiting)),
    figure('SIP: heap of a dialog with accounting', bytes(dialog)),
  ]
}
