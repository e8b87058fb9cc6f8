import type { Clock, Timer } from '../util/clock.ts'
import type { Capability, CapabilityHandlers } from './capability.ts'
import type { SendResult } from './cluster.ts'
import type { ClusterNode } from './cluster-node.ts'
import { parseSync, SYNC_TOPIC, type SyncMessage } from './sync-message.ts'

/** How nodes get what others have (clusterer reference, sync parameters). */
export interface SyncSettings {
  /** After that long a seed node counts as synchronised when nobody has answered. */
  readonly seedFallbackMs: number
  /** A node that says nothing for that long is asked no more. */
  readonly timeoutMs: number
  /** About how much goes into one message. */
  readonly packetBytes: number
}

interface SharedCapabilityParts {
  readonly node: ClusterNode
  readonly clock: Clock
  readonly settings: SyncSettings
  readonly cluster: number
  readonly name: string
  readonly handlers: CapabilityHandlers
}

/** What is being given to another node: one part at a time, each asked for. */
interface Giving {
  readonly number: number
  readonly rest: Iterator<unknown>
  readonly patience: Timer
}

/** One thing that this node shares with others, and how it gets what they have at its start. */
export class SharedCapability implements Capability {
  readonly name: string
  readonly cluster: number
  readonly topic: string
  /** Management can turn it off: nothing is sent or taken then. */
  isEnabled = true
  readonly #parts: SharedCapabilityParts
  readonly #giving = new Map<number, Giving>()
  #isSynced: boolean
  #isRunning = false
  /** The node that is being asked. */
  #donor: number | null = null
  #number = 0
  /** Nodes that had nothing to give, or did not answer. */
  readonly #refused = new Set<number>()
  #patience: Timer | null = null
  #seedFallback: Timer | null = null
  /** A seed node that has waited long enough: it is synchronised as soon as nobody is left to be asked. */
  #mayFallBack = false

  constructor(parts: SharedCapabilityParts) {
    this.#parts = parts
    this.name = parts.name
    this.cluster = parts.cluster
    this.topic = `capability:${parts.name}`
    this.#isSynced = parts.handlers.provide === undefined || parts.handlers.startsSynced === true
  }

  get isSynced(): boolean {
    return this.#isSynced
  }

  nodes(): readonly number[] {
    return this.#parts.node.find(this.cluster)?.reachable ?? []
  }

  broadcast(body: unknown): SendResult {
    if (!this.isEnabled) return 'disabled'
    return this.#parts.node.find(this.cluster)?.broadcast(this.topic, body) ?? 'failed'
  }

  send(node: number, body: unknown): SendResult {
    if (!this.isEnabled) return 'disabled'
    return this.#parts.node.find(this.cluster)?.send(node, this.topic, body) ?? 'failed'
  }

  resync(): boolean {
    if (this.#parts.handlers.provide === undefined || this.nodes().length === 0) return false
    this.#isSynced = false
    this.#refused.clear()
    this.#ask()
    return true
  }

  start(): void {
    this.#isRunning = true
    const { node, clock, settings } = this.#parts
    if (this.#isSynced) return
    if (node.find(this.cluster)?.self.isSeed === true)
      this.#seedFallback = clock.after(settings.seedFallbackMs, () => {
        this.#mayFallBack = true
        this.#fallBack()
      })
    this.#ask()
  }

