import { DatabaseError } from '../../db/database-error.ts'
import { MiError } from '../../mi/management-interface.ts'
import { arg, type ModuleContext, optional } from '../../module/define.ts'
import { andThen } from '../../util/and-then.ts'
import { mapInSlices } from '../../util/in-slices.ts'
import type { Commands } from '../../util/spec.ts'
import { ALL_METHODS, type ContactData, type StoredContact } from './contact.ts'
import type { Domain } from './domain.ts'
import { aorListing, type ListingOptions } from './listing.ts'
import type { LocationStore } from './location-store.ts'
import { findMatch, MATCH_URI } from './matching.ts'
import { contactOf as contactOfRow } from './row-codec.ts'
import { StorageError } from './sessions.ts'
import type { Storage } from './storage.ts'

const table = arg('table_name', 'str', 'Location table.')
const aor = arg('aor', 'str', 'Address of record.')

/** Management commands of the location store. */
export const usrlocCommands = {
  rm: { args: [table, aor], aliases: ['ul_rm'], doc: 'Removes an address of record with all its contacts.' },
  rm_contact: {
    args: [table, aor, arg('contact', 'str', 'Contact URI.')],
    aliases: ['ul_rm_contact'],
    doc: 'Removes one contact.',
  },
  dump: {
    args: [optional(arg('brief', 'json', 'Anything: list the addresses only.'))],
    aliases: ['ul_dump'],
    doc: 'Lists all tables.',
  },
  flush: { args: [], aliases: ['ul_flush'], doc: 'Writes what has changed to the database.' },
  add: {
    args: [
      table,
      aor,
      arg('contact', 'str', 'Contact URI.'),
      arg('expires', 'int', 'Seconds the contact stays; 0 for ever.'),
      arg('q', 'json', 'q value, "0"…"1"; "" for none.'),
      arg('flags', 'int', 'Flags of the contact.'),
      arg('cflags', 'json', 'Branch flags: a bit mask, or names divided by blanks.'),
      arg('methods', 'int', 'Bit mask of the methods the contact takes.'),
    ],
    aliases: ['ul_add'],
    doc: 'Adds a contact, or changes the one with this URI.',
  },
  show_contact: {
    args: [table, aor],
    aliases: ['ul_show_contact'],
    doc: 'Lists the contacts of an address of record.',
  },
  sync: {
    args: [table, optional(aor)],
    aliases: ['ul_sync'],
    doc: 'Writes a table, or one address of record, to the database anew.',
  },
  cluster_sync: { args: [], aliases: ['ul_cluster_sync'], doc: 'Asks the cluster for its locations.' },
} as const

/** Call-ID and User-Agent of contacts that a command adds (recorded values; consumers filter on them). */
const COMMAND_CALL_ID = 'dfjrewr12386fd6-343@opensips.mi'
const COMMAND_USER_AGENT = 'OpenSIPS MI Server'

interface CommandSettings {
  readonly useDomain: boolean
  readonly hashSize: number
  readonly withKeys: boolean
  readonly hasMemory: boolean
  /** Asks the other nodes for their contacts; undefined where contacts are not shared. False: nobody can be asked. */
  readonly resync: (() => boolean) | undefined
  /** Null where contacts are in memory only. */
  readonly storage: () => Storage | null
}

/** Handlers of {@link usrlocCommands}. */
export function usrlocCommandHandlers(
  { clock, host }: ModuleContext,
  store: LocationStore,
  settings: CommandSettings,
): Commands<{ readonly commands: typeof usrlocCommands }> {
  const options = (): ListingOptions => ({
    nowS: Math.floor(clock.nowMs() / 1000),
    flagNames: mask => host.script.branchFlagNames(mask),
    withKeys: settings.withKeys,
  })
  const aorOf = (text: string): string => storedAor(text, settings.useDomain)
  return {
    rm: args => {
      const domain = tableOf(store, args.table_name)
      const name = aorOf(args.aor)
      return answered(domain, name, () => {
        if (!domain.removeAll(name)) throw new MiError(404, 'AOR not found')
        return 'OK'
      })
    },
    rm_contact: args => {
      const domain = tableOf(store, args.table_name)
      const name = aorOf(args.aor)
      return answered(domain, name, () => {
        const contact = contactOf(domain, name, args.contact)
        if (contact === undefined || !domain.remove(contact)) throw new MiError(404, 'Contact not found')
        return 'OK'
      })
    },
    dump: ({ brief }) => {
      const { hasMemory, hashSize, storage } = settings
      const listed = { ...options(), isBrief: brief !== undefined, hashSize }
      const listings = [...store.all()].map(domain =>
        andThen(hasMemory ? domain.all() : recordsInTable(storage(), domain), records =>
          domainListing(domain, records, listed),
        ),
      )
      const isThere = listings.every(listing => !(listing instanceof Promise))
      return isThere ? { Domains: listings } : Promise.all(listings).then(Domains => ({ Domains }))
    },
    flush: async () => {
      if ((await settings.storage()?.flush()) === false) throw new MiError(500, 'Not every contact was written')
      return 'OK'
    },
    add: args => {
      const domain = tableOf(store, args.table_name)
      const name = aorOf(args.aor)
      const nowS = Math.floor(clock.nowMs() / 1000)
      const cflags = branchFlags(args.cflags, flag => host.script.branchFlagBit(flag))
      const data = commandContact({ ...args, q: commandQ(args.q), cflags }, nowS)
      return answered(domain, name, () => {
        const known = contactOf(domain, name, args.contact)
        if (known === undefined) domain.insert(name, data)
        else domain.update(known, data)
        return 'OK'
      })
    },
    show_contact: args => {
      const domain = tableOf(store, args.table_name)
      const name = aorOf(args.aor)
      return answered(domain, name, () => {
        const contacts = domain.stored(name)
        if (contacts.length === 0) throw new MiError(404, 'AOR not found')
        return aorListing(domain, name, contacts, options())
      })
    },
    sync: async args => {
      const domain = tableOf(store, args.table_name)
      const name = args.aor === undefined ? undefined : aorOf(args.aor)
      if (name !== undefined && settings.hasMemory && !domain.has(name)) throw new MiError(404, 'AOR not found')
      try {
        await settings.storage()?.rewrite(domain, name)
      } catch (error) {
        throw storageFault(error)
      }
      return 'OK'
    },
    cluster_sync: () => {
      if (settings.resync === undefined) throw new MiError(400, 'Clustering not enabled')
      if (!settings.resync()) throw new MiError(500, 'Failed to send sync request', 'no other node can be reached')
      return 'OK'
    },
  }
}

