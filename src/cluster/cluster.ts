import type { Log } from '../log/log.ts'
import type { Clock, Timer } from '../util/clock.ts'
import type { BinEndpoint, Incoming } from './bin-endpoint.ts'
import type { Connection } from './connection.ts'
import { Link, type LinkState, type PingSettings } from './link.ts'
import { Members } from './members.ts'
import type { Advert, Message, Parcel } from './message.ts'
import { type NodeInfo, parseBinUrl } from './node-info.ts'
import { isNewer, Topology } from './topology.ts'

/** Nodes that a message may pass. */
const MAX_HOPS = 16
/** How often this node contradicts what others say of it. */
const CONTRADICTION_MS = 1_000

/** What became of a message: whether it left, for `sent` never whether it arrived. */
export type SendResult = 'sent' | 'disabled' | 'unreachable' | 'failed'

/** Another node, as management lists it. */
export interface NodeView {
  readonly info: NodeInfo
  readonly isEnabled: boolean
  readonly linkState: LinkState
  /** Where messages to it go first; null when there is no way. */
  readonly nextHop: number | null
  /** Its address; '' while no link is up. */
  readonly remoteAddress: string
}

interface ClusterParts {
  readonly self: NodeInfo
  readonly peers: readonly NodeInfo[]
  /** Nodes that others tell of become members; otherwise only `peers` are. */
  readonly learns: boolean
  /** Messages for others are passed on, and sent by way of others. */
  readonly reroutes: boolean
  readonly pings: PingSettings
  readonly endpoint: Pick<BinEndpoint, 'connect'>
  readonly clock: Clock
  readonly log: Log
  deliver(parcel: Parcel): void
  /** A way to a node was found or lost. */
  nodeChanged(node: number, isUp: boolean, reason: string): void
}

/**
 * This node's part in one cluster: links to the other nodes, what each says of itself, ways over several nodes, and
 * messages along them. Adverts are flooded; each side of a new link tells the other everything it knows.
 */
export class Cluster {
  readonly id: number
  readonly #parts: ClusterParts
  readonly #members: Members
  readonly #topology = new Topology()
  readonly #incoming = new Map<Connection, number>()
  #self: NodeInfo
  #isEnabled: boolean
  #isRunning = false
  #advert: Advert
  #routes: ReadonlyMap<number, number> = new Map()
  #contradiction: Timer | null = null
  #lastContradictionMs = Number.NEGATIVE_INFINITY

  constructor(parts: ClusterParts) {
    const { self, clock } = parts
    this.id = self.cluster
    this.#parts = parts
    this.#self = self
    this.#isEnabled = self.isEnabled
    this.#advert = this.#makeAdvert(clock.nowMs(), 0, [])
    this.#members = new Members(info => this.#makeLink(info))
  }

  get isEnabled(): boolean {
    return this.#isEnabled
  }

  get self(): NodeInfo {
    return this.#self
  }

