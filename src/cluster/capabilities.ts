import type { Clock } from '../util/clock.ts'
import type { Capability, CapabilityHandlers } from './capability.ts'
import type { ClusterNode } from './cluster-node.ts'
import { SharedCapability, type SyncSettings } from './shared-capability.ts'
import { SYNC_TOPIC } from './sync-message.ts'

interface CapabilitiesParts {
  readonly node: ClusterNode
  readonly clock: Clock
  readonly settings: SyncSettings
}

/** What the parts of this proxy share with other nodes, by cluster and name. */
export class Capabilities {
  readonly #parts: CapabilitiesParts
  readonly #shared = new Map<string, SharedCapability>()

  constructor(parts: CapabilitiesParts) {
    this.#parts = parts
    const { node } = parts
    node.watch((cluster, other, isUp) => {
      for (const one of this.of(cluster.id)) one.nodeChanged(other, isUp)
    })
    node.handle(SYNC_TOPIC, ({ cluster, node: other }, body) => {
      for (const one of this.of(cluster.id)) one.takeSync(other, body)
    })
  }

  all(): readonly SharedCapability[] {
    return [...this.#shared.values()]
  }

  /** Those of one cluster. */
  of(cluster: number): readonly SharedCapability[] {
    return this.all().filter(one => one.cluster === cluster)
  }

  find(cluster: number, name: string): SharedCapability | undefined {
    return this.#shared.get(`${cluster}/${name}`)
  }

  /** Adds one. Throws an Error when there is one of this name. */
  add(cluster: number, name: string, handlers: CapabilityHandlers): Capability {
    const key = `${cluster}/${name}`
    if (this.#shared.has(key)) throw new Error(`two parts share "${name}" in cluster ${cluster}`)
    const one = new SharedCapability({ ...this.#parts, cluster, name, handlers })
    this.#shared.set(key, one)
    const { node } = this.#parts
    node.handle(one.topic, (sender, body) => this.find(sender.cluster.id, name)?.take(sender.node, body))
    return one
  }

  /** Begins to ask other nodes for what they have. */
  start(): void {
    for (const one of this.#shared.values()) one.start()
  }

  stop(): void {
    for (const one of this.#shared.values()) one.stop()
  }
}
