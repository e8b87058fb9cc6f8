import { isSameAddress, type SocketList } from './address.ts'
import type { RtpProxyNode } from './node.ts'

/** RTP proxies that stand in for each other. */
export interface NodeSet {
  readonly id: number
  readonly nodes: readonly RtpProxyNode[]
}

/** All sets, and which proxy of them serves a call. */
export class NodeSets {
  readonly #make: (spec: SocketList['nodes'][number], index: number) => RtpProxyNode
  readonly #defaultSet: number
  #sets = new Map<number, RtpProxyNode[]>()

  constructor(defaultSet: number, make: (spec: SocketList['nodes'][number], index: number) => RtpProxyNode) {
    this.#defaultSet = defaultSet
    this.#make = make
  }

  /** In order of their numbers. */
  all(): readonly NodeSet[] {
    return [...this.#sets].map(([id, nodes]) => ({ id, nodes })).sort((a, b) => a.id - b.id)
  }

  /** Puts these in place of all there are. Those that were there before stay as they are; the others are given back. */
  replace(lists: readonly SocketList[]): { readonly added: readonly RtpProxyNode[] } {
    const before = this.#sets
    const added: RtpProxyNode[] = []
    this.#sets = new Map()
    let index = 0
    for (const { setId, nodes } of lists) {
      const id = setId ?? this.#defaultSet
      const set = this.#sets.get(id) ?? []
      this.#sets.set(id, set)
      for (const spec of nodes) {
        const at = index++
        const known = before
          .get(id)
          ?.find(node => node.url === spec.address.text && node.spec.weight === spec.weight && node.index === at)
        const node = known ?? this.#make(spec, at)
        if (known === undefined) added.push(node)
        set.push(node)
      }
    }
    const kept = new Set([...this.#sets.values()].flat())
    for (const node of [...before.values()].flat()) if (!kept.has(node)) node.close()
    return { added }
  }

  find(url: string, setId: number | null): readonly RtpProxyNode[] {
    return this.all()
      .filter(set => setId === null || set.id === setId)
      .flatMap(set => set.nodes.filter(node => isSameAddress(node.spec.address, url)))
  }

  /**
   * The proxy for a call: by its Call-ID, so that every message of it finds the same, in proportion to the weights of
   * those in use. Null when none of the set is.
   */
  select(callId: string, setId: number | null): RtpProxyNode | null {
    const usable = (this.#sets.get(setId ?? this.#defaultSet) ?? []).filter(node => node.isUsable)
    const total = usable.reduce((sum, node) => sum + node.spec.weight, 0)
    if (total === 0) return null
    let sum = 0
    for (const byte of Buffer.from(callId)) sum += byte
    let place = (sum & 0xff) % total
    for (const node of usable) {
      if (place < node.spec.weight) return node
      place -= node.spec.weight
    }
    return usable[0] ?? null
  }

  close(): void {
    for (const node of [...this.#sets.values()].flat()) node.close()
  }
}
