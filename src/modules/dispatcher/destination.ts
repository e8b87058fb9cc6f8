import type { Located } from '../../proxy/locate.ts'
import type { Hop, ListenSocket } from '../../sip/net/endpoint.ts'

/** A destination as its source describes it. */
export interface DestinationData {
  readonly setId: number
  /** As provisioned. */
  readonly uri: string
  /** Socket to send from, as written. */
  readonly socketText: string | null
  readonly isInactive: boolean
  readonly isProbing: boolean
  /** Probed whatever `ds_probing_mode` says. */
  readonly isAlwaysProbed: boolean
  readonly weight: number
  /** URL of the FreeSWITCH whose state gives the weight; null where it is fixed. */
  readonly freeswitch: string | null
  readonly priority: number
  readonly attrs: string | null
  readonly description: string | null
}

/**
 * One destination and what is known of it. Active: neither inactive, which is for people to decide, nor probing, which
 * means it failed and is asked until it answers.
 */
export class Destination implements Located {
  readonly data: DestinationData
  isInactive: boolean
  isProbing: boolean
  weight: number
  /** Failures in a row. */
  failures = 0
  /** How often it was the first choice. */
  hits = 0
  scriptAttrs: string | null = null
  socket: ListenSocket | null = null
  addresses: readonly Hop[] = []
  /** Its state is not in the database yet. */
  isUnsaved = false

  constructor(data: DestinationData) {
    this.data = data
    this.isInactive = data.isInactive
    this.isProbing = data.isProbing
    this.weight = data.weight
  }

  get uri(): string {
    return this.data.uri
  }

  /** Socket to send from, as written. */
  get socketText(): string | null {
    return this.data.socketText
  }

  get isActive(): boolean {
    return !this.isInactive && !this.isProbing
  }

  /** As listings show it. */
  get state(): 'Active' | 'Inactive' | 'Probing' {
    if (this.isInactive) return 'Inactive'
    return this.isProbing ? 'Probing' : 'Active'
  }

  /** As the database keeps it: 0 active, 1 inactive, 2 probing. */
  get stateNumber(): number {
    if (this.isInactive) return 1
    return this.isProbing ? 2 : 0
  }

  /** Goes on where an earlier load of the same destination was. */
  inherit(before: Destination): void {
    this.isInactive = before.isInactive
    this.isProbing = before.isProbing
    this.failures = before.failures
    if (this.data.freeswitch !== null && this.data.freeswitch === before.data.freeswitch) this.weight = before.weight
    this.scriptAttrs = before.scriptAttrs
    this.isUnsaved = before.isUnsaved
  }
}

/** Destinations that stand for each other, by priority, the highest first; equals as they were loaded. */
export class DestinationSet {
  readonly id: number
  readonly destinations: readonly Destination[]
  /** Where round robin stands: which destination, and how often in a row it was chosen. */
  turn: { readonly at: number; readonly used: number } = { at: 0, used: 0 }

  constructor(id: number, destinations: readonly Destination[]) {
    this.id = id
    this.destinations = destinations.toSorted((a, b) => b.data.priority - a.data.priority)
  }

  find(uri: string): Destination | undefined {
    return this.destinations.find(destination => destination.uri === uri)
  }
}
