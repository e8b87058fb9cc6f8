import type { Capability, CapabilityHandlers } from '../../cluster/capability.ts'
import { CatchUp } from '../../cluster/catch-up.ts'
import { Removals } from '../../cluster/removals.ts'
import type { Log } from '../../log/log.ts'
import type { Clock } from '../../util/clock.ts'
import type { Contact, StoredContact } from './contact.ts'
import type { Domain, DomainListener } from './domain.ts'
import type { LocationStore } from './location-store.ts'
import { findMatch, type MatchingMode } from './matching.ts'
import { type PutMessage, parseReplica, putBody, type RemoveMessage, type ReplicaNames } from './replica-message.ts'

interface ReplicationParts {
  readonly clock: Clock
  readonly log: Log
  readonly store: () => LocationStore
  readonly names: ReplicaNames
  readonly matching: MatchingMode
  /** What other nodes have stored is not written to the database here. */
  readonly skipsDatabase: boolean
}

/**
 * Every node of a cluster has the contacts of all (full sharing): each tells the others what it has stored and removed, and
 * what the others tell is stored here as if it had been registered here, events included. Of two changes of one contact the
 * later stays. Contacts expire on each node by themselves.
 */
export class Replication {
  readonly #parts: ReplicationParts
  /** By table, AoR and URI. */
  readonly #removals = new Removals()
  readonly #catchUp: CatchUp
  #capability: Capability | null = null
  #isTaking = false

  constructor(parts: ReplicationParts) {
    this.#parts = parts
    this.#catchUp = new CatchUp({
      clock: parts.clock,
      changedSince: sinceMs => this.#changedSince(sinceMs),
      send: (node, body) => this.#capability?.send(node, body) ?? 'failed',
    })
  }

  /** What this node does for the cluster. `syncs`: it asks the others for their contacts at its start. */
  handlers(syncs: boolean): CapabilityHandlers {
    return {
      take: body => this.#take(body),
      provide: () => this.#everything(),
      startsSynced: !syncs,
      nodeChanged: (node, isUp) => this.#catchUp.nodeChanged(node, isUp),
    }
  }

  start(capability: Capability): void {
    this.#capability = capability
  }

  stop(): void {
    this.#capability = null
    this.#catchUp.stop()
  }

  /** A listener that tells the other nodes, then `inner`. */
  listener(inner: DomainListener): DomainListener {
    const put = (domain: string, contact: Contact): void => this.#tell(putBody(domain, contact, this.#parts.names))
    return {
      ...inner,
      contactInserted: (domain, contact) => {
        put(domain, contact)
        inner.contactInserted(domain, contact)
      },
      contactUpdated: (domain, contact) => {
        put(domain, contact)
        inner.contactUpdated(domain, contact)
      },
      contactDeleted: (domain, contact) => {
        this.#tellRemoval(domain, contact)
        inner.contactDeleted(domain, contact)
      },
      keyChanged: (domain, aor, key, value) => this.#tell({ op: 'key', domain, aor, key, value }),
    }
  }

  #tell(body: object): void {
    if (!this.#isTaking) this.#capability?.broadcast(body)
  }

  #tellRemoval(domain: string, contact: Contact): void {
    const nowMs = this.#parts.clock.nowMs()
    const hasExpired = contact.expiresS !== 0 && contact.expiresS * 1000 <= nowMs
    if (this.#isTaking || hasExpired) return
    const { aor, id, uri, callId: callid, modifiedMs } = contact
    const atMs = Math.max(nowMs, modifiedMs + 1)
    const body = { op: 'remove', domain, aor, id, uri, callid, at: atMs }
    this.#removals.add(keyOf(domain, aor, uri), atMs, body)
    this.#tell(body)
  }

  #take(body: unknown): void {
    const message = parseReplica(body, this.#parts.names)
    const domain = message === null ? undefined : this.#parts.store().find(message.domain)
    if (message === null || domain === undefined) return
    const done = domain.run(message.aor, () => {
      if (message.op === 'key') this.#quietly(domain, () => domain.setKey(message.aor, message.key, message.value))
      else if (message.op === 'put') this.#put(domain, message)
      else this.#remove(domain, message, body as object)
    })
    if (done instanceof Promise)
      done.catch((error: unknown) =>
        this.#parts.log
          .often()
          .error('a contact of another node was not stored', { aor: message.aor, reason: String(error) }),
      )
  }

  #put(domain: Domain, message: PutMessage): void {
    const { aor, atMs, data, id } = message
    const nowS = Math.floor(this.#parts.clock.nowMs() / 1000)
    const removedMs = this.#removals.timeOf(keyOf(domain.name, aor, data.uri))
    if (removedMs >= atMs || (data.expiresS !== 0 && data.expiresS <= nowS)) return
    const known = this.#find(domain, aor, { id, uri: data.uri, callId: data.callId })
    if (known !== undefined && known.modifiedMs >= atMs) return
    this.#quietly(domain, () => {
      if (known === undefined) domain.insert(aor, data, { id, modifiedMs: atMs })
      else domain.update(known, data, atMs)
    })
  }

  #remove(domain: Domain, message: RemoveMessage, body: object): void {
    const { aor, atMs } = message
    this.#removals.add(keyOf(domain.name, aor, message.uri), atMs, body)
    const known = this.#find(domain, aor, message)
    if (known !== undefined && known.modifiedMs < atMs) this.#quietly(domain, () => domain.remove(known))
  }

  /** By its id, or as a registration would find it: two nodes may have given ids to one contact. */
  #find(domain: Domain, aor: string, wanted: Pick<RemoveMessage, 'id' | 'uri' | 'callId'>): StoredContact | undefined {
    const contacts = domain.stored(aor)
    const { id, uri, callId } = wanted
    return contacts.find(contact => contact.id === id) ?? findMatch(contacts, uri, callId, this.#parts.matching)
  }

  /** Changes contacts without telling the other nodes, or the database where it is theirs to write. */
  #quietly(domain: Domain, change: () => unknown): void {
    const { rows } = domain
    this.#isTaking = true
    if (this.#parts.skipsDatabase) domain.rows = null
    try {
      change()
    } finally {
      this.#isTaking = false
      domain.rows = rows
    }
  }

  /** Contacts stored since `sinceMs`, and what scripts keep beside them. */
  *#everything(sinceMs = 0): Generator<object> {
    for (const domain of this.#parts.store().all())
      for (const { aor, contacts } of domain.all()) {
        for (const contact of contacts)
          if (contact.modifiedMs >= sinceMs) yield putBody(domain.name, contact, this.#parts.names)
        for (const [key, value] of domain.keys(aor) ?? []) yield { op: 'key', domain: domain.name, aor, key, value }
      }
  }

  *#changedSince(sinceMs: number): Generator<unknown> {
    yield* this.#removals.since(sinceMs)
    yield* this.#everything(sinceMs)
  }
}

const keyOf = (domain: string, aor: string, uri: string): string => `${domain}\n${aor}\n${uri}`
