import type { ModuleApis } from '../../module/define.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Timer } from '../../util/clock.ts'
import type { Value } from '../../util/spec.ts'
import { type DialogId, databaseId, idText, type NamedDialogId } from './dialog-id.ts'
import type { Membership } from './profile.ts'
import { DialogState } from './states.ts'

/** A transaction as tm shows it. */
export type Transaction = NonNullable<ReturnType<ModuleApis['tm']['current']>>

/** Which way a request goes, seen from the proxy: `downstream` from caller to callee. */
export type Direction = 'downstream' | 'upstream'

/** One party of a dialog, as requests to it need it (RFC 3261 §12.1). */
export interface Leg {
  tag: string
  /** URI of its Contact: the remote target. */
  contact: string
  /** From us to it, the nearest first; as written in Route, without commas. */
  routes: readonly string[]
  /** Our socket on its side. */
  socket: ListenSocket | null
  /** Last CSeq number of its own requests; 0 before the first. */
  cseq: number
  /** How many requests we put in among those the other party sent to it. Later ones must count on from there. */
  added: number
  /** Its last INVITE as it went on: the ACK must be counted alike. */
  invite: { readonly cseq: number; readonly shift: number } | null
  /** Last session description it sent; '' when unknown. */
  sdp: string
  /** The PRACK last sent to it from here, by the RSeq number it answers. */
  prack: { readonly number: number; readonly sentMs: number; readonly isAnswered: boolean } | null
}

/** Under this name the values of a dialog hold the Call-ID its callees know it by, where that is another. */
export const CALLEE_CALL_ID = 'th_callee_callid'
/** The same for the URIs of Contact that the parties are shown to each other by. */
export const SHOWN_CONTACT = { caller: 'th_caller_contact', callee: 'th_callee_contact' } as const

export const newLeg = (init: Partial<Leg>): Leg => ({
  tag: init.tag ?? '',
  contact: init.contact ?? '',
  routes: init.routes ?? [],
  socket: init.socket ?? null,
  cseq: init.cseq ?? 0,
  added: init.added ?? 0,
  invite: init.invite ?? null,
  sdp: init.sdp ?? '',
  prack: init.prack ?? null,
})

/** What the INVITE said. */
export interface DialogOrigin {
  readonly callId: string
  readonly fromUri: string
  readonly toUri: string
  readonly requestUri: string
  readonly caller: Leg
}

/** The names of the routes to run at turning points; null where the script has set none. */
export interface DialogRoutes {
  answer: string | null
  timeout: string | null
  hangup: string | null
}

const TIMERS = ['lifetime', 'race', 'options', 'reinvite', 'removal'] as const

/** One call that is followed from its INVITE to its end. Plain state; the files beside this one act on it. */
export class Dialog implements DialogId {
  readonly entry: number
  readonly number: number
  readonly origin: DialogOrigin
  readonly caller: Leg
  /** By To tag, in the order they were heard of. */
  callees: readonly Leg[] = []
  /** The callee whose 2xx came first. */
  answered: Leg | null = null
  state: DialogState = DialogState.unconfirmed
  /** Bits of CreateFlag. */
  flags = 0
  readonly memberships: Membership[] = []
  readonly routes: DialogRoutes = { answer: null, timeout: null, hangup: null }
  /** `$DLG_timeout` as set; null for the default. */
  timeoutS: number | null = null
  deleteDelayS: number
  readonly createdMs: number
  /** When the first 2xx came, wall clock; 0 before. */
  answeredMs = 0
  /** When the lifetime ends, wall clock; 0 while there is none. */
  expiresMs = 0
  endedMs = 0
  endReason: string | null = null
  /** It comes from a process before this one. */
  isRestored = false
  /** Another node of the cluster is responsible for it: this one keeps it ready. */
  isReplica = false
  /** Number of the node responsible for it; 0: this one, and nobody was told of it. */
  owner = 0
  /** Sharing tag whose node is responsible for it; '' none. */
  shtag = ''
  /** Grows with every change that nodes tell each other. */
  sharedVersion = 0
  /** When it last did, milliseconds since 1970. */
  sharedMs = 0
  /** A BYE came before the call was answered. */
  hasByeSeen = false
  /** Running timers by their purpose. */
  readonly timers: Record<'lifetime' | 'race' | 'options' | 'reinvite' | 'removal', Timer | null> = {
    lifetime: null,
    race: null,
    options: null,
    reinvite: null,
    removal: null,
  }
  /** How much the CSeq number of the INVITE was raised on its way: what callees are sent later counts on from there. */
  raisedCseq = 0
  /** The Record-Routes it came with were kept from the callees, so none of those in their replies is among them. */
  hidesRoutes = false
  /** The INVITE's, while it has no final reply. */
  transaction: Transaction | null = null
  /** What other modules keep with it (dialog-slot.ts); null while that is nothing. */
  slots: unknown[] | null = null
  #idText: string | null = null
  // Most calls have neither: an empty collection of each would be a good part of what a call takes.
  #userFlags: Set<string> | null = null
  #values: Map<string, Exclude<Value, null>> | null = null

  constructor(id: DialogId | NamedDialogId, origin: DialogOrigin, createdMs: number, deleteDelayS: number) {
    this.entry = id.entry
    this.number = id.number
    if ('text' in id) this.#idText = id.text
    this.origin = origin
    this.caller = origin.caller
    this.createdMs = createdMs
    this.deleteDelayS = deleteDelayS
  }

  /** As in events and Record-Route. */
  get id(): string {
    return (this.#idText ??= idText(this))
  }
  get databaseId(): string {
    return databaseId(this)
  }
  /** Answered and not ended. */
  get isActive(): boolean {
    return this.state === DialogState.unacknowledged || this.state === DialogState.confirmed
  }
  /** The callee requests go to: the one that answered, else the one heard of last. */
  get callee(): Leg | null {
    return this.answered ?? this.callees[this.callees.length - 1] ?? null
  }
  /** '' until a callee has been heard of. */
  get toTag(): string {
    return this.callee?.tag ?? ''
  }

  /** Flags the script has set on the call. */
  get userFlags(): Set<string> {
    return (this.#userFlags ??= new Set())
  }
  get hasUserFlags(): boolean {
    return this.#userFlags !== null && this.#userFlags.size > 0
  }
  /** What the script and other modules keep with the call, by name. */
  get values(): Map<string, Exclude<Value, null>> {
    return (this.#values ??= new Map())
  }
  get hasValues(): boolean {
    return this.#values !== null && this.#values.size > 0
  }

  calleeByTag(tag: string): Leg | undefined {
    for (const leg of this.callees) if (leg.tag === tag) return leg
    return undefined
  }

  /** One more, after those there are. */
  addCallee(leg: Leg): Leg {
    this.callees = [...this.callees, leg]
    return leg
  }

  clearTimers(): void {
    const { timers } = this
    for (const name of TIMERS) {
      timers[name]?.clear()
      timers[name] = null
    }
  }
}
