import type { Log } from '../../log/log.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { Destination } from './destination.ts'
import type { DispatcherParams } from './params.ts'
import { parseNumbers } from './params.ts'
import type { Partition } from './partition.ts'
import type { Statuses } from './status.ts'

/** What became of a probe. */
export interface ProbeOutcome {
  readonly status: number
  /** Null where the status was made here. */
  readonly reply: unknown
}

/** A probe to be sent. */
export interface Probe {
  readonly method: string
  readonly uri: string
  /** Values of the headers. */
  readonly from: string
  readonly to: string
  readonly socket: ListenSocket | null
  readonly maxForwards?: number | undefined
}

interface ProberParts {
  readonly params: DispatcherParams
  readonly clock: Clock
  readonly log: Log
  readonly statuses: Statuses
  readonly partitions: () => Iterable<Partition>
  /** Sends a request and gives its outcome. Never rejects. */
  readonly send: (probe: Probe) => Promise<ProbeOutcome>
}

/** Status of a request nobody answered. */
const TIMED_OUT = 408

/** Asks destinations whether they serve, and takes them out of service and back (dispatcher reference, state machine). */
export class Prober {
  /** Where to send from, for destinations without a socket of their own. */
  socket: ListenSocket | null = null
  readonly #parts: ProberParts
  readonly #accepted: ReadonlySet<number>
  readonly #sets: ReadonlySet<number> | null
  #timer: Timer | null = null

  /** Throws an Error where a list among the parameters cannot be read. */
  constructor(parts: ProberParts) {
    const { options_reply_codes: codes = '', ds_probing_list: sets } = parts.params
    this.#parts = parts
    this.#accepted = new Set([200, ...parseNumbers('options_reply_codes', codes)])
    this.#sets = sets === undefined ? null : new Set(parseNumbers('ds_probing_list', sets))
  }

  start(): void {
    const { clock, params } = this.#parts
    if (params.ds_ping_interval > 0) this.#timer = clock.every(params.ds_ping_interval * 1000, () => this.#probeAll())
  }

  stop(): void {
    this.#timer?.clear()
  }

  #probeAll(): void {
    for (const partition of this.#parts.partitions())
      for (const destination of partition.destinations) {
        const { isInactive, isProbing, data } = destination
        const isInScope = this.#sets === null || this.#sets.has(data.setId)
        if (isInScope && !isInactive && (isProbing || this.#isAlwaysProbed(destination)))
          void this.#probe(partition, destination)
      }
  }

  #isAlwaysProbed({ data }: Destination): boolean {
    return data.isAlwaysProbed || this.#parts.params.ds_probing_mode !== 0
  }

  async #probe(partition: Partition, { data, socket }: Destination): Promise<void> {
    const { pingFrom, pingMethod } = partition.settings
    const outcome = await this.#parts.send({
      method: pingMethod,
      uri: data.uri,
      from: `<${pingFrom}>`,
      to: `<${data.uri}>`,
      socket: socket ?? this.socket,
      maxForwards: this.#parts.params.ds_ping_maxfwd,
    })
    // A reload may have replaced it meanwhile, and someone may have switched it off: that is not for a probe to undo.
    const destination = partition.find(data.setId, data.uri)
    if (destination === undefined || destination.isInactive) return
    this.#judge(partition, destination, outcome)
  }

  #judge(partition: Partition, destination: Destination, { status, reply }: ProbeOutcome): void {
    const { statuses, log } = this.#parts
    if (this.#accepted.has(status)) {
      const reason = status === 200 ? '200 OK probing reply' : `${status} probing reply`
      statuses.change(partition, destination, 'activate', reason)
      return
    }
    log.debug('a probe failed', { uri: destination.uri, status })
    if (!this.#isAlwaysProbed(destination)) return
    const isUnsent = reply === null && status !== TIMED_OUT
    statuses.change(partition, destination, 'probe', isUnsent ? 'failed to send probe' : 'negative probing reply')
  }
}
