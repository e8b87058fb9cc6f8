import type { Capability, CapabilityHandlers } from './capability.ts'
import { isShareOf } from './spread.ts'

/** Why a state has changed that another node has found (events reference). */
export const REPLICATED = 'replicated info'

/** Which nodes probe what they share the states of: each all; the one active for a sharing tag; each its part. */
const PROBING_MODES = ['all', 'by-shtag', 'distributed'] as const
type ProbingMode = (typeof PROBING_MODES)[number]

/** What is needed of the module clusterer. */
interface Clusterer {
  readonly node: number
  share(cluster: number, name: string, handlers: CapabilityHandlers): Capability
  isActive(tag: string, cluster: number): boolean
}

/** The parameters, as several modules have them. */
export interface StateSharingParams {
  /** 0: nothing is shared. */
  readonly cluster_id: number
  readonly cluster_sharing_tag: string | undefined
  readonly cluster_probing_mode: string
}

interface SharedStatesParts {
  /** As listings of capabilities show it. */
  readonly name: string
  readonly clusterer: Clusterer | undefined
  readonly params: StateSharingParams
  /** Every state there is. */
  readonly all: () => Iterable<readonly [key: string, state: number]>
  /** Takes over what another node has found; passes over what is not known here. */
  readonly apply: (key: string, state: number) => void
}

/** The states of destinations, known to all nodes of a cluster: what one finds out the others take over. */
export class SharedStates {
  readonly #parts: SharedStatesParts
  readonly #mode: ProbingMode
  readonly #capability: Capability | null
  #isTaking = false

  /** Called while modules are set up. Throws an Error that says what is wrong with the parameters. */
  constructor(parts: SharedStatesParts) {
    const { clusterer, name, params } = parts
    this.#parts = parts
    const mode = PROBING_MODES.find(one => one === params.cluster_probing_mode)
    if (mode === undefined)
      throw new Error(`cluster_probing_mode "${params.cluster_probing_mode}": expected ${PROBING_MODES.join(', ')}`)
    this.#mode = mode
    if (params.cluster_id === 0) {
      this.#capability = null
      return
    }
    if (clusterer === undefined) throw new Error('cluster_id is set: is a loadmodule "clusterer.so" missing?')
    if (mode === 'by-shtag' && params.cluster_sharing_tag === undefined)
      throw new Error('cluster_probing_mode "by-shtag" needs cluster_sharing_tag, the tag of the node that probes')
    this.#capability = clusterer.share(params.cluster_id, name, {
      take: body => this.#take(body),
      provide: () => parts.all(),
    })
  }

  /** Something has changed here. */
  changed(key: string, state: number): void {
    if (!this.#isTaking) this.#capability?.broadcast([key, state])
  }

  /** Whether this node is the one that probes it. */
  probes(key: string): boolean {
    const { clusterer, params } = this.#parts
    if (this.#capability === null || clusterer === undefined || this.#mode === 'all') return true
    if (this.#mode === 'distributed') return isShareOf(clusterer.node, this.#capability.nodes(), key)
    return clusterer.isActive(tagName(params.cluster_sharing_tag ?? ''), params.cluster_id)
  }

  #take(body: unknown): void {
    if (!Array.isArray(body)) return
    const [key, state] = body as readonly unknown[]
    if (typeof key !== 'string' || typeof state !== 'number') return
    this.#isTaking = true
    try {
      this.#parts.apply(key, state)
    } finally {
      this.#isTaking = false
    }
  }
}

/** `name` or `name/cluster`. */
export const tagName = (text: string): string => text.split('/', 1)[0]?.trim() ?? ''
