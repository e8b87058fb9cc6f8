import { systemClock, type Timer } from '../../src/util/clock.ts'
import { timerQueuesOf } from '../../src/util/timer-queues.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { startProxy } from '../support/running-proxy.ts'
import { atMost, type Bench, type Claim, figure, heapUsed, median } from './measure.ts'
import { type CallEnd, Phones } from './sip/phones.ts'
import { accountingScript, quietScript } from './sip/server.ts'

const CALLS = 800
/** More than any server here can do. */
const FLAT_OUT = 1e6
/** Transactions of calls that were answered are forgotten by then (tm reference, wt_timer). */
const FORGOTTEN_AFTER_MS = 40_000
const TIMERS = 100_000
const ROUNDS = 3
/** T1, timer B and timer C: how long transactions wait. */
const DELAYS_MS = [500, 32_000, 180_000]

/** What a call takes that has gone so far, with its transaction and, after a while, without; bytes of heap. */
async function heapOfCall(script: string, until: CallEnd): Promise<{ readonly soon: number; readonly later: number }> {
  // Time stands still, so that nothing is repeated or forgotten before it is to be.
  const clock = new VirtualClock()
  const proxy = await startProxy(script, { clock })
  const phones = await Phones.open(proxy.port)
  await phones.registerBob()
  await phones.call(CALLS, FLAT_OUT)
  await clock.advance(FORGOTTEN_AFTER_MS)
  const before = heapUsed()
  await phones.call(CALLS, FLAT_OUT, until)
  const soon = (heapUsed() - before) / CALLS
  // Phones that ring go on to do so: repeating what a ringing call sends is not what is measured here.
  if (until !== 'ringing') await clock.advance(FORGOTTEN_AFTER_MS)
  const later = (heapUsed() - before) / CALLS
  phones.close()
  await proxy.stop()
  return { soon, later }
}

type SetTimer = (delayMs: number) => Timer

const queues = timerQueuesOf(systemClock)
const nothing = (): void => {}
/** As a transaction does it: told by its timers, it needs no function for each. */
const owner = { timerFired: nothing }
const queued: SetTimer = delayMs => queues.start(delayMs, owner, 'A')
const bare: SetTimer = delayMs => {
  const handle = setTimeout(nothing, delayMs).unref()
  return { clear: () => clearTimeout(handle) }
}
const delayOf = (i: number): number => DELAYS_MS[i % DELAYS_MS.length] ?? 0

/** Very many timers that run. */
class LiveTimers {
  readonly #set: SetTimer
  readonly #timers: Timer[]
  readonly heapEach: number
  readonly nsEach: number[] = []

  constructor(set: SetTimer) {
    const before = heapUsed()
    this.#set = set
    this.#timers = Array.from({ length: TIMERS }, (_, i) => set(delayOf(i)))
    this.heapEach = (heapUsed() - before) / TIMERS
  }

  /** Clears each, the oldest first, and sets another. */
  replaceAll(): void {
    const startedNs = process.hrtime.bigint()
    for (let i = 0; i < TIMERS; i++) {
      this.#timers[i]?.clear()
      this.#timers[i] = this.#set(delayOf(i))
    }
    this.nsEach.push(Number(process.hrtime.bigint() - startedNs) / TIMERS)
  }

  clear(): void {
    for (const timer of this.#timers) timer.clear()
  }
}

function timerClaims(): readonly Claim[] {
  const ours = new LiveTimers(queued)
  const theirs = new LiveTimers(bare)
  for (let round = 0; round < ROUNDS; round++) for (const live of [ours, theirs]) live.replaceAll()
  for (const live of [ours, theirs]) live.clear()
  const [ourNs, theirNs] = [median(ours.nsEach), median(theirs.nsEach)]
  const ns = (value: number): string => `${value.toFixed(0)} ns`
  const each = `with ${TIMERS} others running`
  return [
    atMost(`SIP: setting and clearing a timer ${each}`, ns(ourNs), `${ns(theirNs)} setTimeout`, ourNs / theirNs, 1),
    atMost(
      `SIP: heap of a timer ${each}`,
      bytes(ours.heapEach),
      `${bytes(theirs.heapEach)} setTimeout`,
      ours.heapEach / theirs.heapEach,
      1,
    ),
  ]
}

const bytes = (value: number): string => `${value.toFixed(0)} bytes`

/** What transactions, dialogs and timers take while they live. */
export const bench: Bench = async () => {
  const timers = timerClaims()
  const ringing = await heapOfCall(quietScript(), 'ringing')
  const over = await heapOfCall(quietScript(), 'hung-up')
  const answered = await heapOfCall(accountingScript(), 'answered')
  return [
    figure('SIP: heap of a transaction whose callee rings', bytes(ringing.soon)),
    figure(
      'SIP: heap of the two transactions of a call that is over, as they absorb retransmissions',
      bytes(over.soon),
    ),
    figure('SIP: heap that is left of such a call', bytes(over.later)),
    figure('SIP: heap of an answered call with dialog and CDR', bytes(answered.later)),
    ...timers,
  ]
}
