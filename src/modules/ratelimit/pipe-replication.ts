import type { Capability, CapabilityHandlers } from '../../cluster/capability.ts'
import type { Clock, Timer } from '../../util/clock.ts'
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

/** What another node has counted in a pipe. */
interface Told {
  readonly count: number
  readonly atMs: number
}

/** Most pipes whose counts of other nodes are kept. */
const MAX_PIPES = 100_000

/** Counts pipes named `…/b` together with the other nodes of a cluster: each tells the others what it has counted itself. */
export class PipeReplication {
  readonly #options: PipeReplicationOptions
  /** Pipes that this node counts for all. */
  readonly #own = new Set<string>()
  /** Pipe → node → what it told last. */
  readonly #told = new Map<string, Map<number, Told>>()
  #timer: Timer | null = null

  constructor(options: PipeReplicationOptions) {
    this.#options = options
  }

  /** What this node does for the cluster. */
  get handlers(): CapabilityHandlers {
    return {
      take: (body, node) => this.#take(body, node),
      nodeChanged: (node, isUp) => {
        if (!isUp) for (const nodes of this.#told.values()) nodes.delete(node)
      },
    }
  }

  /** What the other nodes have counted in a pipe. A pipe that is asked for is told to them from then on. */
  othersOf(pipe: string): number {
    this.#own.add(pipe)
    return this.othersIn(pipe)
  }

  /** What the other nodes have counted in a pipe, if any of them has. */
  othersIn(pipe: string): number {
    const sinceMs = this.#options.clock.monotonicMs() - this.#options.expireMs
    let sum = 0
    for (const { count, atMs } of this.#told.get(pipe)?.values() ?? []) if (atMs > sinceMs) sum += count
    return sum
  }

  start(capability: Capability): void {
    this.#timer = this.#options.clock.every(this.#options.intervalMs, () => this.#tell(capability))
  }

  stop(): void {
    this.#timer?.clear()
  }

  #tell(capability: Capability): void {
    this.#forget()
    let counts: (readonly [string, number])[] = []
    let bytes = 0
    for (const id of this.#own) {
      const pipe = this.#options.pipes.find(id)
      if (pipe === undefined) this.#own.delete(id)
      else {
        counts.push([id, pipe.limiter.counter])
        bytes += id.length + 10
      }
      if (bytes < this.#options.messageBytes) continue
      capability.broadcast(counts)
      counts = []
      bytes = 0
    }
    if (counts.length > 0) capability.broadcast(counts)
  }

  #forget(): void {
    const sinceMs = this.#options.clock.monotonicMs() - this.#options.expireMs
    for (const [pipe, nodes] of this.#told) {
      for (const [node, { atMs }] of nodes) if (atMs <= sinceMs) nodes.delete(node)
      if (nodes.size === 0) this.#told.delete(pipe)
    }
  }

  #take(body: unknown, node: number): void {
    if (!Array.isArray(body)) return
    const atMs = this.#options.clock.monotonicMs()
    for (const item of body as readonly unknown[]) {
      if (!Array.isArray(item)) continue
      const [pipe, count] = item as readonly unknown[]
      if (typeof pipe === 'string' && typeof count === 'number' && Number.isSafeInteger(count) && count >= 0)
        this.#nodesOf(pipe)?.set(node, { count, atMs })
    }
  }

  #nodesOf(pipe: string): Map<number, Told> | undefined {
    const known = this.#told.get(pipe)
    if (known !== undefined || this.#told.size >= MAX_PIPES) return known
    const made = new Map<number, Told>()
    this.#told.set(pipe, made)
    return made
  }
}
