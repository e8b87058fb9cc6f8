import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { atMost, type Bench, median } from './measure.ts'
import { Phones } from './sip/phones.ts'
import { Server } from './sip/server.ts'

const CALLS = 1000
const PER_SECOND = 200
const WARM_UP_CALLS = 6000
const ROUNDS = 5

interface Side {
  readonly server: Server
  readonly phones: Phones
  readonly p99Ms: number[]
}

async function open(server: Server): Promise<Side> {
  const phones = await Phones.open(server.port)
  await phones.registerBob()
  await phones.call(WARM_UP_CALLS, 1e6)
  return { server, phones, p99Ms: [] }
}

async function oneRound({ phones, p99Ms }: Side): Promise<void> {
  await phones.call(CALLS, PER_SECOND)
  const sorted = phones.callsMs.toSorted((a, b) => a - b)
  p99Ms.push(sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN)
}

/** What a subscriber of E_ACC_CDR that takes connections and never reads adds to the time of a call. */
export const bench: Bench = async () => {
  const stalled = createServer(socket => socket.pause().on('error', () => {}))
  stalled.listen(0, '127.0.0.1')
  await once(stalled, 'listening')
  const { port } = stalled.address() as AddressInfo
  const sides = [
    await open(await Server.accounting()),
    await open(await Server.accounting(`subscribe_event("E_ACC_CDR", "xmlrpc:127.0.0.1:${port}:cdr");`)),
  ]
  for (let round = 0; round < ROUNDS; round++) for (const side of sides) await oneRound(side)
  for (const { server, phones } of sides) {
    phones.close()
    await server.stop()
  }
  stalled.close()
  const [without = Number.NaN, beside = Number.NaN] = sides.map(({ p99Ms }) => median(p99Ms))
  const ms = (value: number): string => `${value.toFixed(2)} ms`
  const name = 'SIP: time of a call, 99th percentile, with a stalled subscriber of E_ACC_CDR'
  return [atMost(name, ms(beside), `${ms(without)} with none`, beside / without, 1.5)]
}
