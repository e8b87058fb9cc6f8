import type { ListenSocket } from '../sip/net/endpoint.ts'
import type { Clock, Timer } from '../util/clock.ts'
import { parseNumbers } from '../util/parse-numbers.ts'

/** A request that asks a destination whether it serves. */
export interface Probe {
  readonly method: string
  readonly uri: string
  /** Values of the headers. */
  readonly from: string
  readonly to: string
  readonly socket: ListenSocket | null
  readonly maxForwards?: number | undefined
}

/** What became of a probe. */
export interface ProbeOutcome {
  readonly status: number
  /** Null where the status was made here. */
  readonly reply: unknown
}

/** What the outcome of a probe says of its destination. */
export interface ProbeVerdict {
  readonly isServing: boolean
  readonly status: number
  /** As status events give it. */
  readonly reason: string
}

interface ProberParts<T> {
  readonly clock: Clock
  /** Time between two probes, s; 0: none are sent. */
  readonly intervalS: number
  /** Statuses that say that a destination serves. */
  readonly accepted: ReadonlySet<number>
  /** Whom to ask now. */
  readonly due: () => Iterable<T>
  readonly probe: (destination: T) => Probe
  /** Sends a request and gives its outcome. Never rejects. */
  readonly send: (probe: Probe) => Promise<ProbeOutcome>
  /** Told of each outcome. A reload may have replaced the destination meanwhile. */
  readonly judge: (destination: T, verdict: ProbeVerdict) => void
}

/** Status of a request nobody answered. */
const TIMED_OUT = 408

/** Asks destinations again and again whether they serve: dispatcher, load_balancer and drouting probe alike. */
export class Prober<T> {
  readonly #parts: ProberParts<T>
  #timer: Timer | null = null

  constructor(parts: ProberParts<T>) {
    this.#parts = parts
  }

  start(): void {
    const { clock, intervalS } = this.#parts
    if (intervalS > 0) this.#timer = clock.every(intervalS * 1000, () => this.#probeAll())
  }

  stop(): void {
    this.#timer?.clear()
  }

  #probeAll(): void {
    for (const destination of this.#parts.due()) void this.#probe(destination)
  }

  async #probe(destination: T): Promise<void> {
    const { accepted, judge, probe, send } = this.#parts
    const { status, reply } = await send(probe(destination))
    const isServing = accepted.has(status)
    judge(destination, { isServing, status, reason: reasonFor(isServing, status, reply !== null) })
  }
}

function reasonFor(isServing: boolean, status: number, isReceived: boolean): string {
  if (isServing) return status === 200 ? '200 OK probing reply' : `${status} probing reply`
  return isReceived || status === TIMED_OUT ? 'negative probing reply' : 'failed to send probe'
}

/** The statuses of a parameter, and 200. Throws an Error that names the parameter. */
export function replyCodes(param: string, text = ''): ReadonlySet<number> {
  return new Set([200, ...parseNumbers(param, text)])
}

/** The socket a parameter names, null without one. Throws an Error that names the parameter where it is not one of ours. */
export function probingSocket(
  param: string,
  text: string | undefined,
  findSocket: (text: string) => ListenSocket | undefined,
): ListenSocket | null {
  if (text === undefined) return null
  const socket = findSocket(text)
  if (socket === undefined) throw new Error(`${param} "${text}" is not one of the sockets`)
  return socket
}
