import { defineModule, gauge, type ModuleContext } from '../../module/define.ts'
import type { Timer } from '../../util/clock.ts'
import { usrlocCommandHandlers, usrlocCommands } from './commands.ts'
import { type Contact, ContactFlag } from './contact.ts'
import type { Domain, DomainListener, LocatedContact } from './domain.ts'
import { contactEventFields, refreshEventFields, usrlocEvents } from './events.ts'
import { keyFunctionHandlers, keyFunctions } from './key-functions.ts'
import { LocationStore } from './location-store.ts'
import { columnNames, LOCATION_TABLE } from './location-table.ts'
import { type MatchingMode, matchingMode } from './matching.ts'
import { type StorageMode, storageMode, usesDatabase } from './modes.ts'
import { usrlocParams } from './params.ts'
import { Refreshes } from './refreshes.ts'
import { contactOf } from './row-codec.ts'
import { openSharing } from './sharing.ts'
import { Storage } from './storage.ts'

/** What other modules do with the location store. */
export interface UsrlocApi {
  /** Whether an AoR is `user@host`, not the user alone. */
  readonly useDomain: boolean
  /** False: contacts are in the database alone (sql-only). */
  readonly hasMemory: boolean
  /** What `matching_mode` says; a caller may use another. */
  readonly matching: MatchingMode
  /** A matching mode from `0`, `1` or the name of a URI parameter. */
  matchingMode(text: string): MatchingMode
  /** Bit of a contact's `flags`: never written to a database. */
  readonly memoryOnly: number
  /** Mask of the branch flag `nat_bflag`, 0 when that is not set. Known once the module has started. */
  readonly natFlag: number
  /** Whether this node pings a contact: of several that share it, one does. */
  pings(contact: Pick<Contact, 'uri' | 'shtag'>): boolean
  /** Every contact there is, for modes that have none in memory. Never rejects: what cannot be read is logged and left out. */
  readAll(): Promise<readonly LocatedContact[]>
  /** The table of this name, made if there is none. */
  domain(name: string): Domain
  find(name: string): Domain | undefined
  all(): IterableIterator<Domain>
  /** Says when contacts must be woken up to register again, seconds since 1970 or 0 for never; called while modules are set up. */
  setRefreshRule(timeOf: (contact: Contact) => number): void
  /** Raises E_UL_CONTACT_REFRESH. `requestCallId`: of the request that waits for it, or ''. */
  askForRefresh(domain: Domain, contact: Contact, reason: string, requestCallId: string): void
  /** Told of each contact that was added or refreshed, on this node or another that shares contacts. */
  onStored(callback: (domain: string, contact: Contact) => void): void
  /** Notes the round trip of a ping, microseconds, and raises E_UL_LATENCY_UPDATE where the parameters ask for it. */
  setLatency(domain: Domain, contact: Contact, latencyUs: number): void
}

declare module '../../module/define.ts' {
  interface ModuleApis {
    usrloc: UsrlocApi
  }
}

const spec = {
  name: 'usrloc',
  doc: 'Keeps the contacts of addresses of record and tells subscribers about every change.',
  after: ['clusterer'],
  params: usrlocParams,
  functions: keyFunctions,
  events: usrlocEvents,
  stats: { registered_users: gauge('Addresses of record in all tables.') },
  tables: [LOCATION_TABLE],
  commands: usrlocCommands,
} as const

type UsrlocContext = ModuleContext<typeof spec>

