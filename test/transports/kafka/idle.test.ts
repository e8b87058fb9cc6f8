import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { expect, it, onTestFinished, vi } from 'vitest'
import module from '../../../transports/kafka/index.ts'
import { setUpTransport } from '../../conformance/host.ts'

/** The APIs that the client is told of, each from version 0 on: Produce, Metadata, ApiVersions. */
const APIS = [
  [0, 7],
  [3, 6],
  [18, 2],
] as const

/**
 * Answers each request as ApiVersions v1 and v2 are (Kafka protocol, "ApiVersions"):
 * `correlation_id error_code [api_key min_version max_version] throttle_time_ms`.
 */
async function openBroker(): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', (request: Buffer) => {
      const answer = Buffer.alloc(18 + APIS.length * 6)
      answer.writeInt32BE(answer.length - 4, 0)
      answer.writeInt32BE(request.readInt32BE(8), 4)
      answer.writeInt32BE(APIS.length, 10)
      for (const [i, [key, version]] of APIS.entries()) {
        answer.writeInt16BE(key, 14 + i * 6)
        answer.writeInt16BE(version, 18 + i * 6)
      }
      socket.write(answer)
    })
    onTestFinished(() => void socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

it('a connection that has nothing to send wakes nobody up, and Node has nothing to warn of', async () => {
  setUpTransport(module)
  const warnings: string[] = []
  const warned = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', warned)
  onTestFinished(() => void process.off('warning', warned))
  const { Kafka, Partitioners, logLevel } = kafkajs
  const client = new Kafka({ brokers: [`127.0.0.1:${await openBroker()}`], logLevel: logLevel.NOTHING })
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  onTestFinished(() => producer.disconnect())
  const timeouts = vi.spyOn(globalThis, 'setTimeout')
  onTestFinished(() => timeouts.mockRestore())
  await producer.connect()
  const atFirst = timeouts.mock.calls.length
  // Real time: the client's timers know no other.
  await pause(100)
  expect(timeouts.mock.calls.length - atFirst).toBe(0)
  expect(timeouts.mock.calls.map(([, ms]) => ms ?? 0).filter(ms => ms < 0)).toEqual([])
  expect(warnings).toEqual([])
})
