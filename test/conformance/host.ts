import { BufferedSink } from '../../src/events/buffered-sink.ts'
import { messageCodec } from '../../src/events/formats.ts'
import { SinkPool, type SinkWishes } from '../../src/events/sink-pool.ts'
import {
  type Address,
  AddressError,
  MESSAGE_FORMATS,
  type PayloadFormat,
  type Sink,
  type Transport,
  type TransportHandlers,
  type TransportHost,
  type TransportModule,
  type TransportSpec,
} from '../../src/events/transport.ts'
import type { Log } from '../../src/log/log.ts'
import { type Clock, systemClock } from '../../src/util/clock.ts'

/** A log that says nothing. */
export const silentLog: Log = {
  alert: () => undefined,
  crit: () => undefined,
  error: () => undefined,
  warn: () => undefined,
  notice: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLog,
  often: () => silentLog,
  enabled: () => false,
}

/** Transports set up and ready to open sinks, without a bus. */
export interface OpenTransport {
  readonly host: TransportHost
  parse(text: string): Address
  open(text: string, format?: PayloadFormat): Sink
  /** The moment `ms` from now, as `send` wants it. */
  deadline(ms: number): number
  /** A moment for the far end to change. */
  pause(): Promise<void>
  /** Closes every sink, then stops the modules. */
  close(): Promise<void>
}

/** What a module's setup gets, with the parameters given over the defaults. */
export function setUpTransport(
  module: TransportModule,
  params: Readonly<Record<string, unknown>> = {},
  clock: Clock = systemClock,
): TransportHandlers<TransportSpec> {
  const { spec } = module
  const defaults = Object.fromEntries(
    Object.entries(spec.params ?? {}).map(([name, param]) => [name, param.repeat ? [] : param.default]),
  )
  const stats = Object.fromEntries(Object.keys(spec.stats ?? {}).map(name => [name, { value: 0, read: () => 0 }]))
  const raise = Object.fromEntries(Object.keys(spec.events ?? {}).map(name => [name, () => undefined]))
  return module.setup({
    params: { ...defaults, ...params } as never,
    log: silentLog,
    clock,
    stats: stats as never,
    raise: raise as never,
    expand: format => format,
    tlsDomain: () => undefined,
  })
}

/** Sets up transports side by side. `params` are those of the first; `route` finds event routes, of which there are none by default. */
export function openTransport(
  modules: readonly TransportModule[],
  params: Readonly<Record<string, unknown>> = {},
  clock: Clock = systemClock,
  route: TransportHost['route'] = () => undefined,
): OpenTransport {
  const set = modules.map((module, i) => setUpTransport(module, i === 0 ? params : {}, clock))
  const transports = new Map<string, Transport>()
  for (const { transports: some } of set) for (const transport of some) transports.set(transport.scheme, transport)
  const opened: Sink[] = []

  const transportOf = (scheme: string, text: string): Transport => {
    const transport = transports.get(scheme)
    if (transport === undefined) throw new AddressError(`no transport has the scheme "${scheme}"`, text, 0)
    return transport
  }
  const parse = (text: string): Address => {
    const colon = text.indexOf(':')
    const scheme = colon < 0 ? text : text.slice(0, colon)
    return transportOf(scheme, text).parse(text.slice(scheme.length + 1), { parse, route })
  }
  const pool = new SinkPool((address, wishes) =>
    transportOf(address.scheme, address.text).open(address, hostFor(wishes)),
  )
  const hostFor = (wishes: SinkWishes): TransportHost => ({
    log: silentLog,
    clock,
    format: wishes.format,
    key: wishes.key,
    codec: (framing, preferred) =>
      messageCodec(MESSAGE_FORMATS.find(one => one === wishes.format) ?? preferred ?? 'jsonrpc', framing),
    buffered: link => new BufferedSink(link, clock, silentLog),
    sink: address => pool.acquire(address, wishes, transportOf(address.scheme, address.text).perSubscription === true),
    parse,
    route,
  })

  return {
    host: hostFor({}),
    parse,
    open: (text, format) => {
      const sink = pool.acquire(parse(text), { format }, false)
      opened.push(sink)
      return sink
    },
    deadline: ms => clock.monotonicMs() + ms,
    pause: () => new Promise(resolve => setTimeout(resolve, 5)),
    close: async () => {
      const signal = AbortSignal.timeout(2_000)
      await Promise.all(opened.map(sink => sink.close(signal)))
      for (const { stop } of set) await stop?.()
    },
  }
}
