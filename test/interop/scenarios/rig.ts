import { createSocket, type Socket } from 'node:dgram'
import { connect, type Socket as TcpSocket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import type { DnsClient } from '../../../src/sip/net/dns-client.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { freePort } from '../../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { headerOf, type RequestOptions, type SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'

export { until }

/** A proxy on a script of the scenarios, with time that the test owns. */
export interface Scenario extends Pick<ProxyUnderTest, 'proxy' | 'port' | 'log' | 'folder'> {
  readonly clock: VirtualClock
  readonly miPort: number
  /** Calls a management command. */
  mi(command: string, params?: Readonly<Record<string, unknown>>): Promise<unknown>
  /** The value of a statistic, by its name without group. */
  stat(name: string): number | undefined
  /** How many log lines hold this text. */
  logged(text: string): number
}

/** Starts the script as it stands, on the sockets it names. Every `@NAME@` of `names` is replaced. */
export async function startScenario(
  script: string,
  names: Readonly<Record<string, string | number>> = {},
  dns?: DnsClient,
): Promise<Scenario> {
  const clock = new VirtualClock()
  const miPort = await freePort()
  let text = script.replaceAll('@MI@', String(miPort))
  for (const [name, value] of Object.entries(names)) text = text.replaceAll(`@${name}@`, String(value))
  const started = await startProxy(text, { clock, ownSockets: true, ...(dns === undefined ? {} : { dns }) })
  onTestFinished(async () => {
    // Time stands still, so what a test left unanswered would be waited for in vain.
    await started.proxy.stop(AbortSignal.abort())
    await started.stop()
  })
  const { proxy, port, log, folder } = started
  return {
    proxy,
    port,
    log,
    folder,
    clock,
    miPort,
    mi: (command, params) => proxy.host.mi.call(command, params),
    stat: name => proxy.host.stats.find(name)?.read(),
    logged: part => log.filter(line => line.includes(part)).length,
  }
}

/** Receives datagrams, as event sockets and management clients do, until the end of the test. */
export class Datagrams {
  readonly received: string[] = []
  readonly #socket: Socket
  #taken = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', bytes => void this.received.push(bytes.toString()))
  }

  static async open(): Promise<Datagrams> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 })
    await new Promise<void>(resolve => void socket.bind(0, '127.0.0.1', resolve))
    onTestFinished(() => new Promise<void>(resolve => void socket.close(() => resolve())))
    return new Datagrams(socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  send(bytes: string | Buffer, port: number): void {
    this.#socket.send(bytes, port, '127.0.0.1')
  }

  async next(): Promise<string> {
    const at = this.#taken++
    await until(() => this.received.length > at)
    return this.received[at] ?? ''
  }

  /** The next event: its name and parameters. */
  async nextEvent(): Promise<{ readonly method: string; readonly params: Readonly<Record<string, unknown>> }> {
    return JSON.parse(await this.next())
  }
}

/** A TCP connection to the proxy whose segments the test cuts itself. */
export class Stream {
  /** Everything that came back. */
  text = ''
  isClosed = false
  readonly #socket: TcpSocket

  private constructor(socket: TcpSocket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', bytes => {
      this.text += bytes.toString()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  static async open(port: number): Promise<Stream> {
    const socket = connect({ port, host: '127.0.0.1' })
    const stream = new Stream(socket)
    await new Promise<void>(resolve => void socket.once('connect', resolve))
    onTestFinished(() => void socket.destroy())
    return stream
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0
  }

  write(bytes: string | Buffer): void {
    this.#socket.write(bytes)
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Reads nothing any more. */
  pause(): void {
    this.#socket.pause()
  }

  /** How many replies with this status came. */
  count(status: number): number {
    return this.text.split(`SIP/2.0 ${status} `).length - 1
  }
}

/**
 * Sends a request that no script sees, because its CSeq contradicts it, and waits for the 400: the proxy has then handled
 * everything that was sent before.
 */
export async function roundTrip(ua: SipUa, port: number): Promise<void> {
  const callId = `round-trip-${ua.port}-${ua.received.length}`
  ua.send(ua.makeRequest('INFO', { callId }).replace(/^CSeq: .*$/m, 'CSeq: 1 OTHER'), port)
  await until(() => ua.received.some(message => message.callId === callId))
}

/** Registers a contact of `bob@127.0.0.1` at the agent and waits for the 200. */
export async function register(
  ua: SipUa,
  port: number,
  params = '',
  options: RequestOptions = {},
): Promise<SipMessage> {
  const text = ua
    .makeRequest('REGISTER', { uri: 'sip:127.0.0.1', ...options })
    .replace(/^(Contact: <[^>]*>)/m, `$1${params}`)
  ua.send(text, port)
  return ua.nextReply(200, 'REGISTER')
}

/** Asserts that no transaction is left once everything that absorbs retransmissions has expired. */
export async function expectNothingLeft(scenario: Scenario): Promise<void> {
  await scenario.clock.advance(40_000)
  expect(scenario.stat('inuse_transactions')).toBe(0)
  expect(scenario.log.filter(line => /\b(ERROR|CRITICAL|ALERT):\w+: /.test(line))).toEqual([])
}

/** The branch parameter of the top Via. */
export const branchOf = (message: SipMessage): string => message.topVia?.branch ?? ''

/** The Request-URI and Route headers that a request inside a dialog carries, learnt by the caller from a reply. */
export function callerRoute(reply: SipMessage): Pick<RequestOptions, 'uri' | 'headers' | 'toTag'> {
  const routes = reply.recordRoutes.map(route => `Route: <${route.uri}>\r\n`).toReversed()
  const contact = /<([^>]*)>/.exec(headerOf(reply, 'Contact'))?.[1]
  return { ...(contact === undefined ? {} : { uri: contact }), headers: routes.join(''), toTag: reply.toTag }
}
