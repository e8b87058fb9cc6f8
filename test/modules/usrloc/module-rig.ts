import { BinSockets } from '../../../src/cluster/bin-sockets.ts'
import { EventBus } from '../../../src/events/bus.ts'
import { jsonRpc } from '../../../src/events/json-rpc.ts'
import { ManagementInterface } from '../../../src/mi/management-interface.ts'
import type { Host } from '../../../src/module/define.ts'
import { defineModule } from '../../../src/module/define.ts'
import { type AnyModule, loadOrder } from '../../../src/module/load-order.ts'
import { type ScriptTables, setUpModules } from '../../../src/module/set-up.ts'
import { Hooks } from '../../../src/proxy/hooks.ts'
import { ENGINE_DEFAULTS } from '../../../src/proxy/options.ts'
import { MessageWriter } from '../../../src/proxy/writing.ts'
import type { Arg, PvarRef } from '../../../src/script/args.ts'
import { AvpStore } from '../../../src/script/avp.ts'
import { RouteContext, type RouteKind, type Step, target } from '../../../src/script/context.ts'
import { compileEre } from '../../../src/script/ere.ts'
import { defaultSettings } from '../../../src/script/settings.ts'
import { Edits } from '../../../src/sip/codec/edits.ts'
import { SipMessage } from '../../../src/sip/codec/message.ts'
import type { ListenSocket, Origin } from '../../../src/sip/net/endpoint.ts'
import { StatisticsRegistry } from '../../../src/stats/stats.ts'
import { StatusReports } from '../../../src/stats/status-report.ts'
import type { Value } from '../../../src/util/spec.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { recordingLog } from '../../sip/net/peers.ts'

export function listenSocket(text: string): ListenSocket {
  const [, proto, address, port] = /^(\w+):\[?(.*?)\]?:(\d+)$/.exec(text)!
  return {
    proto: proto as ListenSocket['proto'],
    address: address!,
    port: Number(port),
    advertisedHost: null,
    advertisedPort: null,
    tag: null,
    text,
  }
}

/** A script variable that holds a stack of values, as an AVP does. */
export class TestVariable implements PvarRef {
  readonly text: string
  readonly writable = true
  values: Value[] = []
  constructor(text: string, ...values: Value[]) {
    this.text = text
    this.values = values
  }
  get(): Value {
    return this.values[0] ?? null
  }
  all(): readonly Value[] {
    return this.values
  }
  set(_m: RouteContext, value: Value, replace = false): boolean {
    this.values = replace ? [value] : [value, ...this.values]
    return true
  }
}

export interface RigOptions {
  readonly params?: Readonly<Record<string, Readonly<Record<string, string | number>>>>
  readonly settings?: Readonly<Record<string, string | number>>
  readonly sockets?: readonly string[]
  readonly variables?: readonly TestVariable[]
  readonly startMs?: number
  /** Instead of the one without network. */
  readonly proxy?: Host['proxy']
}

/** A constant argument as a script would give it. */
function constantArg(value: unknown, kind: string): Arg<unknown> {
  const constant = kind === 'regex' ? compileEre(String(value), { ignoreCase: true, newline: true }) : value
  return {
    constant,
    text: String(value),
    read: () => constant,
    reject: message => {
      throw new Error(message)
    },
  }
}

