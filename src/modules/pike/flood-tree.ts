import { formatAddress } from '../../script/ip-network.ts'
import type { Clock } from '../../util/clock.ts'

/** Most nodes kept: beyond, what has been silent longest goes first. */
const MAX_NODES = 100_000

/** What one more request says about its source. */
export type Sighting = 'calm' | 'newly blocked' | 'blocked'

/** One byte of an address, behind the bytes of its parents. */
interface Node {
  /** Names it in the log. */
  readonly id: number
  readonly parent: Node | null
  readonly byte: number
  /** How many bytes of the address lead here, itself included. */
  readonly depth: number
  readonly family: Map<number, Node>
  kids: Map<number, Node> | null
  /** Requests in the unit that `unit` numbers, and in the one before. */
  current: number
  previous: number
  unit: number
  isBlocked: boolean
  expiresMs: number
}

export interface FloodTreeOptions {
  readonly clock: Clock
  /** Requests in one unit that are too many (`reqs_density_per_unit`). */
  readonly limit: number
  /** How long a silent node is kept (`remove_latency`). */
  readonly latencyMs: number
  /** Told when a source is no longer blocked; not of those unblocked by {@link FloodTree.unblock}. */
  readonly onUnblock: (source: Source) => void
  readonly maxNodes?: number
}

/** A source as the log names it. */
export interface Source {
  readonly ip: string
  readonly node: string
}

/**
 * Counts requests by source address without an entry for each address ever seen (pike reference, algorithm). Addresses are
 * paths of bytes; a prefix is counted as a whole until it gets `limit` requests in a unit, and only then split by its next
 * byte. Whole addresses are counted from zero and blocked at `limit`. The families have trees of their own.
 *
 * Units are numbered, and a node's counts move on when it is next looked at, so that the end of a unit costs nothing.
 */
export class FloodTree {
  readonly #options: FloodTreeOptions
  readonly #maxNodes: number
  readonly #ipv4 = new Map<number, Node>()
  readonly #ipv6 = new Map<number, Node>()
  /** Nodes without children: only these expire. The one refreshed last is last. */
  readonly #tips = new Set<Node>()
  readonly #blocked = new Set<Node>()
  #unit = 0
  #size = 0
  #lastId = 0

  constructor(options: FloodTreeOptions) {
    this.#options = options
    this.#maxNodes = options.maxNodes ?? MAX_NODES
  }

  /** How many nodes there are. */
  get size(): number {
    return this.#size
  }

  /** Counts a request. `address` has 4 or 16 bytes. */
  hit(address: readonly number[]): Sighting {
    const node = this.#longestPrefix(address)
    if (node === null) {
      this.#add(this.#family(address), null, address[0] ?? 0).current = 1
      return 'calm'
    }
    this.#moveOn(node)
    node.current++
    if (node.depth === address.length) return this.#judge(node)
    if (this.#isHot(node)) this.#split(node, address[node.depth] ?? 0)
    else if (node.kids === null && node.current >= this.#options.limit >> 2) this.#refresh(node)
    return 'calm'
  }

  /** Ends the unit: sources that were below the limit in the last two are no longer blocked. */
  endUnit(): void {
    this.#unit++
    for (const node of this.#blocked) {
      this.#moveOn(node)
      if (this.#isHot(node)) continue
      this.#blocked.delete(node)
      node.isBlocked = false
      this.#options.onUnblock(sourceOf(node))
    }
  }

  /** Removes what has been silent for too long. */
  removeExpired(): void {
    const nowMs = this.#options.clock.monotonicMs()
    for (const node of this.#tips) {
      if (node.expiresMs > nowMs) return
      this.#remove(node)
    }
  }

  /** Blocked sources, the one blocked last last. */
  blocked(): readonly Source[] {
    return [...this.#blocked].map(sourceOf)
  }

  /** Names a source for the log; undefined when it is not counted by itself. */
  find(address: readonly number[]): Source | undefined {
    const node = this.#longestPrefix(address)
    return node?.depth === address.length ? sourceOf(node) : undefined
  }

  /** Unblocks a source and forgets what it was counted for. Gives false when it is not blocked. */
  unblock(address: readonly number[]): boolean {
    const node = this.#longestPrefix(address)
    if (node === null || node.depth !== address.length || !node.isBlocked) return false
    this.#blocked.delete(node)
    node.isBlocked = false
    node.current = 0
    node.previous = 0
    return true
  }

  #family(address: readonly number[]): Map<number, Node> {
    return address.length === 4 ? this.#ipv4 : this.#ipv6
  }

  #longestPrefix(address: readonly number[]): Node | null {
    let found: Node | null = null
    let next = this.#family(address).get(address[0] ?? 0)
    while (next !== undefined) {
      found = next
      next = next.depth === address.length ? undefined : next.kids?.get(address[next.depth] ?? 0)
    }
    return found
  }

  #judge(node: Node): Sighting {
    this.#refresh(node)
    if (node.isBlocked) return 'blocked'
    if (!this.#isHot(node)) return 'calm'
    node.isBlocked = true
    this.#blocked.add(node)
    return 'newly blocked'
  }

  /** The mean of the two units need not be looked at: where it reaches the limit, one of them does. */
  #isHot(node: Node): boolean {
    const { limit } = this.#options
    return node.current >= limit || node.previous >= limit
  }

  #moveOn(node: Node): void {
    if (node.unit === this.#unit) return
    node.previous = node.unit === this.#unit - 1 ? node.current : 0
    node.current = 0
    node.unit = this.#unit
  }

  /** A prefix passes what it was counted for on to its child; a whole address is counted by itself. */
  #split(parent: Node, byte: number): void {
    const kid = this.#add(parent.family, parent, byte)
    const isPrefix = kid.depth < (parent.family === this.#ipv4 ? 4 : 16)
    if (isPrefix) kid.current = parent.current - 1
  }

  #add(family: Map<number, Node>, parent: Node | null, byte: number): Node {
    const node: Node = {
      id: ++this.#lastId,
      parent,
      byte,
      depth: (parent?.depth ?? 0) + 1,
      family,
      kids: null,
      current: 0,
      previous: 0,
      unit: this.#unit,
      isBlocked: false,
      expiresMs: 0,
    }
    if (parent === null) family.set(byte, node)
    else {
      parent.kids ??= new Map()
      parent.kids.set(byte, node)
      this.#tips.delete(parent)
    }
    this.#size++
    this.#refresh(node)
    this.#makeRoom()
    return node
  }

  #refresh(node: Node): void {
    node.expiresMs = this.#options.clock.monotonicMs() + this.#options.latencyMs
    this.#tips.delete(node)
    this.#tips.add(node)
  }

  #makeRoom(): void {
    if (this.#size <= this.#maxNodes) return
    const [oldest] = this.#tips
    if (oldest !== undefined) this.#remove(oldest)
  }

  #remove(node: Node): void {
    const { parent } = node
    this.#tips.delete(node)
    this.#size--
    if (parent === null) node.family.delete(node.byte)
    else {
      parent.kids?.delete(node.byte)
      if (parent.kids?.size === 0) {
        parent.kids = null
        this.#refresh(parent)
      }
    }
    if (!this.#blocked.delete(node)) return
    node.isBlocked = false
    this.#options.onUnblock(sourceOf(node))
  }
}

function sourceOf(node: Node): Source {
  const bytes: number[] = []
  for (let at: Node | null = node; at !== null; at = at.parent) bytes.unshift(at.byte)
  return { ip: formatAddress(bytes), node: `0x${node.id.toString(16)}` }
}