  /** Nodes that there is a way to, by number. */
  get reachable(): readonly number[] {
    return [...this.#routes.keys()].toSorted((a, b) => a - b)
  }

  nodes(): readonly NodeView[] {
    return this.#members.all().map(({ info, isEnabled, link }) => ({
      info,
      isEnabled,
      linkState: link?.state ?? 'down',
      nextHop: this.#routes.get(info.node) ?? null,
      remoteAddress: link?.remoteAddress ?? '',
    }))
  }

  /** Every node with its neighbours, this one among them. */
  topology(): readonly Pick<Advert, 'node' | 'neighbours'>[] {
    const adverts = [this.#advert, ...this.#topology.all()]
    return adverts.toSorted((a, b) => a.node - b.node).map(({ node, neighbours }) => ({ node, neighbours }))
  }

  /** Connects to the other nodes. */
  start(): void {
    this.#isRunning = true
    for (const info of this.#parts.peers) this.#members.configure(info)
  }

  /** Ends every link. */
  stop(): void {
    this.#isRunning = false
    this.#contradiction?.clear()
    this.#disconnectAll()
  }

  /** Sends to one node, perhaps by way of others. */
  send(destination: number, topic: string, body: unknown): SendResult {
    if (!this.#isEnabled) return 'disabled'
    const parcel: Parcel = { type: 'parcel', source: this.#self.node, destination, hops: 0, topic, body }
    return this.#forward(parcel)
  }

  /** Sends to every other node that there is a way to: `sent` when it left for one at least. */
  broadcast(topic: string, body: unknown): SendResult {
    if (!this.#isEnabled) return 'disabled'
    const results = this.reachable.map(node => this.send(node, topic, body))
    return results.find(result => result === 'sent') ?? results[0] ?? 'unreachable'
  }

  /** Takes this node out of the cluster, or in again. */
  setEnabled(isEnabled: boolean): void {
    if (isEnabled === this.#isEnabled) return
    this.#isEnabled = isEnabled
    if (isEnabled) for (const member of this.#members.all()) this.#members.connect(member)
    else this.#disconnectAll()
    this.#update('set by management')
  }

  /** Stops talking to another node, or begins again. Gives false when it is not known. */
  setNodeEnabled(node: number, isEnabled: boolean): boolean {
    const member = this.#members.get(node)
    if (member === undefined) return false
    member.isEnabled = isEnabled
    this.#members.connect(member)
    if (!isEnabled) this.#closeIncoming(node)
    this.#update('set by management')
    return true
  }

  /** Removes a node everywhere; it is out until it is started anew. Gives false when it is not known. */
  removeNode(node: number): boolean {
    if (this.#members.get(node) === undefined) return false
    this.#takeRemoval(node, this.#topology.get(node)?.started ?? this.#parts.clock.nowMs())
    return true
  }

  /** What is configured has changed: other nodes are met, left and kept. */
  configure(self: NodeInfo, peers: readonly NodeInfo[]): void {
    this.#self = self
    this.setEnabled(self.isEnabled)
    const kept = new Set(peers.map(({ node }) => node))
    for (const { info } of this.#members.all()) if (!kept.has(info.node)) this.#leave(info.node)
    for (const info of peers) this.#members.configure(info)
    this.#advertise()
    this.#update('what is configured has changed')
  }

  /** Who answers the greeting of a node of this cluster; null when nobody wants to hear it. */
  receive(node: number): Incoming | null {
    const { learns } = this.#parts
    const member = this.#members.get(node)
    if (!this.#isRunning || !this.#isEnabled || node === this.#self.node) return null
    if (member === undefined ? !learns : !member.isEnabled) return null
    return {
      node: this.#self.node,
      ready: connection => {
        this.#incoming.set(connection, node)
        // It lives: a link that rests need not.
        this.#members.get(node)?.link?.open()
      },
      take: (connection, message) => {
        if (message.type === 'ping') connection.send({ type: 'pong', number: message.number })
        else this.#take(message, node)
      },
      closed: connection => void this.#incoming.delete(connection),
    }
  }

  #take(message: Message, from: number): void {
    if (!this.#isEnabled) return
    if (message.type === 'states') this.#takeStates(message.adverts, from)
    else if (message.type === 'removal') this.#takeRemoval(message.node, message.started)
    else if (message.type === 'parcel') this.#takeParcel(message)
  }

  #takeParcel(parcel: Parcel): void {
    if (parcel.destination === this.#self.node) {
      if (this.#members.get(parcel.source)?.isEnabled === true) this.#parts.deliver(parcel)
    } else if (this.#parts.reroutes && parcel.hops < MAX_HOPS) this.#forward({ ...parcel, hops: parcel.hops + 1 })
  }

  #forward(parcel: Parcel): SendResult {
    const nextHop = this.#routes.get(parcel.destination)
    const link = nextHop === undefined ? undefined : this.#members.get(nextHop)?.link
    if (link == null) return 'unreachable'
    return link.send(parcel) ? 'sent' : 'failed'
  }

  #takeStates(adverts: readonly Advert[], from: number): void {
    const fresh = adverts.filter(advert => this.#takeAdvert(advert))
    if (fresh.length === 0) return
    for (const advert of fresh) this.#members.learn(advert, this.id)
    this.#flood({ type: 'states', adverts: fresh }, from)
    this.#update('others say so')
  }

  #takeAdvert(advert: Advert): boolean {
    if (advert.node === this.#self.node) {
      if (isNewer(advert, this.#advert) || isOther(advert, this.#advert)) this.#contradict(advert)
      return false
    }
    if (!this.#parts.learns && this.#members.get(advert.node) === undefined) return false
    return this.#topology.accept(advert)
  }

  /** What others say of this node is from a former run, or another node has its number: says it anew, not too often. */
  #contradict(advert: Advert): void {
    const { clock, log } = this.#parts
    if (advert.url !== this.#self.url)
      log.warn('another node says it has the number of this one', {
        cluster: this.id,
        node: advert.node,
        url: advert.url,
      })
    const waitMs = this.#lastContradictionMs + CONTRADICTION_MS - clock.monotonicMs()
    this.#contradiction?.clear()
    const speak = (): void => {
      this.#lastContradictionMs = clock.monotonicMs()
      if (!isNewer(this.#advert, advert))
        this.#advert = { ...this.#advert, started: advert.started, version: advert.version }
      this.#advertise()
    }
    if (waitMs <= 0) speak()
    else this.#contradiction = clock.after(waitMs, speak)
  }

  #takeRemoval(node: number, started: number): void {
    if (node === this.#self.node) {
      this.#parts.log.warn('the other nodes have removed this one', { cluster: this.id })
      return
    }
    if (!this.#topology.remove(node, started)) return
    this.#leave(node)
    this.#flood({ type: 'removal', node, started }, node)
    this.#update('removed')
  }

  #leave(node: number): void {
    this.#topology.forget(node)
    this.#members.remove(node)
    this.#closeIncoming(node)
  }

  #makeLink(info: NodeInfo): Link | null {
    const address = parseBinUrl(info.url)
    if (!this.#isRunning || !this.#isEnabled || address === null || info.node === this.#self.node) return null
    const { endpoint, clock, pings: settings } = this.#parts
    return new Link({
      identity: { cluster: this.id, node: this.#self.node },
      node: info.node,
      address,
      retries: info.retries,
      settings,
      clock,
      connect: (to, outgoing) => endpoint.connect(to, outgoing),
      changed: (link, reason) => this.#linkChanged(link, reason),
      take: message => this.#take(message, info.node),
    })
  }

  #linkChanged(link: Link, reason: string): void {
    const isNeighbour = this.#advert.neighbours.includes(link.node)
    if (link.isUsable === isNeighbour) return
    if (link.isUsable) link.send({ type: 'states', adverts: [this.#advert, ...this.#topology.all()] })
    this.#update(reason)
  }

  /** Works out the ways anew, tells the others what has changed of this node, and who wants to know which nodes come and go. */
  #update(reason: string): void {
    const neighbours = (): readonly number[] => (this.#isEnabled ? this.#members.neighbours() : [])
    if (neighbours().join() !== this.#advert.neighbours.join()) this.#advertise()
    // Telling the others may have cost a link.
    const found = this.#topology.routes(this.#self.node, neighbours())
    const known = this.#routes
    const isWay = ([node, by]: readonly [number, number]): boolean =>
      this.#members.get(node)?.isEnabled === true && (this.#parts.reroutes || node === by)
    this.#routes = new Map([...found].filter(isWay))
    for (const node of known.keys()) if (!this.#routes.has(node)) this.#parts.nodeChanged(node, false, reason)
    for (const node of [...this.#routes.keys()]) if (!known.has(node)) this.#parts.nodeChanged(node, true, reason)
  }

  #advertise(): void {
    const { started, version } = this.#advert
    this.#advert = this.#makeAdvert(started, version + 1, this.#isEnabled ? this.#members.neighbours() : [])
    this.#flood({ type: 'states', adverts: [this.#advert] }, null)
  }

  #makeAdvert(started: number, version: number, neighbours: readonly number[]): Advert {
    const { node, url, sipAddress, description, priority, retries } = this.#self
    return { node, started, version, url, sipAddress, description, priority, retries, neighbours }
  }

  #flood(message: Message, except: number | null): void {
    for (const { info, link } of this.#members.all()) if (info.node !== except) link?.send(message)
  }

  #disconnectAll(): void {
    for (const member of this.#members.all()) this.#members.disconnect(member)
    for (const connection of [...this.#incoming.keys()]) connection.close('this node leaves the cluster')
  }

  #closeIncoming(node: number): void {
    for (const [connection, of] of [...this.#incoming])
      if (of === node) connection.close('this node no longer listens to it')
  }
}

const isOther = (one: Advert, other: Advert): boolean =>
  one.started === other.started && one.version === other.version && JSON.stringify(one) !== JSON.stringify(other)
