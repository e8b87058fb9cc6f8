import type { SendResult } from './cluster.ts'

/** What a part of the proxy shares with the same part of other nodes. */
export interface CapabilityHandlers {
  /** A message of another node: any JSON value, from outside. */
  take(body: unknown, node: number): void
  /** Everything another node needs to be like this one: JSON values, each taken by `take` there. Without it nothing is synchronised. */
  provide?(): Iterable<unknown>
  /** This node has what it needs at its start: it gives, and asks when it is told to only. */
  readonly startsSynced?: boolean
  /** Everything another node had has been taken. */
  synced?(): void
  /** Another node can be reached from now on, or no longer. */
  nodeChanged?(node: number, isUp: boolean): void
}

/** How a part of the proxy talks to the same part of other nodes. */
export interface Capability {
  readonly cluster: number
  /** Whether this node has what the others have. Parts that provide nothing always have. */
  readonly isSynced: boolean
  /** Nodes that can be reached, by number. */
  nodes(): readonly number[]
  broadcast(body: unknown): SendResult
  send(node: number, body: unknown): SendResult
  /** Asks the others for everything they have, again. Gives false where nobody can be asked. */
  resync(): boolean
}
