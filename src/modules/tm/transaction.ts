import type { RouteContext, Step } from '../../script/context.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import type { Hop, ListenSocket } from '../../sip/net/endpoint.ts'
import type { Place } from '../../sip/tx/fingerprint.ts'
import type { InviteServer } from '../../sip/tx/invite-server.ts'
import type { NonInviteServer } from '../../sip/tx/non-invite-server.ts'
import type { ServerEntry } from '../../sip/tx/table.ts'
import type { TxTimers } from '../../sip/tx/timers.ts'
import type { MachineSetup } from '../../sip/tx/transaction-user.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { Branch } from './branch.ts'

/** The routes a script has armed with t_on_failure, t_on_reply and t_on_branch. */
export interface ArmedRoutes {
  readonly failure: Step | null
  readonly reply: Step | null
  readonly branch: Step | null
}
/** Most requests have none, so all begin with the same. */
export const NO_ROUTES: ArmedRoutes = { failure: null, reply: null, branch: null }

/** What became of a request made here. */
export interface LocalOutcome {
  /** The final status; 408, 476, 477, 503 … where it was made here because no reply came. */
  readonly status: number
  readonly reason: string
  /** Null where the status was made here. */
  readonly reply: RouteContext | null
}
/** What identifies a 2xx sent to a caller, so that its ACK is known. */
export interface AckEntry {
  readonly transaction: Transaction
  /** Made here, so the ACK ends here. */
  readonly isLocal: boolean
}
/** Most lists hold one thing or none, and a list that something is pushed to has room for 17. */
const NO_ACKS: readonly Place<AckEntry>[] = []
const NO_BRANCHES: readonly Branch[] = []

/** Who made a request here and waits for its replies. */
export interface LocalCaller {
  provisional(reply: RouteContext): void
  final(outcome: LocalOutcome): void
}

/** The branch that does not exist but keeps its transaction open for others to come (t_wait_for_new_branches). */
export interface Phantom {
  /** Branches that may still be injected. */
  remaining: number
  timer: Timer | null
  isExpired: boolean
}

/**
 * One request and everything that was done about it: the state machine towards its sender, the branches it was forwarded
 * on, and what the script has set for them. Plain state; the files beside this one act on it.
 */
export class Transaction implements ServerEntry, MachineSetup {
  /** Bucket and number: together they name the transaction, in `$T_id`, in management commands and in branches. */
  readonly bucket: number
  readonly number: number
  /** The same in hexadecimal digits. */
  readonly #hex: string
  /** The request as the script left it; its AVPs, flags and edits are those of the transaction. */
  request: RouteContext
  readonly method: string
  readonly isInvite: boolean
  place: Place<ServerEntry> | null = null
  /** Where replies go, once it has shed its request. */
  replyPath: { readonly hop: Hop; readonly socket: ListenSocket } | null = null
  readonly localToTag: string
  readonly clock: Clock
  /** Whether the sender's transport repeats by itself what is lost. */
  readonly reliable: boolean
  /** Changed by `$T_fr_timeout`. */
  timers: TxTimers
  /** Timer C; changed by `$T_fr_inv_timeout`. */
  inviteMs: number
  /** Towards the sender; null when the request was made here, or the machine has ended. */
  server: InviteServer | NonInviteServer | null = null
  /** Who made the request here; null when it was received. */
  readonly caller: LocalCaller | null
  branches: readonly Branch[] = NO_BRANCHES
  /** Index of the next branch; those that could not be sent count too. */
  nextBranch = 0
  /** Where the branches of the last forwarding begin: only they compete for the best reply. */
  firstBranch = 0
  routes = NO_ROUTES
  phantom: Phantom | null = null
  /** Last status sent to the sender, or given to the local caller. */
  lastStatus = 0
  /** The same, if final; otherwise 0. */
  finalStatus = 0
  lastWasLocal = false
  /** The status chosen among the branches for the last failure_route; 0 before one ran. */
  chosenStatus = 0
  isCancelled = false
  /** A 6xx came: no branch may be added. */
  isClosed = false
  /** Forwardings under way, async steps and held contexts: nothing is concluded or released meanwhile. */
  holds = 0
  isReleased = false
  /** The main route has run to its end for the request. */
  isScriptOver = false
  /** Client transactions that have not ended, CANCELs included. */
  openClients = 0
  /** Answers when the script leaves a request with nothing but a provisional reply. */
  idleTimer: Timer | null = null
  relayFlags = 0
  /** Where its 2xx replies are known, to recognise their ACKs. */
  acks: readonly Place<AckEntry>[] = NO_ACKS
  /** Header lines for the request as it is forwarded (t_add_hdrs). */
  extraHeaders = ''

  constructor(init: {
    bucket: number
    number: number
    hex: string
    request: RouteContext
    localToTag: string
    clock: Clock
    timers: TxTimers
    inviteMs: number
    caller: LocalCaller | null
  }) {
    this.bucket = init.bucket
    this.number = init.number
    this.#hex = init.hex
    this.request = init.request
    this.method = init.request.message.method
    this.isInvite = this.method === 'INVITE'
    this.localToTag = init.localToTag
    this.clock = init.clock
    this.reliable = init.request.origin.proto !== 'udp'
    this.timers = init.timers
    this.inviteMs = init.inviteMs
    this.caller = init.caller
  }

  /** The request as received. */
  get initial(): SipMessage {
    return this.request.message
  }
  /** `$T_id`. */
  get id(): string {
    return `${this.bucket.toString(16)}.${this.#hex}`
  }
  addBranch(branch: Branch): void {
    this.branches = this.branches.length === 0 ? [branch] : [...this.branches, branch]
  }
  /** The branches of the last forwarding. */
  get group(): readonly Branch[] {
    return this.firstBranch === 0 ? this.branches : this.branches.slice(this.firstBranch)
  }
}
