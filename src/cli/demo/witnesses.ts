import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import type { Subscription } from '../../events/subscription.ts'

const POLL_MS = 50
const ARRIVAL_TIMEOUT_MS = 5000

/**
 * The consumers of the demo: a file being tailed, a UDP receiver, and the log in which the event routes write. They
 * show what they get and count it, so that the table at the end says what truly arrived.
 */
export class Witnesses {
  readonly #receiver: Socket
  readonly #file: string
  readonly #say: (line: string) => void
  /** `socket event` → how many arrived. */
  readonly #arrived = new Map<string, number>()
  readonly #poll: NodeJS.Timeout
  #readBytes = 0
  #rest = ''

  /** The socket by which events reach the receiver. */
  readonly #address: string
  private constructor(receiver: Socket, file: string, say: (line: string) => void) {
    this.#receiver = receiver
    this.#address = `udp:127.0.0.1:${receiver.address().port}`
    this.#file = file
    this.#say = say
    receiver.on('message', bytes => this.#datagram(bytes.toString()))
    this.#poll = setInterval(() => this.#readFile(), POLL_MS)
  }

  static async open(port: number, file: string, say: (line: string) => void): Promise<Witnesses> {
    const receiver = createSocket('udp4')
    receiver.bind(port, '127.0.0.1')
    await once(receiver, 'listening')
    return new Witnesses(receiver, file, say)
  }

  /** Takes a line of the proxy's log: those that event routes write are events that arrived. */
  log(line: string): void {
    const text = /event_route (E_\w+): (.*)/.exec(line)
    if (text === null) return
    this.#count(`route:${text[1]}`, text[1] ?? '', `event_route  ${text[1]}: ${text[2]}`)
  }

  /** Waits until as much arrived as was raised for every subscription. Gives false when it does not in time. */
  async allArrived(subscriptions: readonly Subscription[]): Promise<boolean> {
    const complete = (): boolean =>
      subscriptions.every(s => s.counters.raised > 0 && this.#received(s) === raisedFor(s, subscriptions))
    for (let waitedMs = 0; !complete() && waitedMs < ARRIVAL_TIMEOUT_MS; waitedMs += POLL_MS)
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    return complete()
  }

  /** The table event × subscriber. */
  table(subscriptions: readonly Subscription[]): string {
    const rows = subscriptions.map(s => [
      s.event,
      s.socket,
      s.filterText ?? '',
      String(s.counters.raised),
      String(s.counters.delivered),
      String(this.#received(s)),
    ])
    const all = [['event', 'subscriber', 'filter', 'raised', 'delivered', 'seen'], ...rows]
    const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map(row => (row[column] ?? '').length)))
    const lines = all.map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    return [lines[0], widths.map(width => '─'.repeat(width)).join('  '), ...lines.slice(1)].join('\n')
  }

  async close(): Promise<void> {
    clearInterval(this.#poll)
    this.#receiver.close()
    await once(this.#receiver, 'close')
  }

  #received(subscription: Subscription): number {
    return this.#arrived.get(`${subscription.socket} ${subscription.event}`) ?? 0
  }

  #count(socket: string, event: string, line: string): void {
    const key = `${socket} ${event}`
    this.#arrived.set(key, (this.#arrived.get(key) ?? 0) + 1)
    this.#say(`   ${line}`)
  }

  #datagram(text: string): void {
    this.#count(this.#address, JSON.parse(text).method, `udp          ${text}`)
  }

  #readFile(): void {
    if (!existsSync(this.#file)) return
    const fd = openSync(this.#file, 'r')
    const buffer = Buffer.alloc(65536)
    const length = readSync(fd, buffer, 0, buffer.length, this.#readBytes)
    closeSync(fd)
    this.#readBytes += length
    const lines = (this.#rest + buffer.toString('utf8', 0, length)).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines)
      this.#count(`flatstore:${this.#file}`, line.split(',', 1)[0] ?? '', `flatstore    ${line}`)
  }
}

/** What was raised for all subscriptions of one socket to one event: what arrives there does not say for which of them. */
function raisedFor({ socket, event }: Subscription, all: readonly Subscription[]): number {
  return all
    .filter(other => other.socket === socket && other.event === event)
    .reduce((sum, other) => sum + other.counters.raised, 0)
}
