import { Pool } from 'undici'
import { jsonRpc } from '../../src/events/json-rpc.ts'
import http from '../../transports/http/index.ts'
import { BENCH_NAMES, benchIdentity, benchValues, sendBare, sendThroughBus } from './bus-rig.ts'
import { atLeast, type Bench, type Claim, inTurn, msOf, rate } from './measure.ts'
import { startReceiver } from './receivers.ts'

const EVENTS = 10_000

/** Posts the same requests over as many connections, and reads every answer. */
async function plainPost(port: number, connections: number): Promise<void> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 })
  await sendBare(EVENTS, connections, async n => {
    const body = jsonRpc.encode({ name: 'E_BENCH', names: BENCH_NAMES, values: benchValues(n) })
    const timestamp = String(Math.floor(Date.now() / 1000))
    const identity = { 'user-agent': 'fanfare', 'webhook-id': benchIdentity(n).id, 'webhook-timestamp': timestamp }
    const headers = { 'content-type': 'application/json', ...identity }
    const { statusCode, body: answer } = await pool.request({ path: '/hook', method: 'POST', headers, body })
    await answer.dump()
    if (statusCode !== 204) throw new Error(`answered ${statusCode}`)
  })
  await pool.close()
}

async function compared(port: number, connections: number): Promise<Claim> {
  const socket = `http://127.0.0.1:${port}/hook#connections=${connections}`
  const [ours, plain] = await inTurn(
    () => msOf(() => sendThroughBus(EVENTS, http, socket)),
    () => msOf(() => plainPost(port, connections)),
    7,
  )
  return atLeast(
    `http: events raised, queued and answered, ${connections} at a time`,
    rate(EVENTS, ours),
    `${rate(EVENTS, plain)} plain undici loop, same connections`,
    plain / ours,
    0.8,
  )
}

export const bench: Bench = async () => {
  const receiver = await startReceiver('http')
  try {
    return [await compared(receiver.port, 1), await compared(receiver.port, 16)]
  } finally {
    await receiver.stop()
  }
}
