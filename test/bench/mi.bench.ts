import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import { Logger } from '../../src/log/logger.ts'
import { HttpListener } from '../../src/mi/doors/http.ts'
import { answerJsonRpc } from '../../src/mi/doors/http-json-rpc.ts'
import { ManagementInterface } from '../../src/mi/management-interface.ts'
import { systemClock } from '../../src/util/clock.ts'
import { atLeast, type Bench, cpuUs, inPairs } from './measure.ts'
import type { Order } from './mi-client.ts'

/** Requests of one round: a fraction of a second, so that what else the machine does meets both sides of a pair alike. */
const REQUESTS = 4000
/** Requests that each side answers before it is measured, until what runs often has been compiled for good. */
const WARM_UP = 60_000
const PAIRS = 60
const VERSION = 'fanfare 1.0.0 (x64/linux)'
const ASKED = '{"jsonrpc":"2.0","id":1,"method":"core:version"}'
const ANSWERED = `{"jsonrpc":"2.0","result":{"Server":"${VERSION}"},"id":1}`

/** Has another process ask, and gives the requests for each second of processor time of this one. */
class Asker {
  readonly #client = fork(join(import.meta.dirname, 'mi-client.ts'), [ASKED], { execArgv: [] })
  readonly #ended = once(this.#client, 'exit')

  async perCpuSecond(port: number, count = REQUESTS): Promise<number> {
    const before = cpuUs()
    const order: Order = { port, count }
    this.#client.send(order)
    const [answer] = await Promise.race([once(this.#client, 'message'), this.#ended])
    if (answer !== 'done') throw new Error(`the asking process ended with status ${answer}`)
    return (count * 1e6) / (cpuUs() - before)
  }

  close(): void {
    this.#client.disconnect()
  }
}

/** The least that a handler does: it takes the body and gives the same bytes, as a text, which Fastify sends faster than a buffer. */
async function openBare(): Promise<{ port: number; close(): Promise<void> }> {
  const app = Fastify()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  // Without a serializer it would add a charset to the content type.
  const asItIs = (text: unknown): string => text as string
  app.post('/mi', (_request, reply) =>
    reply.header('Content-Type', 'application/json').serializer(asItIs).send(ANSWERED),
  )
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
}

async function openManagement(): Promise<{ port: number; close(): Promise<void> }> {
  const log = new Logger({ clock: systemClock, write: () => {} }).part('mi')
  const mi = new ManagementInterface(log, systemClock)
  mi.register(
    'core',
    { version: { args: [], doc: '', aliases: ['version'] } },
    { version: () => ({ Server: VERSION }) },
  )
  const listener = new HttpListener({ host: '127.0.0.1', port: 0, maxBodyBytes: 1e7, receiveTimeoutMs: 30_000 }, log)
  listener.mount('mi', 'mi_http', request => answerJsonRpc(mi, request, false))
  const { port } = await listener.open()
  return { port, close: () => listener.close() }
}

/**
 * Management over HTTP against a bare handler of the same server. With what else runs on the machine, a request costs half as much
 * again in one second as in the next, which is more than the two sides differ by. So the rounds are many and short and go in pairs,
 * either side first in turn, and what counts is the median of the ratios within the pairs, not the ratio of two medians.
 */
export const bench: Bench = async () => {
  const bare = await openBare()
  const management = await openManagement()
  const asker = new Asker()
  for (const { port } of [management, bare]) await asker.perCpuSecond(port, WARM_UP)
  const [ours, theirs, ratio] = await inPairs(
    () => asker.perCpuSecond(management.port),
    () => asker.perCpuSecond(bare.port),
    PAIRS,
  )
  asker.close()
  await Promise.all([bare.close(), management.close()])
  const shown = (value: number): string => `${Math.round(value / 1000)} k/CPU s`
  return [atLeast('management requests over HTTP, per CPU second', shown(ours), shown(theirs), ratio, 0.7)]
}
