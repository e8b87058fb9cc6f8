import { afterEach } from 'vitest'
import type { RaisedEvent } from '../../../src/events/event.ts'
import type { Delivery, PayloadFormat } from '../../../src/events/transport.ts'
import http from '../../../transports/http/index.ts'
import { type OpenTransport, openTransport } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { whenUp } from '../../conformance/transport.ts'
import { type Answer, HttpPeer } from './http-peer.ts'

/** Far enough for a loaded machine. */
export const DEADLINE_MS = 20_000

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** Does something at the end of the test, the last thing first. */
export const atEnd = (cleanUp: () => unknown): void => void cleanUps.push(cleanUp)

/** A receiver that answers so; `options` stand in its socket. */
export async function peerThat(answer?: Answer, options = ''): Promise<HttpPeer> {
  const peer = await HttpPeer.open(answer, options)
  atEnd(() => peer.close())
  return peer
}

/** The transport with these parameters. */
export function opened(params: Readonly<Record<string, unknown>> = {}): OpenTransport {
  const transport = openTransport([http], { connect_timeout: 10_000, ...params })
  atEnd(() => transport.close())
  return transport
}

/** Posts one event to a receiver of its own. */
export async function post(
  wishes: {
    readonly answer?: Answer
    readonly options?: string
    readonly params?: Readonly<Record<string, unknown>>
    readonly format?: PayloadFormat
  } = {},
): Promise<{ peer: HttpPeer; event: RaisedEvent; delivery: Delivery }> {
  const peer = await peerThat(wishes.answer, wishes.options)
  const transport = opened(wishes.params)
  const sink = transport.open(peer.socket, wishes.format)
  await whenUp(sink)
  const event = sampleEvent('E_X', ['a'], ['1'])
  const delivery = await sink.send(event, transport.deadline(DEADLINE_MS))
  return { peer, event, delivery }
}
