import type { ListenSocket } from '../../sip/net/endpoint.ts'

/** Methods bit mask of a contact that does not say which methods it takes. */
export const ALL_METHODS = 0xffffffff

/** Bits of {@link ContactData.flags}. */
export const ContactFlag = { memoryOnly: 1 } as const

/** Whether the database holds a contact as it is here: not at all, just so, or not as it is now; or it was removed. */
export const ContactState = { new: 0, synced: 1, dirty: 2, removed: 3 } as const
export type ContactState = (typeof ContactState)[keyof typeof ContactState]

/** What a registration says of one contact. Missing texts are ''. */
export interface ContactData {
  /** The contact URI, without brackets and header parameters. */
  readonly uri: string
  /** When the binding ends, seconds since 1970; 0 never. */
  readonly expiresS: number
  /** 0…1000; −1 not given. */
  readonly q: number
  readonly callId: string
  readonly cseq: number
  /** See {@link ContactFlag}. */
  readonly flags: number
  /** Branch flags, one bit a name, given back to the request that is sent to the contact. */
  readonly cflags: number
  readonly userAgent: string
  /** Where the REGISTER came from, as a URI, when that is other than the contact (NAT). */
  readonly received: string
  /** Route set to the contact, comma-separated (RFC 3327). */
  readonly path: string
  /** Where the REGISTER arrived, to send from; null for a contact that was not received. */
  readonly socket: ListenSocket | null
  /** Bit mask, unsigned; {@link ALL_METHODS} when not given. */
  readonly methods: number
  /** `+sip.instance`, with its brackets (RFC 5626). */
  readonly instance: string
  readonly attr: string
  /** Sharing tag of a cluster whose node is responsible for the contact; '' none. */
  readonly shtag: string
}

/** One stored binding. */
export interface Contact extends ContactData {
  /** Unique in this store, also across restarts. */
  readonly id: number
  readonly aor: string
  /** Last insert or update, milliseconds since 1970. */
  readonly modifiedMs: number
  /** Round trip of the last answered ping, microseconds; 0 unknown. */
  readonly latencyUs: number
  readonly state: ContactState
}

/** An address of record that has contacts. */
export class AorRecord {
  readonly aor: string
  /** In the order of the store. Replaced, never changed in place: a reader may keep it. */
  contacts: readonly StoredContact[] = []
  /** What scripts keep at the address (`ul_add_key`). */
  keys: Map<string, string> | null = null

  constructor(aor: string) {
    this.aor = aor
  }
}

/**
 * A binding as it is kept. There may be millions: numbers are small integers where they can be, repeated texts are
 * shared, and the links of the expiry index live here instead of in nodes of their own.
 */
export class StoredContact implements Contact {
  readonly id: number
  readonly record: AorRecord
  state: ContactState = ContactState.new
  uri = ''
  expiresS = 0
  q = -1
  callId = ''
  cseq = 0
  flags = 0
  cflags = 0
  userAgent = ''
  received = ''
  path = ''
  socket: ListenSocket | null = null
  instance = ''
  attr = ''
  shtag = ''
  modifiedMs = 0
  latencyUs = 0
  /** Neighbours among the contacts that end in the same second. */
  before: StoredContact | null = null
  behind: StoredContact | null = null
  #methodBits = -1

  constructor(id: number, record: AorRecord) {
    this.id = id
    this.record = record
  }

  get aor(): string {
    return this.record.aor
  }

  get isRemoved(): boolean {
    return this.state === ContactState.removed
  }

  get methods(): number {
    return this.#methodBits >>> 0
  }

  /** Takes over `data`; texts that are equal to what is stored stay the same string. */
  assign(data: ContactData, modifiedMs: number): void {
    if (this.uri !== data.uri) this.uri = detached(data.uri)
    if (this.callId !== data.callId) this.callId = detached(data.callId)
    this.expiresS = data.expiresS
    this.q = data.q
    this.cseq = data.cseq
    this.flags = data.flags
    this.cflags = data.cflags
    this.userAgent = shared(data.userAgent)
    this.received = data.received === '' ? '' : detached(data.received)
    this.path = shared(data.path)
    this.socket = data.socket
    this.#methodBits = data.methods | 0
    this.instance = data.instance === '' ? '' : detached(data.instance)
    this.attr = shared(data.attr)
    this.shtag = shared(data.shtag)
    this.modifiedMs = modifiedMs
  }

  isValid(nowS: number): boolean {
    return this.expiresS === 0 || this.expiresS > nowS
  }
}

/** A copy that keeps no larger text alive: a slice of a message would hold the whole message. */
export function detached(text: string): string {
  return Buffer.from(text).toString()
}

const MOST_SHARED = 4096
const pool = new Map<string, string>()

/** The one copy of a text that many contacts have. Of too many different texts, those known longest are forgotten. */
function shared(text: string): string {
  if (text === '') return ''
  const known = pool.get(text)
  if (known !== undefined) return known
  if (pool.size >= MOST_SHARED) {
    const [oldest = ''] = pool.keys()
    pool.delete(oldest)
  }
  const copy = detached(text)
  pool.set(copy, copy)
  return copy
}
