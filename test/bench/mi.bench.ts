import { execFile } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import { Logger } from '../../src/log/logger.ts'
import { HttpListener } from '../../src/mi/doors/http.ts'
import { answerJsonRpc } from '../../src/mi/doors/http-json-rpc.ts'
import { ManagementInterface } from '../../src/mi/management-interface.ts'
import { systemClock } from '../../src/util/clock.ts'
import { atLeast, type Bench, cpuUs, inTurn } from './measure.ts'

const REQUESTS = 20_000
const VERSION = 'fanfare 1.0.0 (x64/linux)'
const ASKED = '{"jsonrpc":"2.0","id":1,"method":"core:version"}'
const ANSWERED = `{"jsonrpc":"2.0","result":{"Server":"${VERSION}"},"id":1}`
const CLIENT = join(import.meta.dirname, 'mi-client.ts')
const run = promisify(execFile)

/** Requests per second of processor time of this process, while another one asks. */
async function perCpuSecond(port: number): Promise<number> {
  const before = cpuUs()
  await run(process.execPath, ['--disable-warning=ExperimentalWarning', CLIENT, `${port}`, `${REQUESTS}`, ASKED])
  return (REQUESTS * 1e6) / (cpuUs() - before)
}

/** The least that a handler does: it takes the body and gives the same bytes. */
async function openBare(): Promise<{ port: number; close(): Promise<void> }> {
  const app = Fastify()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const bytes = Buffer.from(ANSWERED)
  app.post('/mi', (_request, reply) => reply.header('Content-Type', 'application/json').send(bytes))
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

/** Management over HTTP against a bare handler of the same server. */
export const bench: Bench = async () => {
  const bare = await openBare()
  const management = await openManagement()
  const [ours, theirs] = await inTurn(
    () => perCpuSecond(management.port),
    () => perCpuSecond(bare.port),
  )
  await Promise.all([bare.close(), management.close()])
  const shown = (value: number): string => `${Math.round(value / 1000)} k/CPU s`
  return [atLeast('management requests over HTTP, per CPU second', shown(ours), shown(theirs), ours / theirs, 0.7)]
}
