import type { EventCodec, WireEvent } from '../../src/events/transport.ts'

/** How the messages of a socket differ from the common JSON-RPC payload. */
export interface MessageStyle {
  /** Stands in the place of the event's name. */
  readonly method: string | undefined
  /** The name of the event becomes the first parameter, under this key where parameters have names. */
  readonly eventParam: string | undefined
  /** `params` is there even when the event has none (2.x). */
  readonly alwaysParams: boolean
}

const HEAD = '{"jsonrpc":"2.0","method":'
const PARAMS = ',"params":'

/**
 * The JSON-RPC payload (events reference §3.0) with another method, with the name of the event among the parameters (before
 * all others; not where there are none), or with `params` in any case. `common` is the payload it is made from; where
 * nothing differs it is given back itself, so that an event is encoded once for all transports.
 */
export function messageCodec(common: EventCodec, style: MessageStyle): EventCodec {
  if (style.method === undefined && style.eventParam === undefined && !style.alwaysParams) return common
  const method = style.method === undefined ? undefined : JSON.stringify(style.method)
  const key = style.eventParam === undefined ? undefined : JSON.stringify(style.eventParam)
  return {
    name: 'jsonrpc-stream',
    contentType: common.contentType,
    encode: event => {
      const name = JSON.stringify(event.name.toWellFormed())
      const tail = tailOf(event, common, name)
      return Buffer.concat([
        Buffer.from(`${HEAD}${method ?? name}`),
        tail.length > 1
          ? withName(tail, event.values.length === 0 ? undefined : key, name)
          : Buffer.from(style.alwaysParams ? `${PARAMS}{}}` : '}'),
      ])
    },
  }
}

/** What follows the method: `}` or `,"params":…}`. */
function tailOf(event: WireEvent, common: EventCodec, name: string): Buffer {
  return event.encode(common).subarray(HEAD.length + Buffer.byteLength(name))
}

function withName(tail: Buffer, key: string | undefined, name: string): Buffer {
  if (key === undefined) return tail
  const inside = PARAMS.length + 1
  const isObject = tail[PARAMS.length] === 0x7b
  const isEmpty = tail.length === inside + 2
  const first = `${isObject ? `${key}:` : ''}${name}${isEmpty ? '' : ','}`
  return Buffer.concat([tail.subarray(0, inside), Buffer.from(first), tail.subarray(inside)])
}

/** A payload with an `id` before everything else. The payload is left as it is. */
export function withId(payload: Buffer, id: number | null): Buffer {
  return Buffer.concat([Buffer.from(`{"id":${id},`), payload.subarray(1)])
}
