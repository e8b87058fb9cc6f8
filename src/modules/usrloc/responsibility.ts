import type { Capability } from '../../cluster/capability.ts'
import { isShareOf } from '../../cluster/spread.ts'
import type { ModuleApis } from '../../module/define.ts'
import type { Contact } from './contact.ts'

/** How the nodes that share contacts divide the pings among them. */
export type PingingMode = 'cooperation' | 'ownership'

interface ResponsibilityParts {
  readonly clusterer: Pick<ModuleApis['clusterer'], 'node' | 'isActive'> | undefined
  /** Null where contacts are not shared. */
  readonly sharing: { readonly cluster: number; readonly pinging: PingingMode } | null
  /** The node that is active for it does all work on contacts; null: each does. */
  readonly standby: { readonly cluster: number; readonly tag: string } | null
}

/** Says which work on contacts is this node's (usrloc reference, clustering). */
export class Responsibility {
  /** Known once the module shares contacts. */
  capability: Capability | null = null
  readonly #parts: ResponsibilityParts

  constructor(parts: ResponsibilityParts) {
    this.#parts = parts
  }

  /** Whether this node does the work on contacts that one of several must do: pings, and clearing of the database. */
  get isActive(): boolean {
    const { clusterer, standby } = this.#parts
    return standby === null || clusterer?.isActive(standby.tag, standby.cluster) === true
  }

  /**
   * Whether this node pings a contact. By ownership that is the node active for its sharing tag; contacts without one, and all
   * by cooperation, are spread over the nodes that can be reached.
   */
  pings(contact: Pick<Contact, 'uri' | 'shtag'>): boolean {
    const { clusterer, sharing } = this.#parts
    if (!this.isActive) return false
    if (sharing === null || clusterer === undefined) return true
    if (sharing.pinging === 'ownership' && contact.shtag !== '')
      return clusterer.isActive(contact.shtag, sharing.cluster)
    return isShareOf(clusterer.node, this.capability?.nodes() ?? [], contact.uri)
  }
}
