/**
 * The serving side of the SIP bench, a process of its own so that its processor time is its own: `proxy FILE PORT` runs
 * a script, `echo` sends back every datagram it gets. Answers what {@link Question} asks over IPC.
 */
import { startFile } from '../../../src/main.ts'
import { cpuUs, heapUsed } from '../measure.ts'
import { loopbackSocket } from './loopback-socket.ts'

/** What the bench asks: processor time so far (microseconds), heap in use (bytes). */
export type Question = 'cpu' | 'heap'

const [role, file = '', port = '0'] = process.argv.slice(2)

async function serveEcho(): Promise<number> {
  const socket = await loopbackSocket()
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address))
  return socket.address().port
}

async function serveScript(): Promise<number> {
  const { proxy, text } = await startFile({ file, sockets: [`udp:127.0.0.1:${port}`], write: () => {} })
  if (proxy === null) throw new Error(`the proxy did not start:\n${text}`)
  return Number(port)
}

const answers: Readonly<Record<Question, () => number>> = { cpu: cpuUs, heap: heapUsed }

const servedPort = role === 'echo' ? await serveEcho() : await serveScript()
process.on('message', (question: Question) => process.send?.(answers[question]()))
process.on('disconnect', () => process.exit(0))
process.send?.(servedPort)
