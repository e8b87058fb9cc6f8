/**
 * `node counted-proxy.ts FILE PORT`: a proxy in a process of its own. Asked by a message for a census it lets time pass until
 * calls are over and forgotten, and counts what is in its heap.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { startFile } from '../../../src/main.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { heapCensus } from './heap-census.ts'

/** Transactions, dialogs that ended and subscriptions that ran out are forgotten by then. */
const FORGOTTEN_AFTER_MS = 100_000
const PATIENCE_MS = 20_000

const [file = '', port = ''] = process.argv.slice(2)
const clock = new VirtualClock()
const { proxy, text } = await startFile({ file, clock, sockets: [`udp:127.0.0.1:${port}`], write: () => {} })
if (proxy === null) throw new Error(`the proxy did not start:\n${text}`)
const { stats, bus } = proxy.host

const isQuiet = (): boolean =>
  ['inuse_transactions', 'active_dialogs', 'early_dialogs'].every(name => stats.find(name)?.read() === 0)

/** Messages of a phone that was given up may still be on their way, and events to a file. */
async function settle(): Promise<void> {
  do {
    for (let turns = 0; turns < 100; turns++) await turn()
    await bus.drain(AbortSignal.timeout(PATIENCE_MS))
    await clock.advance(FORGOTTEN_AFTER_MS)
  } while (!isQuiet())
  // What weak references and finalizers still hold goes in a later turn than what held them.
  for (let times = 0; times < 3; times++) {
    globalThis.gc?.()
    await turn()
  }
}

process.on('message', async () => {
  await settle()
  process.send?.(await heapCensus())
})
process.on('disconnect', () => process.exit(0))
process.send?.('up')