  stop(): void {
    this.#isRunning = false
    this.#patience?.clear()
    this.#seedFallback?.clear()
    for (const { patience } of this.#giving.values()) patience.clear()
    this.#giving.clear()
  }

  /** A message of another node. */
  take(node: number, body: unknown): void {
    if (this.isEnabled) this.#parts.handlers.take(body, node)
  }

  /** A message about synchronising, of this capability or another. */
  takeSync(node: number, body: unknown): void {
    const message = parseSync(body)
    if (message === null || message.capability !== this.name || !this.isEnabled) return
    const { kind, number } = message
    if (kind === 'want') this.#give(node, number)
    else if (kind === 'next') this.#giveMore(node, number)
    else if (kind === 'have') this.#hear(node)
    else if (node === this.#donor && number === this.#number) this.#receive(message, node)
  }

  nodeChanged(node: number, isUp: boolean): void {
    this.#parts.handlers.nodeChanged?.(node, isUp)
    if (isUp) {
      this.#refused.delete(node)
      this.#ask()
    } else {
      this.#endGiving(node)
      if (this.#donor === node) this.#giveUp()
    }
  }

  /** Asks the next node that may have everything, unless one is being asked. */
  #ask(): void {
    if (!this.#isRunning || this.#isSynced || this.#donor !== null) return
    const donor = this.nodes().find(node => !this.#refused.has(node))
    if (donor === undefined) return
    this.#donor = donor
    this.#number++
    this.#wait()
    if (this.#tell(donor, 'want', this.#number) !== 'sent') this.#giveUp()
  }

  #hear(node: number): void {
    this.#refused.delete(node)
    this.#ask()
  }

  #receive({ kind, items, number }: SyncMessage, node: number): void {
    if (kind === 'none') {
      this.#giveUp()
      return
    }
    for (const item of items) this.#parts.handlers.take(item, node)
    if (kind === 'end') this.#finish()
    else {
      this.#wait()
      this.#tell(node, 'next', number)
    }
  }

  #wait(): void {
    this.#patience?.clear()
    this.#patience = this.#parts.clock.after(this.#parts.settings.timeoutMs, () => this.#giveUp())
  }

  /** The node asked has nothing, or is gone: the next one. */
  #giveUp(): void {
    this.#patience?.clear()
    if (this.#donor !== null) this.#refused.add(this.#donor)
    this.#donor = null
    this.#ask()
    this.#fallBack()
  }

  #fallBack(): void {
    if (this.#mayFallBack && !this.#isSynced && this.#donor === null) this.#finish()
  }

  #finish(): void {
    this.#patience?.clear()
    this.#donor = null
    this.#isSynced = true
    this.#parts.handlers.synced?.()
    this.#parts.node.find(this.cluster)?.broadcast(SYNC_TOPIC, message('have', this.name, 0))
  }

  #give(node: number, number: number): void {
    this.#endGiving(node)
    const { handlers } = this.#parts
    if (!this.#isSynced || handlers.provide === undefined) {
      this.#tell(node, 'none', number)
      return
    }
    this.#continue(node, number, handlers.provide()[Symbol.iterator]())
  }

  #giveMore(node: number, number: number): void {
    const giving = this.#giving.get(node)
    if (giving?.number === number) this.#continue(node, number, giving.rest)
  }

  /** Gives one part of what is left, and waits to be asked for the next. */
  #continue(node: number, number: number, rest: Iterator<unknown>): void {
    this.#endGiving(node)
    const { clock, settings } = this.#parts
    const items: unknown[] = []
    let bytes = 0
    let next = rest.next()
    for (; next.done !== true; next = rest.next()) {
      items.push(next.value)
      bytes += JSON.stringify(next.value).length
      if (bytes >= settings.packetBytes) break
    }
    if (next.done !== true) {
      const patience = clock.after(2 * settings.timeoutMs, () => this.#endGiving(node))
      this.#giving.set(node, { number, rest, patience })
    }
    this.#tell(node, next.done === true ? 'end' : 'part', number, items)
  }

  #endGiving(node: number): void {
    this.#giving.get(node)?.patience.clear()
    this.#giving.delete(node)
  }

  #tell(node: number, kind: SyncMessage['kind'], number: number, items: readonly unknown[] = []): SendResult {
    const cluster = this.#parts.node.find(this.cluster)
    return cluster?.send(node, SYNC_TOPIC, message(kind, this.name, number, items)) ?? 'failed'
  }
}

const message = (
  kind: SyncMessage['kind'],
  capability: string,
  number: number,
  items: readonly unknown[] = [],
): SyncMessage => ({ kind, capability, number, items })