/** The location store: which contacts an address of record has (RFC 3261 §10.3, location service). */
export default defineModule(spec, context => {
  const { clock, given, host, params, raise, stats } = context
  const useDomain = given.has('use_domain') ? params.use_domain !== 0 : host.settings.era !== '2.4'
  const watchers: ((domain: string, contact: Contact) => void)[] = []
  let refreshes: Refreshes | null = null
  const stored = (name: string, contact: Contact): void => {
    const domain = refreshes === null ? undefined : store.find(name)
    if (domain !== undefined) refreshes?.stored(domain, contact)
    for (const watch of watchers) watch(name, contact)
  }
  const listener: DomainListener = {
    aorInserted: (domain, aor) => raise.E_UL_AOR_INSERT({ domain, aor }),
    aorDeleted: (domain, aor) => raise.E_UL_AOR_DELETE({ domain, aor }),
    contactInserted: (domain, contact) => {
      raise.E_UL_CONTACT_INSERT(contactEventFields(domain, contact))
      stored(domain, contact)
    },
    contactUpdated: (domain, contact) => {
      raise.E_UL_CONTACT_UPDATE(contactEventFields(domain, contact))
      stored(domain, contact)
    },
    contactDeleted: (domain, contact) => {
      raise.E_UL_CONTACT_DELETE(contactEventFields(domain, contact))
      refreshes?.removed(contact)
    },
  }
  const chosen = storageMode(params, given)
  const hasMemory = typeof chosen === 'string' || chosen.hasMemory
  const sharing = openSharing(context, chosen, () => store)
  const settings = {
    newestFirst: params.desc_time_order !== 0,
    cseqDelayS: params.cseq_delay,
    hasMemory,
    isShared: sharing.replication !== null,
  }
  const told = sharing.replication?.listener(listener) ?? listener
  const store: LocationStore = new LocationStore(
    clock,
    host.stats,
    settings,
    hasMemory ? told : { ...listener, ...NO_AOR_EVENTS },
  )
  store.node = sharing.node
  stats.registered_users.read = () => store.aorCount
  let storage: Storage | null = null
  const hashSize = 2 ** params.hash_size
  let expiry: Timer | null = null
  let natFlag = 0
  const api: UsrlocApi = {
    useDomain,
    hasMemory,
    matching: matchingMode(params.matching_mode === 1 ? '1' : '0'),
    matchingMode,
    memoryOnly: ContactFlag.memoryOnly,
    get natFlag() {
      return natFlag
    },
    pings: contact => sharing.responsibility.pings(contact),
    readAll: () => readAll(context, store, storage),
    domain: name => store.domain(name),
    find: name => store.find(name),
    all: () => store.all(),
    setRefreshRule: timeOf => {
      if (params.contact_refresh_timer === 0 || !hasMemory) return
      refreshes = new Refreshes({
        clock,
        timeOf,
        wake: (domain, contact) => {
          if (sharing.responsibility.pings(contact)) api.askForRefresh(domain, contact, 'reg-refresh', '')
        },
      })
    },
    askForRefresh: (domain, contact, reason, requestCallId) =>
      raise.E_UL_CONTACT_REFRESH(refreshEventFields(domain.name, contact, reason, requestCallId)),
    onStored: callback => void watchers.push(callback),
    setLatency: (domain, contact, latencyUs) => {
      const { latency_event_min_us: leastUs, latency_event_min_us_delta: leastChangeUs } = params
      const previousUs = domain.setLatency(contact, latencyUs)
      if (previousUs < 0) return
      const isFiltered = leastUs > 0 || leastChangeUs > 0
      const isHigh = leastUs > 0 && latencyUs >= leastUs
      const hasChanged = leastChangeUs > 0 && Math.abs(latencyUs - previousUs) >= leastChangeUs
      if (isHigh || hasChanged || !isFiltered) raise.E_UL_LATENCY_UPDATE(contactEventFields(domain.name, contact))
    },
  }
  const commandSettings = {
    useDomain,
    hashSize,
    withKeys: params.mi_dump_kv_store !== 0,
    hasMemory,
    resync: sharing.capability === null ? undefined : () => sharing.capability?.resync() === true,
    storage: () => storage,
  }
  return {
    api,
    functions: keyFunctionHandlers(store),
    commands: usrlocCommandHandlers(context, store, commandSettings),
    start: () => {
      if (typeof chosen === 'string') throw new Error(`usrloc: ${chosen}`)
      if (params.nat_bflag !== undefined) natFlag = host.script.branchFlagBit(params.nat_bflag)
      if (hasMemory) expiry = store.startExpiry(params.timer_interval)
      if (sharing.capability !== null) sharing.replication?.start(sharing.capability)
      if (!usesDatabase(chosen)) return
      storage = makeStorage(context, chosen, useDomain, listener, () => sharing.responsibility.isActive)
      return openAll(storage, store)
    },
    listening: () => {
      storage?.placeContacts()
      refreshes?.start(everyContact(store))
    },
    stop: async signal => {
      sharing.replication?.stop()
      refreshes?.stop()
      expiry?.clear()
      await storage?.stop(signal)
    },
  }
})

function* everyContact(store: LocationStore): Iterable<LocatedContact> {
  for (const domain of store.all())
    for (const { contacts } of domain.all()) for (const contact of contacts) yield { domain, contact }
}

async function readAll(
  { host, log }: UsrlocContext,
  store: LocationStore,
  storage: Storage | null,
): Promise<readonly LocatedContact[]> {
  const found: LocatedContact[] = []
  for (const domain of store.all())
    try {
      for (const row of (await storage?.contactsInTable(domain)) ?? []) {
        const contact = contactOf(row)
        contact.socket = host.proxy.findSocket(row.socketText) ?? null
        found.push({ domain, contact })
      }
    } catch (error) {
      log.error('the contacts of a table cannot be read', { table: domain.name, reason: String(error) })
    }
  return found
}

async function openAll(storage: Storage, store: LocationStore): Promise<void> {
  for (const domain of store.all()) await storage.open(domain)
  store.onDomain = domain => storage.openLate(domain)
  storage.start()
}

/** Where contacts are in the database only, nobody knows when an address of record begins and ends. */
const NO_AOR_EVENTS = { aorInserted: () => {}, aorDeleted: () => {} }

function makeStorage(
  { clock, host, log, params }: UsrlocContext,
  mode: StorageMode,
  useDomain: boolean,
  { contactDeleted }: DomainListener,
  clearsExpired: () => boolean,
): Storage {
  const url = host.db.urlOf(params.db_url)
  if (url === undefined) throw new Error('usrloc: this storage mode needs a database: set db_url, or db_default_url')
  const failures = host.stats.counter(
    'usrloc',
    'db_failures',
    'Reads and writes of contacts that the database refused.',
  )
  const pending = host.stats.gauge('usrloc', 'db_pending', 'Contacts whose rows in the database are not up to date.')
  const storage = new Storage({
    databases: host.db,
    url,
    columns: columnNames(params),
    mode,
    names: {
      useDomain,
      flagNames: mask => host.script.branchFlagNames(mask),
      flagMask: name => host.script.branchFlagBit(name),
    },
    clock,
    log,
    intervalS: params.timer_interval,
    clearsExpired,
    failures,
    findSocket: text => host.proxy.findSocket(text),
    onExpired: (domain, contact) => contactDeleted(domain.name, contact),
  })
  pending.read = () => storage.pendingCount
  return storage
}