/** Does `work` on an AoR for a command; what fails in the database is error 500. */
function answered<T>(domain: Domain, aor: string, work: () => T): T | Promise<T> {
  const done = domain.run(aor, work)
  if (!(done instanceof Promise)) return done
  return done.catch((error: unknown) => {
    throw storageFault(error)
  })
}

function storageFault(error: unknown): unknown {
  const isFromDatabase = error instanceof StorageError || error instanceof DatabaseError
  return isFromDatabase ? new MiError(500, 'Internal error', error.message) : error
}

/** A contact as a command describes it. */
function commandContact(
  args: { contact: string; expires: number; q: number; flags: number; cflags: number; methods: number },
  nowS: number,
): ContactData {
  return {
    uri: args.contact,
    expiresS: args.expires === 0 ? 0 : nowS + args.expires,
    q: args.q,
    callId: COMMAND_CALL_ID,
    cseq: 1,
    flags: args.flags,
    cflags: args.cflags,
    userAgent: COMMAND_USER_AGENT,
    received: '',
    path: '',
    socket: null,
    methods: args.methods === 0 ? ALL_METHODS : args.methods,
    instance: '',
    attr: '',
    shtag: '',
  }
}

function tableOf(store: LocationStore, name: string): Domain {
  const domain = store.find(name)
  if (domain === undefined) throw new MiError(404, 'Table not found')
  return domain
}

function contactOf(domain: Domain, aor: string, uri: string) {
  return findMatch(domain.stored(aor), uri, '', MATCH_URI)
}

/** The AoR as it is stored: without a domain where users alone are kept. */
function storedAor(text: string, useDomain: boolean): string {
  const at = text.indexOf('@')
  if (!useDomain) return at < 0 ? text : text.slice(0, at)
  if (at < 0) throw new MiError(400, 'Domain missing in AOR')
  return text
}

function commandQ(value: unknown): number {
  if (value === '') return -1
  const q = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  if (!(q >= 0 && q <= 1)) throw new MiError(400, 'Bad q value')
  return Math.round(q * 1000)
}

function branchFlags(value: unknown, maskOf: (name: string) => number): number {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') throw new MiError(400, 'Bad cflags value')
  if (/^\d*$/.test(value)) return Number(value)
  return value.split(/\s+/).reduce((mask, name) => mask | maskOf(name), 0)
}

type Records = ReturnType<Domain['all']>

/** The contacts that are in the database alone, as memory would hold them. */
async function recordsInTable(storage: Storage | null, domain: Domain): Promise<Records> {
  const records = new Map<string, { aor: string; contacts: StoredContact[] }>()
  try {
    for (const found of (await storage?.contactsInTable(domain)) ?? []) {
      const record = records.get(found.aor) ?? { aor: found.aor, contacts: [] }
      record.contacts.push(contactOfRow(found))
      records.set(found.aor, record)
    }
  } catch (error) {
    throw storageFault(error)
  }
  return records.values()
}

function domainListing(
  domain: Domain,
  records: Records,
  options: ListingOptions & { readonly isBrief: boolean; readonly hashSize: number },
): object | Promise<object> {
  const aors = mapInSlices([...records], ({ aor: name, contacts }): object =>
    options.isBrief ? { AOR: name } : aorListing(domain, name, contacts, options),
  )
  return andThen(aors, AORs => ({ name: domain.name, hash_size: options.hashSize, AORs }))
}
