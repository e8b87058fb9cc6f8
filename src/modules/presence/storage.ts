import type { Databases } from '../../db/databases.ts'
import type { RowOf } from '../../db/schema.ts'
import type { Table } from '../../db/table.ts'
import type { Log } from '../../log/log.ts'
import type { SipProxy } from '../../proxy/proxy.ts'
import type { Clock } from '../../util/clock.ts'
import { addressOf } from './answer.ts'
import type { Address, Permission } from './api.ts'
import type { PresenceParams } from './params.ts'
import { type Publication, uriOf } from './presentity.ts'
import { RowKeeper } from './row-keeper.ts'
import { Subscription } from './subscription.ts'
import { ACTIVE_WATCHERS_TABLE, PRESENTITY_TABLE, StatusNumber, WATCHERS_TABLE } from './tables.ts'

interface StorageParts {
  readonly databases: Databases
  readonly url: string
  readonly params: PresenceParams
  readonly proxy: SipProxy
  readonly clock: Clock
  readonly log: Log
}

interface Opened {
  readonly presentities: Table<typeof PRESENTITY_TABLE>
  readonly subscriptions: Table<typeof ACTIVE_WATCHERS_TABLE>
  readonly watchers: Table<typeof WATCHERS_TABLE>
}

interface Keepers {
  readonly presentities: RowKeeper<typeof PRESENTITY_TABLE>
  readonly subscriptions: RowKeeper<typeof ACTIVE_WATCHERS_TABLE>
  readonly watchers: RowKeeper<typeof WATCHERS_TABLE>
}

/** A publication as it was read. */
export interface StoredPublication {
  readonly event: string
  readonly address: Address
  readonly publication: Publication
}

const seconds = (timeMs: number): number => Math.floor(timeMs / 1000)
const DAY_S = 86_400
/** NOTIFYs may have been sent since a row was written; numbers may leave gaps but not come twice (RFC 3261 §12.2.1.1). */
const CSEQ_GAP = 1000

/** Publications, subscriptions and watchers in a database. Writing never keeps a message waiting. */
export class PresenceStorage {
  readonly #parts: StorageParts
  #tables: Opened | null = null
  #keepers: Keepers | null = null

  constructor(parts: StorageParts) {
    this.#parts = parts
  }

