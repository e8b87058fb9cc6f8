import type { Capability, CapabilityHandlers } from '../../cluster/capability.ts'

/** What other modules get of clusterer. */
export interface ClustererApi {
  /** Number of this node. */
  readonly node: number
  /**
   * Shares something with the same part of other nodes in a cluster, under a name; called while modules are set up. The start
   * fails when this node turns out not to be in that cluster. Throws an Error when the name is taken there.
   */
  share(cluster: number, name: string, handlers: CapabilityHandlers): Capability
  /** Whether this node is active for a sharing tag. */
  isActive(tag: string, cluster: number): boolean
  /** Is told when this node becomes active for a tag, or backup. */
  watchTags(watcher: (tag: string, cluster: number, isActive: boolean) => void): void
}

declare module '../../module/define.ts' {
  interface ModuleApis {
    clusterer: ClustererApi
  }
}
