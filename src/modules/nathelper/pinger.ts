import type { Log } from '../../log/log.ts'
import type { SipProxy } from '../../proxy/proxy.ts'
import type { RouteContext } from '../../script/context.ts'
import { parseNameAddrList } from '../../sip/codec/name-addr.ts'
import type { Hop, ListenSocket } from '../../sip/net/endpoint.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'
import type { Contact, Location } from './location.ts'
import { LostPings } from './lost-pings.ts'
import { pingRequest } from './ping-request.ts'
import { type Located, Round } from './round.ts'

/** Masks of branch flags, 0 for one that is not set. */
export interface PingFlags {
  /** Of contacts behind NAT; null: every contact is pinged. */
  readonly nated: number | null
  readonly request: number
  readonly latency: number
  readonly remove: number
}

export interface PingerParts {
  readonly clock: Clock
  readonly log: Log
  readonly proxy: Pick<SipProxy, 'resolve' | 'socketFor' | 'send' | 'viaValue'>
  readonly location: Location
  /** Whether pinging is this node's work, of several that could do it. */
  readonly isActive: () => boolean
  readonly flags: PingFlags
  readonly intervalS: number
  readonly thresholdMs: number
  readonly mostLost: number
  readonly method: string
  readonly from: string
  readonly pingsConnections: boolean
  /** Statuses that are no answer. */
  readonly ignored: ReadonlySet<number>
  readonly counters: { readonly [N in 'pings_sent' | 'pings_answered' | 'pings_lost' | 'contacts_removed']: Counter }
}

/** A request that was sent and has no answer yet. */
interface PendingPing extends Located {
  readonly sentMs: number
}

/** Datagram that keeps a binding of a NAT open; who gets it ignores it. */
const EMPTY = Buffer.alloc(4)
/** Rounds without a loss after which the losses of a contact are forgotten. */
const FORGOTTEN_AFTER = 2
/** Pings that may wait for their answers; more are not sent. */
const MOST_PENDING = 200_000

/** Pings contacts, notes how long their answers take, and removes those that stay silent (nathelper reference, pings). */
export class Pinger {
  /** `nh_enable_ping` */
  isEnabled = true
  /** Where to ping from, for contacts without a socket of their own. */
  socket: ListenSocket | null = null
  readonly #parts: PingerParts
  readonly #round: Round
  /** By branch, the oldest first. */
  readonly #pending = new Map<string, PendingPing>()
  readonly #lost: LostPings
  #timer: Timer | null = null

  constructor(parts: PingerParts) {
    this.#parts = parts
    this.#round = new Round(parts.location, parts.intervalS)
    this.#lost = new LostPings(parts.clock, FORGOTTEN_AFTER * (parts.intervalS * 1000 + parts.thresholdMs))
  }

  start(): void {
    this.#timer = this.#parts.clock.every(1000, () => {
      this.#expire()
      if (this.isEnabled && this.#parts.isActive()) for (const found of this.#round.next()) this.#ping(found)
    })
  }

  stop(): void {
    this.#timer?.clear()
    this.#pending.clear()
  }

  /** Takes the answer to a ping. False for any other reply. */
  take({ message }: RouteContext): boolean {
    const branch = message.topVia?.branch ?? ''
    const ping = this.#pending.get(branch)
    if (ping === undefined) return false
    const { clock, counters, flags, ignored, location } = this.#parts
    if (message.status < 200 || ignored.has(message.status)) return true
    this.#pending.delete(branch)
    this.#lost.forget(ping.contact.id)
    counters.pings_answered.value++
    if ((ping.contact.cflags & flags.latency) !== 0) {
      const latencyUs = Math.max(Math.round((clock.monotonicMs() - ping.sentMs) * 1000), 1)
      location.setLatency(ping.domain, ping.contact, latencyUs)
    }
    return true
  }

  #ping(found: Located): void {
    const { contact } = found
    const { clock, flags, location, proxy } = this.#parts
    if (contact.expiresS !== 0 && contact.expiresS * 1000 <= clock.nowMs()) return
    if (flags.nated !== null && (contact.cflags & flags.nated) === 0) return
    if (!location.pings(contact)) return
    const hops = proxy.resolve(nextHop(contact))
    if (!(hops instanceof Promise)) this.#send(found, hops)
    else
      hops.then(
        resolved => this.#send(found, resolved),
        (error: unknown) =>
          this.#parts.log.debug('a contact cannot be resolved', { contact: contact.uri, reason: String(error) }),
      )
  }

  #send(found: Located, [hop]: readonly Hop[]): void {
    const { clock, counters, flags, pingsConnections, proxy } = this.#parts
    const { contact } = found
    if (hop === undefined) return
    const socket = proxy.socketFor(hop, contact.socket ?? this.socket)
    const wantsRequest = (contact.cflags & flags.request) !== 0
    if (socket === null) return
    if (hop.proto === 'udp' && !wantsRequest) {
      if (proxy.send(EMPTY, hop, socket)) counters.pings_sent.value++
      return
    }
    if (!wantsRequest || (hop.proto !== 'udp' && !pingsConnections) || this.#pending.size >= MOST_PENDING) return
    const { bytes, branch } = pingRequest(proxy, contact, socket, this.#parts)
    this.#pending.set(branch, { ...found, sentMs: clock.monotonicMs() })
    counters.pings_sent.value++
    if (!proxy.send(bytes, { ...hop, reuseOnly: true }, socket)) this.#lose(branch)
  }

  #expire(): void {
    this.#lost.prune()
    const { clock, thresholdMs } = this.#parts
    const untilMs = clock.monotonicMs() - thresholdMs
    for (const [branch, { sentMs }] of this.#pending) {
      if (sentMs > untilMs) return
      this.#lose(branch)
    }
  }

  #lose(branch: string): void {
    const ping = this.#pending.get(branch)
    if (ping === undefined) return
    this.#pending.delete(branch)
    const { counters, flags, log, mostLost } = this.#parts
    const { contact, domain } = ping
    const lost = this.#lost.add(contact.id)
    counters.pings_lost.value++
    if (lost < mostLost || (contact.cflags & flags.remove) === 0) return
    const removed = domain.run(contact.aor, () => {
      const stored = domain.stored(contact.aor).find(({ id }) => id === contact.id)
      return stored !== undefined && domain.remove(stored)
    })
    if (removed === false) return
    counters.contacts_removed.value++
    log.info('A contact does not answer pings; it is removed', { aor: contact.aor, contact: contact.uri, lost })
    if (removed instanceof Promise)
      removed.catch((error: unknown) =>
        log.often().error('A removed contact is still in the database', { reason: String(error) }),
      )
  }
}

/** Where a request for a contact goes first. */
function nextHop({ path, received, uri }: Contact): string {
  const hop = path === '' ? undefined : parseNameAddrList(path)?.[0]?.uri
  return hop ?? (received === '' ? uri : received)
}
