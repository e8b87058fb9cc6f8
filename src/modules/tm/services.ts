import type { Log } from '../../log/log.ts'
import type { Host } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import { FingerprintMap } from '../../sip/tx/fingerprint.ts'
import { ClientTable, ServerTable } from '../../sip/tx/table.ts'
import type { TxFailure } from '../../sip/tx/transaction-user.ts'
import type { Clock } from '../../util/clock.ts'
import type { Branch } from './branch.ts'
import type { Observer } from './observation.ts'
import type { TmSettings } from './params.ts'
import type { TmStats } from './statistics.ts'
import type { AckEntry, Transaction } from './transaction.ts'

/** A reply as it left for the caller. */
export interface SentReply {
  readonly status: number
  readonly reason: string
  /** The reply it was made from; null when it was made here. */
  readonly reply: RouteContext | null
}

/** Parts that want to know what transactions do. Called in the order of registration; they must not throw. */
export interface Observers {
  /** A request has opened a transaction; `m` is the request. */
  readonly created: ((t: Transaction, m: RouteContext) => void)[]
  /** A reply has come on a branch, before it is decided upon. */
  readonly reply: ((t: Transaction, branch: Branch, reply: RouteContext) => void)[]
  /**
   * The reply routes have run for a reply on a branch, and what becomes of it is about to be decided. A promise is waited
   * for; like the observers themselves it must not fail.
   */
  readonly routed: ((t: Transaction, branch: Branch, reply: RouteContext) => void | Promise<void>)[]
  /** The final reply has been sent to the caller: once for each transaction. */
  readonly final: ((t: Transaction, sent: SentReply) => void)[]
  /** The branches of a request have all failed and its failure_route is about to run, if there is one. */
  readonly failed: ((t: Transaction, status: number, reply: RouteContext | null) => void)[]
}

/** What happens on a branch, told by its state machine. */
export interface BranchEvents {
  reply(branch: Branch, reply: RouteContext): void
  failed(branch: Branch, reason: TxFailure): void
}

/** What receives the replies of one client transaction. */
export interface ClientEntry {
  readonly branch: Branch
  receive(reply: RouteContext): void
  /** Ends the transaction where it stands. */
  stop(): void
}

/** Every transaction there is, by what finds it. */
export interface TransactionTables {
  readonly servers: ServerTable<Transaction>
  readonly clients: ClientTable<ClientEntry>
  readonly acks: FingerprintMap<AckEntry>
  /** All, until the last of their timers has ended. */
  readonly all: Set<Transaction>
}
export const emptyTables = (): TransactionTables => ({
  servers: new ServerTable(),
  clients: new ClientTable(),
  acks: new FingerprintMap(),
  all: new Set(),
})

/** What every file of the module works with. */
export interface TmServices {
  readonly proxy: Host['proxy']
  readonly clock: Clock
  readonly script: Host['script']
  readonly log: Log
  readonly settings: TmSettings
  readonly stats: TmStats
  readonly tables: TransactionTables
  readonly observers: Observers
  /** Shown what is made here; null when nobody looks. */
  readonly observer: Observer | null
  /** Set once, when the module is put together. */
  readonly events: BranchEvents
}
