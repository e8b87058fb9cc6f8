import { randomInt } from 'node:crypto'
import type { EventCodec, Transport } from '../../src/events/transport.ts'
import type { Clock } from '../../src/util/clock.ts'
import { parseStreamAddress, type StreamAddress } from './address.ts'
import { StreamConnections } from './connections.ts'
import { StreamLink } from './link.ts'
import { messageCodec } from './message.ts'

/** What a module of this folder is told by its script. */
export interface StreamSettings {
  /** Messages are requests that the peer must answer. */
  readonly isReliable: boolean
  readonly timeoutMs: number
  readonly eventParam: string | undefined
  readonly endsLines: boolean
  /** The messages of 2.x: `id` is `null` where there is none, `params` always there. */
  readonly isLegacy: boolean
}

/** Reads the module parameter `framing`. Throws Error that says what `module` expects. */
export function endsLinesOf(module: string, framing: string): boolean {
  if (framing !== 'none' && framing !== 'newline')
    throw new Error(`${module}: framing must be none or newline, not "${framing}"`)
  return framing === 'newline'
}

/** The transport of one scheme, with connections of its own. */
export function streamTransport(scheme: string, clock: Clock, settings: StreamSettings): Transport<StreamAddress> {
  const { isReliable, timeoutMs, eventParam, endsLines, isLegacy } = settings
  const connections = new StreamConnections(clock, isReliable)
  const nextId = isReliable ? ids() : undefined
  // One codec a method, so that an event is encoded once for all peers that are called with it.
  const codecs = new Map<string | undefined, EventCodec>()
  return {
    scheme,
    parse: rest => parseStreamAddress(scheme, rest),
    formats: [],
    open(address, host) {
      const { method } = address
      const common = host.codec('message', 'jsonrpc')
      const codec = codecs.get(method) ?? messageCodec(common, { method, eventParam, alwaysParams: isLegacy })
      codecs.set(method, codec)
      const options = { clock, codec, connections, timeoutMs, nextId, showsNoId: isLegacy, endsLines }
      return host.buffered(new StreamLink(address, options))
    },
  }
}

/** Positive integers from a random start, so that those of an earlier run are not mistaken for ours. */
function ids(): () => number {
  let last = randomInt(2 ** 30)
  return () => (last = last >= 2 ** 31 - 1 ? 1 : last + 1)
}
