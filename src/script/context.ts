import type { Edits } from '../sip/codec/edits.ts'
import type { SipMessage } from '../sip/codec/message.ts'
import type { ListenSocket, Origin } from '../sip/net/endpoint.ts'
import type { Value } from '../util/spec.ts'
import type { AvpStore } from './avp.ts'
import type { Recorder } from './recorder.ts'
import type { Place } from './source.ts'

/** The kinds of route a script statement can run in (script reference, routes). */
export type RouteKind = 'request' | 'failure' | 'onreply' | 'branch' | 'local' | 'startup' | 'timer' | 'event' | 'error'

/** What a function or statement gives: over 0 true, under 0 false, 0 stops the script. */
export type Verdict = number

/** One built script statement or function call. A promise only where it must wait. */
export type Step = (m: RouteContext) => Verdict | Promise<Verdict>

/** One element of the destination set: the Request-URI with everything that decides how it is sent. */
export interface Target {
  uri: string
  /** Next hop if other than `uri` (`$du`). */
  dstUri: string | null
  /** Comma-separated Route set of the contact (RFC 3327), or null. */
  path: string | null
  /** 0…1000; −1 unset. */
  q: number
  /** Branch flags, one bit a name. */
  flags: number
  /** Send from here (`force_send_socket`). */
  socket: ListenSocket | null
}

export const target = (uri: string): Target => ({ uri, dstUri: null, path: null, q: -1, flags: 0, socket: null })

/** Most additional branches in a request's destination set (OpenSIPS MAX_BRANCHES). */
export const MAX_BRANCHES = 12

/** How the running route ends: set by statements, read by the loops around them. */
export const Flow = { next: 0, break: 1, return: 2, exit: 3 } as const
export type Flow = (typeof Flow)[keyof typeof Flow]

/** A route that runs, and the one that called it. */
export interface RunningRoute {
  /** `route[name]`, `failure_route[name]`. */
  readonly name: string
  readonly caller: RunningRoute | null
}

/** The parameters of the running route: of `route(name, …)` by position, of an event also by name. */
export interface RouteParams {
  /** 1-based; undefined when there is none. */
  at(index: number): Value | undefined
  named(name: string): Value | undefined
}
export const NO_PARAMS: RouteParams = { at: () => undefined, named: () => undefined }

/** Where a module keeps what it knows of one message. Made once, at load, by {@link messageSlot}. */
export interface MessageSlot<T> {
  get(m: RouteContext): T | undefined
  set(m: RouteContext, value: T | undefined): void
}
/** Slots that have been used: every message has room for those, and few scripts use many. */
let slotsInUse = 0
export function messageSlot<T>(): MessageSlot<T> {
  let index = -1
  return {
    get: m => (index < 0 ? undefined : (m.slots[index] as T | undefined)),
    set: (m, value) => {
      if (index < 0) index = slotsInUse++
      m.slots[index] = value
    },
  }
}

/** Why an error route runs, and the reply it is advised to give. */
export interface RouteFault {
  /** 1 the message cannot be read, 4 an assertion failed. */
  readonly class: number
  readonly level: number
  readonly info: string
  readonly status: number
  readonly reason: string
}

/** The time that `async()` gives a function. */
export interface TimeLimit {
  /**
   * Set by a function that can give its work up: called once, when the time is over. The function then has its result
   * without waiting any longer.
   */
  onOver: (() => void) | null
}

/** A statement as `script_trace` shows it. */
export interface TracedStatement {
  /** `module t_relay`, `core if`, `assign`. */
  readonly what: string
  readonly place: Place
}

/** How many statements one run may come to. Each round of a loop counts as one too: a loop may have none in it. */
export interface StatementBudget {
  /** 0: as many as it likes. */
  readonly limit: number
  /** What the limit is set with. */
  readonly setting: 'max_route_statements' | 'max_event_statements'
}

interface ContextInit {
  readonly kind: RouteKind
  readonly message: SipMessage
  readonly origin: Origin
  readonly target: Target
  readonly edits: Edits
  readonly avps: AvpStore
  readonly vars: Value[]
}

/**
 * One message being processed by a script: the message as received, what the script has changed of it so far, and
 * the state of the run. Every script function and pseudo-variable gets one.
 */
export class RouteContext {
  kind: RouteKind
  /** As received, never changed: edits are applied when it is sent. */
  readonly message: SipMessage
  readonly origin: Origin

  /** The current Request-URI branch (branch 0). On replies its `uri` is ''. */
  target: Target
  /** Additional branches. */
  branches: Target[] = []
  /** Changes to headers and body. */
  edits: Edits
  /** Message flags, one bit a name. */
  flags = 0
  forceRport = false
  addLocalRport = false
  /** Replies made here go to the address in the top Via instead of where the request came from. */
  replyToVia = false
  advertisedHost: string | null = null
  advertisedPort: number | null = null
  /** Complete header lines, each with CRLF, that locally generated replies to this request carry. */
  replyHeaders = ''
  /** The body that locally generated replies to this request carry, unless they have one of their own. */
  replyBody = ''
  /** Set by `drop`: a provisional reply, a branch or a local request is not sent. */
  dropped = false

  avps: AvpStore
  /** `$var` slots, NULL at the start of each run. */
  readonly vars: Value[]
  /** `$rc`: what the last statement gave. */
  rc: Verdict = 1
  flow: Flow = Flow.next
  params: RouteParams = NO_PARAMS
  /** `$return(n)`. */
  returned: readonly Value[] = []
  /** Nesting of `route()` calls. */
  depth = 0
  /** The running routes, from the innermost on. */
  route: RunningRoute | null = null
  /** Set before an error route runs: what `$err…` read. */
  fault: RouteFault | null = null
  /** In a reply route: the request it answers, if known. */
  request: RouteContext | null = null
  /** In a failure route: the reply that was chosen, if one was received. */
  reply: RouteContext | null = null
  /** What modules keep: see {@link messageSlot}. */
  slots: unknown[] = new Array(slotsInUse)
  /** Told of each statement before it runs, while `script_trace` is on. */
  trace: ((statement: TracedStatement) => void) | null = null
  /** While somebody follows this run. */
  recorder: Recorder | null = null
  /** While a function runs that has a limit. */
  timeLimit: TimeLimit | null = null
  /** Nesting of events raised from event routes, to stop endless chains. */
  eventDepth = 0
  /** What the run was given; null before its first. Only the budget of what events cause also covers what runs behind `async()`. */
  budget: StatementBudget | null = null
  /** How many statements may still run, and rounds of loops, so that no loop without end holds everybody up. */
  statementsLeft = 0

  constructor(init: ContextInit) {
    this.kind = init.kind
    this.message = init.message
    this.origin = init.origin
    this.target = init.target
    this.edits = init.edits
    this.avps = init.avps
    this.vars = init.vars
  }
}
