import { onTestFinished } from 'vitest'
import { type EngineParts, ProxyEngine } from '../../src/proxy/engine.ts'
import type { EngineOptions } from '../../src/proxy/options.ts'
import { AvpStore } from '../../src/script/avp.ts'
import { RouteContext, type Step, target } from '../../src/script/context.ts'
import { Edits } from '../../src/sip/codec/edits.ts'
import { SipMessage } from '../../src/sip/codec/message.ts'
import { DnsCache } from '../../src/sip/net/dns-cache.ts'
import type { ListenSocket, Proto } from '../../src/sip/net/endpoint.ts'
import { Network, type NetworkOptions } from '../../src/sip/net/network.ts'
import { HopResolver } from '../../src/sip/net/resolve.ts'
import type { SocketDefinition } from '../../src/sip/net/socket-definition.ts'
import { StatisticsRegistry } from '../../src/stats/stats.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { recordingLog } from '../sip/net/peers.ts'

/** Contexts as a script without variables would make them. */
export const makeContext: EngineParts['makeContext'] = (kind, message, origin) =>
  new RouteContext({
    kind,
    message,
    origin,
    target: target(message.requestUri),
    edits: new Edits(),
    avps: new AvpStore(),
    vars: [],
  })

interface RigOptions {
  readonly sockets?: readonly SocketDefinition[]
  readonly engine?: Partial<EngineOptions>
  readonly network?: Partial<NetworkOptions>
  readonly main?: Step
  readonly makeContext?: EngineParts['makeContext']
  readonly onreply?: Step
  readonly error?: Step
  /** What DNS knows, name → IPv4 address. */
  readonly hosts?: Readonly<Record<string, string>>
}

/** A proxy engine on ephemeral ports of 127.0.0.1, UDP and TCP unless said otherwise. Closed with the test. */
export async function engineRig(options: RigOptions = {}) {
  const clock = new VirtualClock()
  const stats = new StatisticsRegistry()
  const log = recordingLog()
  const network = new Network({ clock, log, stats, options: { connectTimeoutMs: 60_000, ...options.network } })
  const hosts = options.hosts ?? {}
  const dns = new DnsCache(
    {
      addresses: async host => (hosts[host] === undefined ? [] : [{ address: hosts[host], ttlS: 60 }]),
      srv: async () => [],
      naptr: async () => [],
    },
    clock,
  )
  const resolver = new HopResolver(dns, () => network.sockets, { tryNaptr: false, tryIpv6: false })
  const engine = new ProxyEngine({
    network,
    resolver,
    clock,
    log,
    stats,
    makeContext: options.makeContext ?? makeContext,
    ...(options.engine && { options: options.engine }),
  })
  engine.routes = { main: options.main ?? null, onreply: options.onreply ?? null, error: options.error ?? null }
  onTestFinished(() => network.close())
  await network.open(
    options.sockets ?? [
      { proto: 'udp', host: '127.0.0.1', port: 0 },
      { proto: 'tcp', host: '127.0.0.1', port: 0 },
    ],
  )
  const socket = (proto: Proto): ListenSocket => {
    const found = network.sockets.find(candidate => candidate.proto === proto)
    if (found === undefined) throw new Error(`no ${proto} socket`)
    return found
  }
  const count = (name: string) => stats.find(`core:${name}`)?.read()
  return { engine, network, clock, stats, log, resolver, socket, count }
}

/** Runs `step` for the first message and gives what it was called with. */
export function captured(): { readonly step: Step; readonly first: Promise<RouteContext> } {
  let give: (m: RouteContext) => void = () => {}
  const first = new Promise<RouteContext>(resolve => {
    give = resolve
  })
  return {
    first,
    step: m => {
      give(m)
      return 1
    },
  }
}

interface RequestFacts {
  readonly method?: string
  readonly uri?: string
  readonly via?: string
  readonly branch?: string
  readonly cseq?: string
  /** Further header lines, each with CRLF. */
  readonly headers?: string
  readonly body?: string
}

/** The text of a well-formed request. */
export function request(facts: RequestFacts = {}): string {
  const { method = 'OPTIONS', uri = 'sip:bob@example.com', branch = 'z9hG4bKone', body = '', headers = '' } = facts
  const via = facts.via ?? `SIP/2.0/UDP 127.0.0.1:5999;branch=${branch}`
  return `${method} ${uri} SIP/2.0\r
Via: ${via}\r
From: <sip:alice@example.com>;tag=a1\r
To: <sip:bob@example.com>\r
Call-ID: call-1@example.com\r
CSeq: ${facts.cseq ?? `7 ${method}`}\r
${headers}Content-Length: ${body.length}\r
\r
${body}`
}

/** The text of a reply with these Via values, topmost first. */
export function reply(vias: readonly string[], status = '200 OK', headers = ''): string {
  return `SIP/2.0 ${status}\r
${vias.map(via => `Via: ${via}\r\n`).join('')}From: <sip:alice@example.com>;tag=a1\r
To: <sip:bob@example.com>;tag=b1\r
Call-ID: call-1@example.com\r
CSeq: 7 OPTIONS\r
${headers}Content-Length: 0\r
\r
`
}

/** A message that must be one. */
export function parsed(text: string): SipMessage {
  const message = SipMessage.parse(Buffer.from(text, 'latin1'))
  if (message === null) throw new Error(`no SIP message: ${text}`)
  return message
}

/** The request a UAS got, as its own reply to it. */
export function replyTo(received: string, status = '200 OK'): string {
  return reply(
    parsed(received).vias.map(via => received.slice(via.start, via.end)),
    status,
  )
}
