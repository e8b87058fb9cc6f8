import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import type { BinEndpoint } from './bin-endpoint.ts'
import { Cluster, type SendResult } from './cluster.ts'
import type { PingSettings } from './link.ts'
import type { Parcel } from './message.ts'
import type { NodeInfo } from './node-info.ts'

/** Where a message came from. */
export interface Sender {
  readonly cluster: Cluster
  readonly node: number
}

/** Takes messages of one topic. What it is given came from outside: any JSON value. */
export type TopicHandler = (sender: Sender, body: unknown) => void

/** Told of a node that can be reached from now on, or no longer. */
export type NodeWatcher = (cluster: Cluster, node: number, isUp: boolean, reason: string) => void

interface ClusterNodeParts {
  readonly endpoint: BinEndpoint
  readonly clock: Clock
  readonly log: Log
  readonly learns: boolean
  readonly reroutes: boolean
  readonly pings: PingSettings
}

/** This node as a member of its clusters. */
export class ClusterNode {
  readonly #parts: ClusterNodeParts
  readonly #clusters = new Map<number, Cluster>()
  readonly #topics = new Map<string, TopicHandler>()
  readonly #watchers: NodeWatcher[] = []
  #isRunning = false

  constructor(parts: ClusterNodeParts) {
    this.#parts = parts
  }

  /** By number. */
  get clusters(): readonly Cluster[] {
    return [...this.#clusters.values()].toSorted((a, b) => a.id - b.id)
  }

  find(cluster: number): Cluster | undefined {
    return this.#clusters.get(cluster)
  }

  /** Takes what is sent under a topic from now on, in every cluster. */
  handle(topic: string, handler: TopicHandler): void {
    this.#topics.set(topic, handler)
  }

  /** Is told which nodes come and go. */
  watch(watcher: NodeWatcher): void {
    this.#watchers.push(watcher)
  }

  /**
   * Sets which clusters this node belongs to, and with whom. Each of `selves` is this node in one cluster; clusters it is no
   * longer in are left.
   */
  configure(selves: readonly NodeInfo[], others: readonly NodeInfo[]): void {
    for (const cluster of this.clusters) if (!selves.some(self => self.cluster === cluster.id)) this.#leave(cluster)
    for (const self of selves) {
      const peers = others.filter(other => other.cluster === self.cluster && other.node !== self.node)
      const known = this.#clusters.get(self.cluster)
      if (known === undefined) this.#enter(self, peers)
      else known.configure(self, peers)
    }
  }

  /** Begins to connect and to answer. */
  start(): void {
    this.#isRunning = true
    this.#parts.endpoint.reception = ({ cluster, node }) => this.#clusters.get(cluster)?.receive(node) ?? null
    for (const cluster of this.clusters) cluster.start()
  }

  stop(): void {
    this.#isRunning = false
    this.#parts.endpoint.reception = null
    for (const cluster of this.clusters) cluster.stop()
  }

  /** Hands a message to this node itself, as if another had sent it. */
  deliver(cluster: Cluster, parcel: Pick<Parcel, 'source' | 'topic' | 'body'>): void {
    try {
      this.#topics.get(parcel.topic)?.({ cluster, node: parcel.source }, parcel.body)
    } catch (error) {
      const { source, topic } = parcel
      this.#parts.log
        .often(`${source} ${topic}`)
        .error('a message of another node cannot be used', { node: source, topic, reason: String(error) })
    }
  }

  #enter(self: NodeInfo, peers: readonly NodeInfo[]): void {
    const cluster: Cluster = new Cluster({
      ...this.#parts,
      self,
      peers,
      deliver: parcel => this.deliver(cluster, parcel),
      nodeChanged: (node, isUp, reason) => {
        for (const watcher of this.#watchers) watcher(cluster, node, isUp, reason)
      },
    })
    this.#clusters.set(self.cluster, cluster)
    if (this.#isRunning) cluster.start()
  }

  #leave(cluster: Cluster): void {
    cluster.stop()
    this.#clusters.delete(cluster.id)
  }
}

/** The numbers that script functions give for what became of a message (clusterer reference). */
export const VERDICTS: Readonly<Record<SendResult, number>> = { sent: 1, disabled: -1, unreachable: -2, failed: -3 }
