import { RowError } from '../../db/read-rows.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { ALL_METHODS, AorRecord, type ContactData, StoredContact } from './contact.ts'
import type { AdoptedFacts } from './domain.ts'
import type { LocationRow } from './location-table.ts'

/** What rows say by name and contacts by number. */
export interface RowNames {
  readonly useDomain: boolean
  readonly flagNames: (mask: number) => string
  /** Mask of one branch flag. */
  readonly flagMask: (name: string) => number
}

/** A contact as a row holds it. */
export interface ReadContact {
  readonly aor: string
  readonly data: ContactData
  readonly facts: AdoptedFacts
  /** Socket the registration arrived on, as text; '' when unknown. */
  readonly socketText: string
  /** `contact_id` as it stands in the row, null without. */
  readonly rowId: string | null
}

/** The columns that say whose contact a row is. */
export function ownerColumns(aor: string, { useDomain }: RowNames, hasDomain: boolean) {
  const at = useDomain && hasDomain ? aor.lastIndexOf('@') : -1
  return at < 0 ? { username: aor, domain: null } : { username: aor.slice(0, at), domain: aor.slice(at + 1) }
}

/** The row of a contact. */
export function rowOf(contact: StoredContact, names: RowNames, hasDomain: boolean): Omit<LocationRow, 'contact_id'> {
  const { keys } = contact.record
  return {
    ...ownerColumns(contact.aor, names, hasDomain),
    contact: contact.uri,
    received: textOrNull(contact.received),
    path: textOrNull(contact.path),
    expires: String(contact.expiresS),
    q: contact.q < 0 ? -1 : contact.q / 1000,
    callid: contact.callId,
    cseq: contact.cseq,
    last_modified: String(Math.floor(contact.modifiedMs / 1000)),
    flags: contact.flags,
    cflags: textOrNull(names.flagNames(contact.cflags)),
    user_agent: contact.userAgent,
    socket: textOrNull(contact.socket?.text ?? ''),
    methods: contact.methods === ALL_METHODS ? null : contact.methods,
    sip_instance: textOrNull(contact.instance),
    kv_store: keys === null || keys.size === 0 ? null : JSON.stringify(Object.fromEntries(keys)),
    attr: textOrNull(contact.attr),
  }
}

/** The contact of a row. Throws RowError where it cannot be used. */
export function readRow(row: LocationRow, names: RowNames): ReadContact {
  if (parseUri(row.contact) === null) throw new RowError('contact', `"${row.contact}" is not a SIP URI`)
  const id = row.contact_id !== null && /^\d+$/.test(row.contact_id) ? Number(row.contact_id) : 0
  const modifiedS = secondsOf(row.last_modified) ?? 0
  return {
    aor: aorOf(row, names.useDomain),
    data: {
      uri: row.contact,
      expiresS: expiresOf(row.expires),
      q: row.q < 0 ? -1 : Math.min(Math.round(row.q * 1000), 1000),
      callId: row.callid,
      cseq: row.cseq,
      flags: row.flags,
      cflags: flagsOf(row.cflags ?? '', names),
      userAgent: row.user_agent,
      received: row.received ?? '',
      path: row.path ?? '',
      socket: null,
      methods: row.methods === null ? ALL_METHODS : row.methods >>> 0,
      instance: row.sip_instance ?? '',
      attr: row.attr ?? '',
      shtag: '',
    },
    facts: { id: Number.isSafeInteger(id) ? id : 0, modifiedMs: modifiedS * 1000, keys: keysOf(row.kv_store) },
    socketText: row.socket ?? '',
    rowId: row.contact_id,
  }
}

/** The contact of a row by itself, in no table's memory. */
export function contactOf({ aor, data, facts }: ReadContact): StoredContact {
  const contact = new StoredContact(facts.id, new AorRecord(aor))
  contact.assign(data, facts.modifiedMs)
  return contact
}

function aorOf({ username, domain }: LocationRow, useDomain: boolean): string {
  if (username === '') throw new RowError('username', 'it is empty')
  if (!useDomain) return username
  if (domain !== null && domain !== '') return `${username}@${domain}`
  // Tables without a column for the domain have it here.
  if (username.includes('@')) return username
  throw new RowError('domain', 'it is empty, but use_domain is 1')
}

function expiresOf(text: string): number {
  const seconds = secondsOf(text)
  if (seconds === null) throw new RowError('expires', `expected seconds since 1970, or a date and time, got "${text}"`)
  return seconds
}

/** Seconds since 1970, from such a number or from the local date and time that 2.2 wrote. Null where it is neither. */
function secondsOf(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text)
  const parts = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(text)
  if (parts === null) return null
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number)
  return Math.floor(new Date(year, month - 1, day, hour, minute, second).getTime() / 1000)
}

/** From names, or from the bit mask that 2.x wrote. */
function flagsOf(text: string, { flagMask }: RowNames): number {
  if (/^\d*$/.test(text)) return Number(text) | 0
  try {
    return text.split(/\s+/).reduce((mask, name) => mask | flagMask(name), 0)
  } catch (error) {
    throw new RowError('cflags', String(error))
  }
}

function keysOf(text: string | null): ReadonlyMap<string, string> | null {
  if (text === null || text === '') return null
  try {
    return new Map(Object.entries<unknown>(JSON.parse(text)).map(([key, value]) => [key, String(value)]))
  } catch {
    throw new RowError('kv_store', 'it is no JSON object')
  }
}

const textOrNull = (text: string): string | null => (text === '' ? null : text)
