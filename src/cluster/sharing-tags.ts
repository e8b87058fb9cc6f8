import type { Clock } from '../util/clock.ts'
import type { Cluster } from './cluster.ts'
import type { ClusterNode, Sender } from './cluster-node.ts'
import { isId, isRecord } from './message.ts'

/** A sharing tag: a name that one node of a cluster at most is active for. */
export interface SharingTag {
  readonly name: string
  readonly cluster: number
  readonly isActive: boolean
}

/** Told of a tag that this node became active for, or backup. */
export type TagWatcher = (tag: SharingTag, reason: string) => void

interface Entry {
  readonly name: string
  readonly cluster: number
  isActive: boolean
  /** Number of the claim by which it is active. The greatest claim, then the greatest node, has the tag. */
  claim: number
}

const TOPIC = 'tags'
/** Tags of this node; those that only others have are not kept. */
const MAX_TAGS = 10_000

/** Reads `name/cluster` or, where `withState`, `name/cluster=active|backup`. Throws an Error that says what is wrong. */
export function parseSharingTag(text: string, withState = false): SharingTag {
  const parts = /^\s*([^/=\s][^/=]*?)\s*\/\s*(\d{1,9})\s*(?:=\s*(\w+)\s*)?$/.exec(text)
  const state = parts?.[3]?.toLowerCase() ?? (withState ? '' : 'backup')
  const cluster = Number(parts?.[2])
  if (parts === null || !isId(cluster) || (state !== 'active' && state !== 'backup'))
    throw new Error(`sharing tag "${text}": expected name/cluster${withState ? '=active, or =backup' : ''}`)
  return { name: parts[1] ?? '', cluster, isActive: state === 'active' }
}

/**
 * The sharing tags of this node. Who becomes active claims the tag with a number above all claims it has seen; whoever hears
 * of a greater claim becomes backup. Nodes that meet tell each other their claims, so that two that were apart agree again.
 */
export class SharingTags {
  readonly #node: ClusterNode
  readonly #clock: Clock
  readonly #tags = new Map<string, Entry>()
  readonly #watchers: TagWatcher[] = []
  /** The greatest claim seen. */
  #lastClaim = 0

  constructor(node: ClusterNode, clock: Clock) {
    this.#node = node
    this.#clock = clock
    node.handle(TOPIC, (sender, body) => this.#take(sender, body))
    node.watch((cluster, other, isUp) => {
      if (isUp) this.#tell(cluster, other)
    })
  }

  all(): readonly SharingTag[] {
    return [...this.#tags.values()]
  }

  /** Is told of every change. */
  watch(watcher: TagWatcher): void {
    this.#watchers.push(watcher)
  }

  /** Enters a tag as it is configured. */
  define({ name, cluster, isActive }: SharingTag): void {
    const entry = this.#entry(name, cluster)
    entry.isActive = isActive
    if (isActive) entry.claim = this.#nextClaim()
  }

  /** Whether this node is active for the tag. A tag that was never mentioned is entered as backup. */
  isActive(name: string, cluster: number): boolean {
    return this.#entry(name, cluster).isActive
  }

  /** Makes this node active for a tag, and all others backup. */
  activate(name: string, cluster: number, reason: string): void {
    const entry = this.#entry(name, cluster)
    entry.claim = this.#nextClaim()
    this.#set(entry, true, reason)
    this.#node.find(cluster)?.broadcast(TOPIC, [bodyOf(entry)])
  }

  /** Makes this node backup for a tag; nobody becomes active by that. */
  yield(name: string, cluster: number, reason: string): void {
    this.#set(this.#entry(name, cluster), false, reason)
  }

  #entry(name: string, cluster: number): Entry {
    const key = `${cluster}/${name}`
    const known = this.#tags.get(key)
    if (known !== undefined) return known
    const entry: Entry = { name, cluster, isActive: false, claim: 0 }
    if (this.#tags.size < MAX_TAGS) this.#tags.set(key, entry)
    return entry
  }

  /** Claims grow with time, so that the clocks of nodes decide between those that never met. */
  #nextClaim(): number {
    this.#lastClaim = Math.max(this.#clock.nowMs(), this.#lastClaim + 1)
    return this.#lastClaim
  }

  #tell(cluster: Cluster, other: number): void {
    const active = [...this.#tags.values()].filter(tag => tag.isActive && tag.cluster === cluster.id)
    if (active.length > 0) cluster.send(other, TOPIC, active.map(bodyOf))
  }

  #take({ cluster, node }: Sender, body: unknown): void {
    if (!Array.isArray(body)) return
    for (const item of body) {
      const claimed = parseClaim(item)
      if (claimed !== null) this.#takeClaim(cluster, node, claimed)
    }
  }

  #takeClaim(cluster: Cluster, node: number, { name, claim }: Claim): void {
    const entry = this.#tags.get(`${cluster.id}/${name}`)
    this.#lastClaim = Math.max(this.#lastClaim, claim)
    if (entry?.isActive !== true) return
    const isGreater = claim > entry.claim || (claim === entry.claim && node > cluster.self.node)
    if (isGreater) this.#set(entry, false, `cluster broadcast from ${node}`)
    else cluster.send(node, TOPIC, [bodyOf(entry)])
  }

  #set(entry: Entry, isActive: boolean, reason: string): void {
    if (entry.isActive === isActive) return
    entry.isActive = isActive
    for (const watcher of this.#watchers) watcher(entry, reason)
  }
}

interface Claim {
  readonly name: string
  readonly claim: number
}

const bodyOf = ({ name, claim }: Entry): Claim => ({ name, claim })

/** Claims lie in the time a number holds exactly, with room above. */
function parseClaim(value: unknown): Claim | null {
  if (!isRecord(value)) return null
  const { name, claim } = value
  const isClaim = typeof claim === 'number' && Number.isSafeInteger(claim) && claim >= 0 && claim < 2 ** 52
  return typeof name === 'string' && isClaim ? { name, claim } : null
}