/** Modules set up on a proxy without network: messages are given in as text, and what would be sent comes back as text. */
export function moduleRig(modules: readonly AnyModule[], options: RigOptions = {}) {
  const clock = new VirtualClock(options.startMs)
  const log = recordingLog()
  const stats = new StatisticsRegistry()
  const settings = { ...defaultSettings(), ...options.settings } as Host['settings']
  const bus = new EventBus({ clock, log, era: settings.era })
  const events: string[] = []
  bus.tail(event => void events.push(jsonRpc.encode(event).toString()))
  const sockets = (options.sockets ?? ['udp:127.0.0.1:5060']).map(listenSocket)
  const writer = new MessageWriter(ENGINE_DEFAULTS)
  const replies: string[] = []
  const proxy = {
    sockets,
    isMyself: (host: string, port = 0) => sockets.some(s => s.address === host && (port === 0 || s.port === port)),
    findSocket: (text: string) => sockets.find(s => s.text === text),
    hooks: new Hooks(writer),
  }
  const variables = new Map((options.variables ?? []).map(variable => [variable.text, variable]))
  const mi = new ManagementInterface(log, clock)
  const flags: string[] = []
  const flagBit = (name: string) => 1 << (flags.includes(name) ? flags.indexOf(name) : flags.push(name) - 1)
  const host = {
    clock,
    log,
    stats,
    status: new StatusReports(clock),
    binSockets: new BinSockets(),
    settings,
    bus,
    mi,
    proxy: options.proxy ?? proxy,
    logger: { part: () => log },
    script: {
      variable: (text: string) => variables.get(text),
      branchFlagBit: flagBit,
      branchFlagNames: (mask: number) => flags.filter((_, bit) => (mask & (1 << bit)) !== 0).join(' '),
    },
  } as unknown as Host
  const signaling = defineModule({ name: 'signaling', doc: '' }, () => ({
    api: {
      reply: (m: RouteContext, status: number, reason: string) => {
        replies.push(writer.reply(m, { status, reason, toTag: 'ours' }).toString())
        return 1
      },
    },
  }))
  const tables: ScriptTables = { functions: new Map(), pvars: new Map(), events: new Set() }
  const { order } = loadOrder([signaling, ...modules])
  const given = (name: string) => new Map(Object.entries(options.params?.[name] ?? {}))
  const loaded = setUpModules(order, spec => given(spec.name), host, tables)

  const build = (name: string, ...args: unknown[]): Step => {
    const found = tables.functions.get(name)
    if (found === undefined) throw new Error(`no function ${name}`)
    const built = found.args.map((spec, i) => (args[i] === undefined ? undefined : constantArg(args[i], spec.kind)))
    return (found.build as (...args: unknown[]) => Step)(...built)
  }
  return {
    clock,
    bus,
    mi,
    stats,
    log,
    replies,
    tables,
    sockets,
    host,
    apis: new Map<string, unknown>(loaded.map(({ spec, handlers }) => [spec.name, handlers.api])),
    build,
    start: () => {
      for (const { handlers } of loaded) void handlers.start?.(new AbortController().signal)
    },
    stop: () => {
      for (const { handlers } of loaded.toReversed()) void handlers.stop?.(new AbortController().signal)
    },
    /** Events raised since the last call, as they go over the wire. */
    raised: () => events.splice(0),
    /** Calls a script function with constant arguments. */
    call: (m: RouteContext, name: string, ...args: unknown[]) => build(name, ...args)(m),
    command: (name: string, params?: unknown) => mi.call(name, params),
    context: (text: string, kind: RouteKind = 'request', arrival = sockets[0]!) => contextOf(text, kind, arrival),
    /** The request as it would go out by a socket. */
    sent: (m: RouteContext, socket = sockets[0]!) => {
      const hop = { proto: socket.proto, address: '127.0.0.1', port: 9, connectionId: 0 }
      return writer.request(m, { target: m.target, hop, socket }, 'z9hG4bKout').toString()
    },
  }
}

/** A context for the message; in a text, a `\n` alone ends a line too. */
export function contextOf(message: string | Buffer, kind: RouteKind, arrival: ListenSocket): RouteContext {
  const bytes = typeof message === 'string' ? Buffer.from(message.replaceAll(/\r?\n/g, '\r\n')) : message
  const parsed = SipMessage.parse(bytes)
  if (parsed === null) throw new Error(`no SIP message: ${message}`)
  const origin: Origin = { proto: arrival.proto, address: '127.0.0.1', port: 5071, socket: arrival, connectionId: 0 }
  return new RouteContext({
    kind,
    message: parsed,
    origin,
    target: target(parsed.requestUri),
    edits: new Edits(),
    avps: new AvpStore(),
    vars: [],
  })
}

/** Value of a header in a message's text, or null. */
export function headerOf(message: string, name: string): string | null {
  const lines = message.split('\r\n')
  const line = lines.find(one => one.toLowerCase().startsWith(`${name.toLowerCase()}:`))
  return line === undefined ? null : line.slice(name.length + 1).trim()
}
