import { type Advert, MAX_NODES } from './message.ts'

/** What every node of a cluster has said of itself, and the ways that follow from it. */
export class Topology {
  readonly #adverts = new Map<number, Advert>()
  /** Removed nodes: when they were started that is over. */
  readonly #removed = new Map<number, number>()

  /** What a node has said last. */
  get(node: number): Advert | undefined {
    return this.#adverts.get(node)
  }

  /** By number. */
  all(): readonly Advert[] {
    return [...this.#adverts.values()].toSorted((a, b) => a.node - b.node)
  }

  /** Takes what a node says of itself; gives false when that is not new, the node was removed, or there are too many. */
  accept(advert: Advert): boolean {
    const known = this.#adverts.get(advert.node)
    if (known === undefined && this.#adverts.size >= MAX_NODES) return false
    if (advert.started <= (this.#removed.get(advert.node) ?? -1)) return false
    if (known !== undefined && !isNewer(advert, known)) return false
    this.#adverts.set(advert.node, advert)
    return true
  }

  /** Forgets a node until it is started anew. Gives false when that is known. */
  remove(node: number, started: number): boolean {
    if ((this.#removed.get(node) ?? -1) >= started || this.#removed.size >= MAX_NODES) return false
    this.#removed.set(node, started)
    if ((this.#adverts.get(node)?.started ?? 0) <= started) this.#adverts.delete(node)
    return true
  }

  /** Forgets a node without a trace. */
  forget(node: number): void {
    this.#adverts.delete(node)
  }

  /**
   * The shortest way to each node that there is one to: its number → the neighbour to go by. Links count where both ends say
   * that they have them, so that answers find their way back. Of ways of the same length the
   * one by the node with the lowest priority is taken, then the one with the lowest number.
   */
  routes(self: number, neighbours: readonly number[]): ReadonlyMap<number, number> {
    const found = new Map<number, number>()
    let frontier: readonly (readonly [number, number])[] = neighbours
      .filter(node => this.#neighboursOf(node).includes(self))
      .map(node => [node, node] as const)
    while (frontier.length > 0) {
      const fresh = frontier.toSorted((a, b) => this.#rank(a[1], b[1]) || this.#rank(a[0], b[0]))
      const added = fresh.filter(([node, by]) => {
        if (node === self || found.has(node)) return false
        found.set(node, by)
        return true
      })
      frontier = added.flatMap(([node, by]) =>
        this.#neighboursOf(node)
          .filter(next => !found.has(next) && this.#neighboursOf(next).includes(node))
          .map(next => [next, by] as const),
      )
    }
    return found
  }

  #neighboursOf(node: number): readonly number[] {
    return this.#adverts.get(node)?.neighbours ?? []
  }

  #rank(a: number, b: number): number {
    const [first, second] = [this.#adverts.get(a)?.priority ?? 50, this.#adverts.get(b)?.priority ?? 50]
    return first - second || a - b
  }
}

/** Whether the first says something later than the second. */
export const isNewer = (one: Advert, other: Advert): boolean =>
  one.started > other.started || (one.started === other.started && one.version > other.version)
