import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { encodeParams } from '../../src/events/json-rpc.ts'
import stream from '../../transports/stream/index.ts'
import { BENCH_NAMES, benchValues, sendThroughBus, until } from './bus-rig.ts'
import { atLeast, type Bench, inTurn, msOf, rate } from './measure.ts'
import { startReceiver } from './receivers.ts'

const EVENTS = 30_000
/** Requests on their way at a time: what a connection of the transport allows itself. */
const WINDOW = 128
const PARAMS = { reliable_mode: 1, framing: 'newline', timeout: 10_000 }

/** Writes the same requests and reads each reply, a window at a time. */
async function plainRequests(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  const waiting = new Set<number>()
  createInterface({ input: socket }).on('line', line => waiting.delete(JSON.parse(line).id))
  for (let n = 0; n < EVENTS; n++) {
    const params = encodeParams({ name: 'E_BENCH', names: BENCH_NAMES, values: benchValues(n) })
    waiting.add(n + 1)
    socket.write(`{"id":${n + 1},"jsonrpc":"2.0","method":"E_BENCH","params":${params}}\n`)
    if (waiting.size >= WINDOW) await until(() => waiting.size < WINDOW)
  }
  await until(() => waiting.size === 0)
  socket.destroy()
}

export const bench: Bench = async () => {
  const receiver = await startReceiver('lines')
  try {
    const socket = `tcp:127.0.0.1:${receiver.port}`
    const [ours, plain] = await inTurn(
      () => msOf(() => sendThroughBus(EVENTS, stream, socket, PARAMS)),
      () => msOf(() => plainRequests(receiver.port)),
    )
    return [
      atLeast(
        'stream: events raised, queued and answered',
        rate(EVENTS, ours),
        `${rate(EVENTS, plain)} plain socket loop, same window`,
        plain / ours,
        0.8,
      ),
    ]
  } finally {
    await receiver.stop()
  }
}
