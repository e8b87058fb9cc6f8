import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { jsonRpc } from '../../src/events/json-rpc.ts'
import datagram from '../../transports/datagram/index.ts'
import { BENCH_NAMES, benchBus, benchValues, until } from './bus-rig.ts'
import { atLeast, type Bench, inTurn, msOf, rate } from './measure.ts'

const EVENTS = 100_000
const WINDOW = 1000

/** Sends datagrams of the same bytes, a window at a time: the least that any sender does. */
async function plainSend(port: number): Promise<void> {
  // Numeric addresses need no resolver; with the default the plain loop would be the slower one.
  const socket = createSocket({ type: 'udp4', lookup: (address, _options, done) => done(null, address, 4) })
  let inFlight = 0
  for (let n = 0; n < EVENTS; n++) {
    const bytes = jsonRpc.encode({ name: 'E_BENCH', names: BENCH_NAMES, values: benchValues(n) })
    inFlight++
    socket.send(bytes, port, '127.0.0.1', () => inFlight--)
    if (inFlight >= WINDOW) await until(() => inFlight < WINDOW / 2)
  }
  await until(() => inFlight === 0)
  socket.close()
}

async function throughBus(port: number): Promise<void> {
  const rig = benchBus([datagram])
  const subscription = rig.bus.subscribe({
    event: 'E_BENCH',
    socket: `udp:127.0.0.1:${port}`,
    expireS: null,
    by: 'script',
  })
  const delivered = (): number => subscription.counters.delivered
  for (let n = 0; n < EVENTS; ) {
    for (const end = n + WINDOW; n < end; n++) rig.raise(n)
    await until(() => delivered() >= n - WINDOW / 2)
  }
  await until(() => delivered() === EVENTS)
  await rig.close()
}

export const bench: Bench = async () => {
  const receiver = createSocket({ type: 'udp4', recvBufferSize: 8192 }).bind(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address()
  const [ours, plain] = await inTurn(
    () => msOf(() => throughBus(port)),
    () => msOf(() => plainSend(port)),
  )
  receiver.close()
  return [
    atLeast(
      'datagram: events raised, queued and sent',
      rate(EVENTS, ours),
      `${rate(EVENTS, plain)} plain dgram loop, same payload`,
      plain / ours,
      0.8,
    ),
  ]
}
