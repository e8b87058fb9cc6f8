import { inject, onTestFinished } from 'vitest'
import type { Delivery, Sink } from '../../../src/events/transport.ts'
import rabbitmq from '../../../transports/rabbitmq/index.ts'
import { type OpenTransport, openTransport } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { AmqpQueue } from '../../support/amqp-queue.ts'
import { TcpRelay } from '../../support/tcp-relay.ts'

/** URL of the broker of this run, or null where there is none. */
export const url = inject('rabbitmqUrl')
export const broker = new URL(url ?? 'amqp://guest:guest@127.0.0.1:5672')
export const brokerPort = Number(broker.port || 5672)
/** `user:password` at the broker. */
export const login = `${broker.username || 'guest'}:${broker.password || 'guest'}`

export const DEADLINE_MS = 20_000
/** A loaded machine answers late. */
export const PATIENT = { connect_timeout: 10_000 }

/** Does something at the end of the test, the last thing first. */
export const atEnd = (cleanUp: () => unknown): void =>
  onTestFinished(async () => {
    await cleanUp()
  })

export function opened(params: Readonly<Record<string, unknown>> = {}): OpenTransport {
  const transport = openTransport([rabbitmq], { ...PATIENT, ...params })
  atEnd(() => transport.close())
  return transport
}

export async function ownQueue(options: Parameters<typeof AmqpQueue.open>[1] = {}): Promise<AmqpQueue> {
  const queue = await AmqpQueue.open(broker.href, options)
  atEnd(() => queue.close())
  return queue
}

/** A way to the broker that can fail. */
export async function ownRelay(): Promise<TcpRelay> {
  const relay = await TcpRelay.to(brokerPort)
  atEnd(() => relay.stop())
  return relay
}

/** Text of a socket on the broker of this run. */
export const socketTo = (target: string, credentials = login): string =>
  `rabbitmq:${credentials}@${broker.host}/${target}`

export const sendOne = async (transport: OpenTransport, sink: Sink): Promise<Delivery> =>
  sink.send(sampleEvent('E_ONE', ['n'], [1]), transport.deadline(DEADLINE_MS))

/** Resolves once the sink has been found down. */
export function whenDown(sink: Sink): Promise<void> {
  return new Promise(resolve => {
    const check = () => {
      if (sink.health.state === 'down') resolve()
    }
    sink.onHealth(check)
    check()
  })
}
