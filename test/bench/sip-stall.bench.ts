import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { atMost, type Bench } from './measure.ts'
import { Phones } from './sip/phones.ts'
import { Server } from './sip/server.ts'

const CALLS = 200
const PER_SECOND = 200
const WARM_UP_CALLS = 6000
const ROUNDS = 24
/** Two proxies that are alike can differ more when the machine has other work: then by how much they do is the bound. */
const NOISE = 1.25

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

/** Of the quietest quarter of the rounds: what else the machine does slows down the others. */
function typicalMs({ p99Ms }: Side): number {
  const quiet = p99Ms.toSorted((a, b) => a - b).slice(0, Math.ceil(p99Ms.length / 4))
  return quiet.reduce((sum, ms) => sum + ms, 0) / quiet.length
}

/**
 * What a subscriber of E_ACC_CDR that takes connections and never reads adds to the time of a call. There are two proxies
 * without one: how they differ is what the difference to the third has to be held against.
 */
export const bench: Bench = async () => {
  const stalled = createServer(socket => socket.pause().on('error', () => {}))
  stalled.listen(0, '127.0.0.1')
  await once(stalled, 'listening')
  const { port } = stalled.address() as AddressInfo
  const none = await open(await Server.accounting())
  const alike = await open(await Server.accounting())
  const beside = await open(await Server.accounting(`subscribe_event("E_ACC_CDR", "xmlrpc:127.0.0.1:${port}:cdr");`))
  const sides = [none, beside, alike]
  // Each comes first, second and last equally often.
  for (let round = 0; round < ROUNDS; round++)
    for (let i = 0; i < sides.length; i++) await oneRound(sides[(round + i) % sides.length] ?? none)
  for (const { server, phones } of sides) {
    phones.close()
    await server.stop()
  }
  stalled.close()
  const [one, other] = [typicalMs(none), typicalMs(alike)]
  const noise = Math.max(one / other, other / one)
  const ms = (value: number): string => `${value.toFixed(2)} ms`
  const name = 'SIP: time of a call, 99th percentile, with a stalled subscriber of E_ACC_CDR'
  // As much beyond the slower of the two as that is beyond the faster one.
  const bound = Math.ceil(Math.max(NOISE, noise ** 1.5) * 100) / 100
  const ratio = typicalMs(beside) / Math.sqrt(one * other)
  return [atMost(name, ms(typicalMs(beside)), `${ms(one)} and ${ms(other)} with none`, ratio, bound)]
}
