import { createHash } from 'node:crypto'
import type { EventCodec, WireEvent } from '../../src/events/transport.ts'

/** What is posted: bytes, what they are, and the id that stays the same when they are posted again. */
export interface Payload {
  readonly id: string
  readonly contentType: string
  readonly body: Buffer
}

/** Makes the payload of some events. */
export type Pack = (events: readonly WireEvent[]) => Payload

const OPEN = Buffer.from('[')
const COMMA = Buffer.from(',')
const CLOSE = Buffer.from(']')

/** One event, as it is. */
export function packOne(codec: EventCodec): Pack {
  return ([event]) => {
    if (event === undefined) throw new RangeError('expected one event')
    return { id: event.id, contentType: codec.contentType, body: event.encode(codec) }
  }
}

/**
 * A JSON array of events: a JSON-RPC batch, a CloudEvents batch (CloudEvents HTTP binding §3.3) or an array of objects. Its
 * id follows from those of its events, so the same events have the same id and others another.
 */
export function packBatch(codec: EventCodec): Pack {
  const contentType = codec.contentType.replace('cloudevents+json', 'cloudevents-batch+json')
  return events => {
    const parts: Buffer[] = [OPEN]
    for (const [i, event] of events.entries()) parts.push(...(i === 0 ? [] : [COMMA]), event.encode(codec))
    parts.push(CLOSE)
    return { id: batchId(events), contentType, body: Buffer.concat(parts) }
  }
}

function batchId(events: readonly WireEvent[]): string {
  if (events.length === 1 && events[0] !== undefined) return events[0].id
  const hash = createHash('sha256')
  for (const { id } of events) hash.update(id)
  return `batch_${hash.digest('base64url').slice(0, 27)}`
}
