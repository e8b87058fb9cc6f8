import type { Log } from '../../log/log.ts'
import type { Verdict } from '../../script/context.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { AlgorithmName, Surroundings } from './algorithms.ts'
import { Feedback, ProcessorLoad } from './feedback.ts'
import type { PipeReplication } from './pipe-replication.ts'
import { type Pipe, Pipes } from './pipes.ts'
import type { SharedCounter } from './shared-counter.ts'
import { waitingBytes } from './socket-backlog.ts'

export interface RateLimiterOptions {
  readonly clock: Clock
  readonly log: Log
  /** All in seconds, as the module's parameters. */
  readonly intervalS: number
  readonly limitPerInterval: boolean
  readonly expireS: number
  readonly windowMs: number
  readonly slotMs: number
  readonly sockets: () => readonly ListenSocket[]
  /** The processors' load since it was last asked for, 0…1. */
  readonly readLoad?: () => number
  /** Bytes that wait in sockets. */
  readonly readBacklog?: (sockets: readonly ListenSocket[]) => Promise<number>
}

/** The pipes of a proxy, and what their timer does. */
export class RateLimiter {
  readonly pipes: Pipes
  readonly feedback = new Feedback()
  readonly #options: RateLimiterOptions
  readonly #surroundings: Surroundings
  readonly #readLoad: () => number
  /** Set when the module starts. */
  shared: SharedCounter | null = null
  /** Set where there is a cluster. */
  replication: PipeReplication | null = null
  /** The one target of all FEEDBACK pipes, per cent; 0 before there is one. */
  #target = 0
  #timer: Timer | null = null

  constructor(options: RateLimiterOptions) {
    const { clock, log, intervalS, limitPerInterval, windowMs, slotMs } = options
    this.#options = options
    const limitFactor = limitPerInterval ? 1 : intervalS
    this.#surroundings = { clock, limitFactor, windowMs, slotMs, networkBytes: 0, dropRate: 0 }
    this.pipes = new Pipes({ surroundings: this.#surroundings, log, expireMs: options.expireS * 1000 })
    const load = new ProcessorLoad()
    this.#readLoad = options.readLoad ?? (() => load.read())
  }

  /** Share of calls that FEEDBACK pipes refuse, per cent. */
  get dropRate(): number {
    return this.#surroundings.dropRate
  }

  start(): void {
    this.#readLoad()
    this.#timer = this.#options.clock.every(this.#options.intervalS * 1000, () => void this.#tick())
  }

  stop(): void {
    this.#timer?.clear()
  }

  /** Counts a call: 1 it passes, −1 it is over the limit. What cannot be limited passes. */
  check(name: string, limit: number, algorithm: AlgorithmName): Verdict | Promise<Verdict> {
    const pipe = this.pipes.use(pipeName(name), limit, algorithm)
    if (pipe.algorithm === 'FEEDBACK' && !this.#takesTarget(pipe)) return 1
    if (this.replication !== null && isReplicated(name))
      return pipe.limiter.hit(limit, undefined, this.replication.othersOf(pipe.id)) ? 1 : -1
    if (this.shared === null || !isShared(name)) return pipe.limiter.hit(limit) ? 1 : -1
    return this.#checkTogether(pipe, this.shared)
  }

  /** What a pipe has counted, with other nodes where it is replicated; null without such a pipe. */
  count(name: string): number | null {
    const pipe = this.pipes.find(pipeName(name))
    return pipe === undefined ? null : pipe.limiter.counter + (this.replication?.othersIn(pipe.id) ?? 0)
  }

  /** Takes a call back: 1, or −1 when there is no such pipe. */
  decrement(name: string): Verdict | Promise<Verdict> {
    const pipe = this.pipes.find(pipeName(name))
    if (pipe === undefined) return -1
    pipe.limiter.decrement()
    return this.#together(name, shared => shared.decrement(pipe.id))
  }

  /** Begins to count anew: 1, or −1 when there is no such pipe. */
  reset(name: string): Verdict | Promise<Verdict> {
    const pipe = this.pipes.find(pipeName(name))
    if (pipe === undefined) return -1
    pipe.limiter.reset()
    return this.#together(name, shared => shared.reset(pipe.id))
  }

  #together(name: string, change: (shared: SharedCounter) => Promise<void>): Verdict | Promise<Verdict> {
    return this.shared !== null && isShared(name) ? change(this.shared).then(() => 1) : 1
  }

  async #checkTogether(pipe: Pipe, shared: SharedCounter): Promise<Verdict> {
    try {
      return pipe.limiter.hit(pipe.limit, await shared.hit(pipe.id)) ? 1 : -1
    } catch (error) {
      this.#options.log.often().error('a shared pipe is counted alone: the cache system failed', {
        pipe: pipe.id,
        reason: error instanceof Error ? error.message : String(error),
      })
      return pipe.limiter.hit(pipe.limit) ? 1 : -1
    }
  }

  /** There is one drop rate, so there is one target. */
  #takesTarget({ id, limit }: Pipe): boolean {
    const { log } = this.#options
    if (limit <= 0 || limit >= 100)
      log.error('the limit of a FEEDBACK pipe is a load: expected 1…99 per cent', { pipe: id, limit })
    else if (this.#target !== 0 && this.#target !== limit)
      log.error('all FEEDBACK pipes share one limit', { pipe: id, limit, limit_before: this.#target })
    else {
      this.#target = limit
      return true
    }
    return false
  }

  async #tick(): Promise<void> {
    this.pipes.tick(id => this.replication?.othersIn(id) ?? 0)
    const algorithms = new Set(this.pipes.all().map(({ algorithm }) => algorithm))
    if (algorithms.has('FEEDBACK')) {
      this.#surroundings.dropRate = this.feedback.update(this.#target / 100, this.#readLoad())
    } else this.#target = 0
    if (algorithms.has('NETWORK')) {
      const { readBacklog = waitingBytes, sockets } = this.#options
      this.#surroundings.networkBytes = await readBacklog(sockets())
    }
  }
}

/** The name without what asks for counting together. */
export function pipeName(name: string): string {
  return isShared(name) || isReplicated(name) ? name.slice(0, -2) : name
}

/** Whether a pipe is counted in a cache system. */
export const isShared = (name: string): boolean => name.endsWith('/s')

/** Whether a pipe asks to be counted across a cluster. */
export const isReplicated = (name: string): boolean => name.endsWith('/b')
