import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { jsonRpc } from '../../src/events/json-rpc.ts'
import datagram from '../../transports/datagram/index.ts'
import { benchBus, until } from './bus-rig.ts'
import { atLeast, type Bench, inTurn, msOf, rate } from './measure.ts'

const EVENTS = 100_000
const WINDOW = 1000

/** Sends datagrams of the same bytes, a window at a time: the least that any sender does. */
async function plainSend(port: number): Promise<void> {
  const socket = createSocket('udp4')
  let inFlight = 0
  for (let n = 0; n < EVENTS; n++) {
    const bytes = jsonRpc.encode({
      name: 'E_BENCH',
      names: ['aor', 'uri', 'callid', 'cseq', 'expires', 'user_agent'],
      values: [
        `user${n}@example.org`,
        `sip:user${n}@192.0.2.7:5060`,
        `a84b4c76e66710-${n}@pc33.example.org`,
        n,
        3600,
        'Bench/1.0',
      ],
    })
    inFlight++
    socket.send(bytes, port, '127.0.0.1', () => inFlight--)
    if (inFlight >= WINDOW) await until(() => inFlight < WINDOW / 2)
  }
  await until(() => inFlight === 0)
  socket.close()
}

async function throughBus(port: number): Promise<void> {
  const rig = benchBus([datagram])
  rig.bus.subscribe({ event: 'E_BENCH', socket: `udp:127.0.0.1:${port}`, expireS: null, by: 'script' })
  const delivered = (): number => rig.bus.subscriptions('E_BENCH')[0]?.counters.delivered ?? 0
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
