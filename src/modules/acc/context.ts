import type { ModuleApis } from '../../module/define.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import type { FrozenValues } from './fields.ts'
import type { AccFlag, AccType } from './kinds.ts'
import type { CallAnswer } from './records.ts'

/** What is accounted of one call or transaction, and with which values. Nothing of it outlives the call. */
export class AccContext {
  /** When the request came, as far as it is known: when accounting first heard of it. */
  readonly receivedMs: number
  /** When do_accounting first ran; 0 before. */
  createdMs = 0
  readonly types = new Map<AccType, Set<AccFlag>>()
  /** By the tags of extra_fields. */
  readonly extra = new Map<string, Exclude<Value, null>>()
  /** By the tags of leg_fields, a map for each leg. */
  readonly legs: Map<string, Exclude<Value, null>>[] = []
  /** A 2xx has been accounted for, or noted. */
  isAnswered = false
  /** Set when a call that gets a CDR is answered. */
  answer: CallAnswer | null = null
  /** Table for answered transactions and calls instead of the usual one. */
  table: string | null = null
  /** What variables gave for the INVITE, where that is gone. */
  frozen: FrozenValues = {}
  /** The proxy was restarted during the call. */
  isRecovered = false
  /** Told when something of it has changed that a record says. */
  onChange: () => void = () => {}

  constructor(receivedMs: number) {
    this.receivedMs = receivedMs
  }

  /** Types accounted with this flag. */
  typesWith(flag: AccFlag): readonly AccType[] {
    return [...this.types].filter(([, flags]) => flags.has(flag)).map(([type]) => type)
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
