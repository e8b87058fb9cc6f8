import type { ModuleApis } from '../../module/define.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { type FrozenValues, NOTHING_FROZEN } from './fields.ts'
import { AccountedTypes } from './kinds.ts'
import type { CallAnswer } from './records.ts'
import type { RunningCall } from './running-calls.ts'

type Known = Exclude<Value, null>

/** What is accounted of one call or transaction, and with which values. Nothing of it outlives the call. */
export class AccContext {
  /** When the request came, as far as it is known: when accounting first heard of it. */
  readonly receivedMs: number
  /** When do_accounting first ran; 0 before. */
  createdMs = 0
  readonly types = new AccountedTypes()
  /** By the tags of leg_fields, a map for each leg. */
  readonly legs: Map<string, Known>[] = []
  /** A 2xx has been accounted for, or noted. */
  isAnswered = false
  /** Set when a call that gets a CDR is answered. */
  answer: CallAnswer | null = null
  /** Table for answered transactions and calls instead of the usual one. */
  table: string | null = null
  /** What variables gave for the INVITE, where that is gone. */
  frozen: FrozenValues = NOTHING_FROZEN
  /** The proxy was restarted during the call. */
  isRecovered = false
  /** While the journal holds the call. */
  running: RunningCall | null = null
  #extra: Map<string, Known> | null = null

  constructor(receivedMs: number) {
    this.receivedMs = receivedMs
  }

  /** By the tags of extra_fields. */
  get extra(): Map<string, Known> {
    return (this.#extra ??= new Map())
  }
  get hasExtra(): boolean {
    return this.#extra !== null && this.#extra.size > 0
  }

  /** Something of it has changed that a record says. */
  changed(): void {
    this.running?.contextChanged()
  }
}

const contexts = messageSlot<AccContext>()
/** Put before the message's own by acc_load_ctx_from_dlg, with what was there before. */
const loaded = messageSlot<AccContext>()

type TmApi = ModuleApis['tm']

/** The accounting of a message: that of its transaction. Undefined before there is any. */
export function contextOf(tm: TmApi, m: RouteContext): AccContext | undefined {
  return loaded.get(m) ?? ownContext(tm, m)
}

function ownContext(tm: TmApi, m: RouteContext): AccContext | undefined {
  const owner = tm.current(m)?.request
  return (owner === undefined ? undefined : contexts.get(owner)) ?? contexts.get(m.request ?? m)
}

/** The same, made if there is none. */
export function contextFor(tm: TmApi, m: RouteContext, nowMs: number): AccContext {
  const known = contextOf(tm, m)
  if (known !== undefined) return known
  const context = new AccContext(nowMs)
  // A failure_route gives its own slots back to the transaction, a branch_route does not.
  contexts.set(m, context)
  const owner = tm.current(m)?.request ?? m.request
  if (owner != null) contexts.set(owner, context)
  return context
}

/** Lets the message mean the accounting of its call; null takes that back. */
export function loadContext(m: RouteContext, context: AccContext | null): void {
  loaded.set(m, context ?? undefined)
}
export function hasLoadedContext(m: RouteContext): boolean {
  return loaded.get(m) !== undefined
}
