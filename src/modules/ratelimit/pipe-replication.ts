import type { Capability, CapabilityHandlers } from '../../cluster/capability.ts'
import { ToldCounts } from '../../cluster/told-counts.ts'
import type { Clock } from '../../util/clock.ts'
import type { Pipes } from './pipes.ts'

interface PipeReplicationOptions {
  readonly clock: Clock
  readonly pipes: Pick<Pipes, 'find'>
  /** How often this node tells the others its counts. */
  readonly intervalMs: number
  /** How long what another node has told counts. */
  readonly expireMs: number
  /** About how much goes into one message. */
  readonly messageBytes: number
}

/** Counts pipes named `…/b` together with the other nodes of a cluster. */
export class PipeReplication {
  readonly #pipes: Pick<Pipes, 'find'>
  /** Pipes that this node counts for all. */
  readonly #own = new Set<string>()
  readonly #told: ToldCounts

  constructor({ pipes, ...options }: PipeReplicationOptions) {
    this.#pipes = pipes
    this.#told = new ToldCounts({ ...options, own: () => this.#counts() })
  }

  /** What this node does for the cluster. */
  get handlers(): CapabilityHandlers {
    return this.#told.handlers
  }

  /** What the other nodes have counted in a pipe. A pipe that is asked for is told to them from then on. */
  othersOf(pipe: string): number {
    this.#own.add(pipe)
    return this.othersIn(pipe)
  }

  /** What the other nodes have counted in a pipe, if any of them has. */
  othersIn(pipe: string): number {
    return this.#told.othersOf(pipe)
  }

  start(capability: Capability): void {
    this.#told.start(capability)
  }

  stop(): void {
    this.#told.stop()
  }

  *#counts(): Iterable<readonly [string, number]> {
    for (const id of this.#own) {
      const pipe = this.#pipes.find(id)
      if (pipe === undefined) this.#own.delete(id)
      else yield [id, pipe.limiter.counter]
    }
  }
}