  /** Opens the tables. Rejects with an Error that says what is wrong. */
  async open(): Promise<void> {
    const { databases, url, params, log } = this.#parts
    const database = await databases.open(url)
    const tables = {
      presentities: await database.table(PRESENTITY_TABLE, { table: params.presentity_table }),
      subscriptions: await database.table(ACTIVE_WATCHERS_TABLE, { table: params.active_watchers_table }),
      watchers: await database.table(WATCHERS_TABLE, { table: params.watchers_table }),
    }
    this.#tables = tables
    this.#keepers = {
      presentities: new RowKeeper(tables.presentities, log),
      subscriptions: new RowKeeper(tables.subscriptions, log),
      watchers: new RowKeeper(tables.watchers, log),
    }
  }

  /** What has not expired, the oldest first. */
  async publications(): Promise<readonly StoredPublication[]> {
    const rows = (await this.#tables?.presentities.select({ where: [['expires', '>', this.#nowS()]] })) ?? []
    return rows.toSorted((a, b) => a.received_time - b.received_time).map(publicationOf)
  }

  /** What has not expired. */
  async subscriptions(): Promise<readonly Subscription[]> {
    const rows = (await this.#tables?.subscriptions.select({ where: [['expires', '>', this.#nowS()]] })) ?? []
    return rows.flatMap(row => this.#subscriptionOf(row) ?? [])
  }

  async findPublication(event: string, { user, domain }: Address, etag: string): Promise<Publication | null> {
    const rows = await this.#tables?.presentities.select({
      where: [
        ['username', '=', user],
        ['domain', '=', domain],
        ['event', '=', event],
        ['etag', '=', etag],
        ['expires', '>', this.#nowS()],
      ],
    })
    const [row] = rows ?? []
    return row === undefined ? null : publicationOf(row).publication
  }

  async findSubscription(callId: string, localTag: string, remoteTag: string): Promise<Subscription | null> {
    const rows = await this.#tables?.subscriptions.select({
      where: [
        ['callid', '=', callId],
        ['to_tag', '=', localTag],
        ['from_tag', '=', remoteTag],
        ['expires', '>', this.#nowS()],
      ],
    })
    const [row] = rows ?? []
    return row === undefined ? null : this.#subscriptionOf(row)
  }

  keepPublication(event: string, address: Address, publication: Publication): void {
    this.#publication(event, address, publication.etag, () => ({
      username: address.user,
      domain: address.domain,
      event,
      etag: publication.etag,
      expires: seconds(publication.expiresMs),
      received_time: seconds(publication.receivedMs),
      body: publication.document,
      extra_hdrs: null,
      sender: publication.sender,
    }))
  }

  removePublication(event: string, address: Address, etag: string): void {
    this.#publication(event, address, etag, null)
  }

  /** Written with the next update; at once where other proxies look for it. */
  keepSubscription(subscription: Subscription): void {
    this.#subscription(subscription, () => rowOf(subscription))
  }

  removeSubscription(subscription: Subscription): void {
    this.#subscription(subscription, null)
  }

  keepWatcher(event: string, presentity: Address, watcher: Address, permission: Permission): void {
    const row = {
      presentity_uri: uriOf(presentity),
      watcher_username: watcher.user,
      watcher_domain: watcher.domain,
      event,
    }
    const status =
      permission === 'pending'
        ? StatusNumber.pending
        : permission === 'blocked'
          ? StatusNumber.terminated
          : StatusNumber.active
    this.#keepers?.watchers.keep(
      Object.values(row).join('\n'),
      [
        ['presentity_uri', '=', row.presentity_uri],
        ['watcher_username', '=', row.watcher_username],
        ['watcher_domain', '=', row.watcher_domain],
        ['event', '=', row.event],
      ],
      () => ({ ...row, status, reason: reasonOf(permission), inserted_time: this.#nowS() }),
    )
    this.#keepers?.watchers.flushSoon()
  }

  /** Writes what has changed. */
  async flush(): Promise<void> {
    await this.#keepers?.presentities.flush()
    await this.#keepers?.subscriptions.flush()
    await this.#keepers?.watchers.flush()
  }

  /** Deletes rows that have expired, whoever wrote them. */
  async clean(): Promise<void> {
    const { log, params } = this.#parts
    const nowS = this.#nowS()
    const undecidedS = nowS - params.waiting_subs_daysno * DAY_S
    try {
      await this.#tables?.presentities.delete([['expires', '<=', nowS]])
      await this.#tables?.subscriptions.delete([['expires', '<=', nowS]])
      for (const status of [StatusNumber.pending, StatusNumber.waiting])
        await this.#tables?.watchers.delete([
          ['inserted_time', '<', undecidedS],
          ['status', '=', status],
        ])
    } catch (error) {
      log.error('rows that have expired were not deleted: it is tried again', { reason: String(error) })
    }
  }

  #publication(
    event: string,
    { user, domain }: Address,
    etag: string,
    row: (() => Partial<RowOf<typeof PRESENTITY_TABLE>>) | null,
  ): void {
    this.#keepers?.presentities.keep(
      `${event}\n${user}@${domain}\n${etag}`,
      [
        ['username', '=', user],
        ['domain', '=', domain],
        ['event', '=', event],
        ['etag', '=', etag],
      ],
      row,
    )
    this.#keepers?.presentities.flushSoon()
  }

  #subscription({ key, dialog }: Subscription, row: (() => Partial<RowOf<typeof ACTIVE_WATCHERS_TABLE>>) | null): void {
    this.#keepers?.subscriptions.keep(
      key,
      [
        ['callid', '=', dialog.callId],
        ['to_tag', '=', dialog.localTag],
        ['from_tag', '=', dialog.remoteTag],
      ],
      row,
    )
    if (this.#parts.params.fallback2db !== 0) this.#keepers?.subscriptions.flushSoon()
  }

  #subscriptionOf(row: RowOf<typeof ACTIVE_WATCHERS_TABLE>): Subscription | null {
    const presentity = addressOf(row.presentity_uri)
    if (presentity === null || row.contact === '') return null
    const subscription = new Subscription({
      dialog: {
        callId: row.callid,
        localTag: row.to_tag,
        remoteTag: row.from_tag,
        watcher: { user: row.watcher_username, domain: row.watcher_domain },
        target: { user: row.to_user, domain: row.to_domain },
        routes: (row.record_route ?? '').split(/,\s*(?=<)/).filter(route => route !== ''),
        socket: this.#parts.proxy.findSocket(row.socket_info) ?? null,
        localContact: row.local_contact,
      },
      presentity,
      event: row.event,
      eventId: row.event_id ?? '',
      contact: row.contact,
      remoteCseq: row.remote_cseq,
      permission:
        row.status === StatusNumber.pending ? 'pending' : row.reason === POLITE_BLOCK ? POLITE_BLOCK : 'active',
    })
    subscription.localCseq = row.local_cseq + CSEQ_GAP
    subscription.version = row.version
    subscription.expiresMs = row.expires * 1000
    return subscription
  }

  #nowS(): number {
    return seconds(this.#parts.clock.nowMs())
  }
}

const POLITE_BLOCK = 'polite-block'
const reasonOf = (permission: Permission): string | null => (permission === POLITE_BLOCK ? POLITE_BLOCK : null)

function publicationOf(row: RowOf<typeof PRESENTITY_TABLE>): StoredPublication {
  return {
    event: row.event,
    address: { user: row.username, domain: row.domain },
    publication: {
      etag: row.etag,
      document: row.body,
      expiresMs: row.expires * 1000,
      receivedMs: row.received_time * 1000,
      sender: row.sender,
    },
  }
}

function rowOf(subscription: Subscription): Partial<RowOf<typeof ACTIVE_WATCHERS_TABLE>> {
  const { dialog, presentity, permission } = subscription
  return {
    presentity_uri: uriOf(presentity),
    watcher_username: dialog.watcher.user,
    watcher_domain: dialog.watcher.domain,
    to_user: dialog.target.user,
    to_domain: dialog.target.domain,
    event: subscription.event,
    event_id: subscription.eventId || null,
    to_tag: dialog.localTag,
    from_tag: dialog.remoteTag,
    callid: dialog.callId,
    local_cseq: subscription.localCseq,
    remote_cseq: subscription.remoteCseq,
    contact: subscription.contact,
    record_route: dialog.routes.join(',') || null,
    expires: seconds(subscription.expiresMs),
    status: StatusNumber[subscription.status],
    reason: reasonOf(permission),
    version: subscription.version,
    socket_info: dialog.socket?.text ?? '',
    local_contact: dialog.localContact,
    sharing_tag: null,
  }
}
