import type { Link, LinkState } from './link.ts'
import { type Advert, MAX_NODES } from './message.ts'
import { type NodeInfo, parseBinUrl } from './node-info.ts'

/** Another node of the cluster. */
export interface Member {
  info: NodeInfo
  /** Configured, not learned from others. */
  isConfigured: boolean
  /** Messages go to it and are taken from it; management can turn that off. */
  isEnabled: boolean
  /** Null while there may be none. */
  link: Link | null
}

/** The other nodes of a cluster, with the links to them. */
export class Members {
  readonly #members = new Map<number, Member>()
  readonly #makeLink: (info: NodeInfo) => Link | null

  constructor(makeLink: (info: NodeInfo) => Link | null) {
    this.#makeLink = makeLink
  }

  get(node: number): Member | undefined {
    return this.#members.get(node)
  }

  /** By number. */
  all(): readonly Member[] {
    return [...this.#members.values()].toSorted((a, b) => a.info.node - b.info.node)
  }

  /** Numbers of those that messages can be sent to without another node between. */
  neighbours(): readonly number[] {
    return this.all()
      .filter(({ link }) => link?.isUsable === true)
      .map(({ info }) => info.node)
  }

  linkState(node: number): LinkState {
    return this.#members.get(node)?.link?.state ?? 'down'
  }

  /** Enters a node as it is configured, or changes what is known of it. */
  configure(info: NodeInfo): void {
    const known = this.#members.get(info.node)
    if (known === undefined) this.#enter({ info, isConfigured: true, isEnabled: info.isEnabled, link: null })
    else {
      const isElsewhere = known.info.url !== info.url || known.info.retries !== info.retries
      if (isElsewhere) this.disconnect(known)
      Object.assign(known, { info, isConfigured: true, isEnabled: info.isEnabled })
      this.connect(known)
    }
  }

  /** Enters a node that says this of itself. What was configured stays. */
  learn(advert: Advert, cluster: number): void {
    const known = this.#members.get(advert.node)
    const info = infoOf(advert, cluster)
    if (known?.isConfigured === true) {
      // Ways are chosen by what a node says of itself, descriptions shown as they are configured here.
      const sipAddress = known.info.sipAddress === '' ? advert.sipAddress : known.info.sipAddress
      known.info = { ...known.info, sipAddress }
      return
    }
    if (parseBinUrl(advert.url) === null) return
    if (known === undefined) {
      if (this.#members.size < MAX_NODES) this.#enter({ info, isConfigured: false, isEnabled: true, link: null })
      return
    }
    const isElsewhere = known.info.url !== info.url
    known.info = info
    if (!isElsewhere) return
    this.disconnect(known)
    this.connect(known)
  }

  remove(node: number): void {
    const known = this.#members.get(node)
    if (known === undefined) return
    this.disconnect(known)
    this.#members.delete(node)
  }

  /** Makes the link to a node that is enabled; opens one that rests. */
  connect(member: Member): void {
    if (member.isEnabled) member.link ??= this.#makeLink(member.info)
    else this.disconnect(member)
    member.link?.open()
  }

  disconnect(member: Member): void {
    member.link?.close()
    member.link = null
  }

  #enter(member: Member): void {
    this.#members.set(member.info.node, member)
    this.connect(member)
  }
}

function infoOf(advert: Advert, cluster: number): NodeInfo {
  const { node, url, retries, priority, sipAddress, description } = advert
  return {
    cluster,
    node,
    url,
    isEnabled: true,
    retries,
    priority,
    sipAddress,
    isSeed: false,
    description,
    rowId: -1,
  }
}
