import type { Clock, Timer } from '../util/clock.ts'
import type { Capability, CapabilityHandlers } from './capability.ts'

interface ToldCountsParts {
  readonly clock: Clock
  /** What this node tells the others at an interval; `isFull`: all it counts, else at least what has changed. */
  readonly own: (isFull: boolean) => Iterable<readonly [key: string, count: number]>
  /** How often this node tells the others its counts. */
  readonly intervalMs: number
  /** How long what another node has told counts. */
  readonly expireMs: number
  /** About how much goes into one message. */
  readonly messageBytes: number
}

/** What another node has counted. */
interface Told {
  readonly count: number
  readonly atMs: number
}

/** Most keys whose counts of other nodes are kept. */
const MAX_KEYS = 100_000
/** How often everything is told, within the time after which it would be forgotten. */
const FULL_TELLINGS = 3

/** Adds up what the nodes of a cluster count, each by itself: each tells the others what it has counted. */
export class ToldCounts {
  readonly #parts: ToldCountsParts
  /** Key → node → what it told last. */
  readonly #told = new Map<string, Map<number, Told>>()
  #timer: Timer | null = null
  #fullMs = Number.NEGATIVE_INFINITY

  constructor(parts: ToldCountsParts) {
    this.#parts = parts
  }

  /** What this node does for the cluster. */
  get handlers(): CapabilityHandlers {
    return {
      take: (body, node) => this.#take(body, node),
      nodeChanged: (node, isUp) => {
        if (isUp) this.#fullMs = Number.NEGATIVE_INFINITY
        else for (const nodes of this.#told.values()) nodes.delete(node)
      },
    }
  }

  /** What the other nodes have counted under a key. */
  othersOf(key: string): number {
    const sinceMs = this.#sinceMs()
    let sum = 0
    for (const { count, atMs } of this.#told.get(key)?.values() ?? []) if (atMs > sinceMs) sum += count
    return sum
  }

  /** Every key that another node has told of. */
  keys(): IterableIterator<string> {
    return this.#told.keys()
  }

  start(capability: Capability): void {
    this.#timer = this.#parts.clock.every(this.#parts.intervalMs, () => this.#tell(capability))
  }

  stop(): void {
    this.#timer?.clear()
  }

  #tell(capability: Capability): void {
    this.#forget()
    const { clock, expireMs, messageBytes, own } = this.#parts
    const isFull = clock.monotonicMs() - this.#fullMs >= expireMs / FULL_TELLINGS
    if (isFull) this.#fullMs = clock.monotonicMs()
    let counts: (readonly [string, number])[] = []
    let bytes = 0
    for (const [key, count] of own(isFull)) {
      counts.push([key, count])
      bytes += key.length + 10
      if (bytes < messageBytes) continue
      capability.broadcast(counts)
      counts = []
      bytes = 0
    }
    if (counts.length > 0) capability.broadcast(counts)
  }

  #sinceMs(): number {
    return this.#parts.clock.monotonicMs() - this.#parts.expireMs
  }

  #forget(): void {
    const sinceMs = this.#sinceMs()
    for (const [key, nodes] of this.#told) {
      for (const [node, { atMs }] of nodes) if (atMs <= sinceMs) nodes.delete(node)
      if (nodes.size === 0) this.#told.delete(key)
    }
  }

  #take(body: unknown, node: number): void {
    if (!Array.isArray(body)) return
    const atMs = this.#parts.clock.monotonicMs()
    for (const item of body as readonly unknown[]) {
      if (!Array.isArray(item)) continue
      const [key, count] = item as readonly unknown[]
      if (typeof key === 'string' && typeof count === 'number' && Number.isSafeInteger(count) && count >= 0)
        this.#nodesOf(key)?.set(node, { count, atMs })
    }
  }

  #nodesOf(key: string): Map<number, Told> | undefined {
    const known = this.#told.get(key)
    if (known !== undefined || this.#told.size >= MAX_KEYS) return known
    const made = new Map<number, Told>()
    this.#told.set(key, made)
    return made
  }
}
