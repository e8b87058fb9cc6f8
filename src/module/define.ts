import type { BinSockets } from '../cluster/bin-sockets.ts'
import type { Databases } from '../db/databases.ts'
import type { TableSpec } from '../db/schema.ts'
import type { EventBus } from '../events/bus.ts'
import type { EventSpool } from '../events/spool/event-spool.ts'
import type { Log } from '../log/log.ts'
import type { Logger } from '../log/logger.ts'
import type { ManagementInterface } from '../mi/management-interface.ts'
import type { SipProxy } from '../proxy/proxy.ts'
import type { ScriptAccess } from '../script/access.ts'
import type { Arg, FunctionKind, FunctionKinds } from '../script/args.ts'
import type { RouteKind, Step } from '../script/context.ts'
import type { PvarHandler, PvarSite, PvarSpec } from '../script/pvar.ts'
import type { Settings } from '../script/settings.ts'
import type { Network } from '../sip/net/network.ts'
import type { StatisticsRegistry } from '../stats/stats.ts'
import type { StatusReports } from '../stats/status-report.ts'
import type { Clock } from '../util/clock.ts'
import type {
  ArgSpec,
  CommandSpec,
  Commands,
  EventSpec,
  ParamSpec,
  ParamValues,
  Part,
  Raisers,
  StatSpec,
  Stats,
} from '../util/spec.ts'

/**
 * The Module contract. A module is a spec, which is data, and a setup that returns the handlers the spec promises.
 * From the spec follow the handlers' types, the reference page, the schemas, `fanfare check` and management help.
 */

export interface FunctionSpec<
  A extends readonly ArgSpec<string, FunctionKind>[] = readonly ArgSpec<string, FunctionKind>[],
> {
  readonly args: A
  /** Kinds of route whose blocks may hold the call; a call elsewhere is an error at load. */
  readonly routes: readonly RouteKind[] | 'any'
  /** What it gives, for the reference page: `1 found, −1 none`. */
  readonly returns: string
  readonly doc: string
  /** Other names the same function has had. */
  readonly aliases?: readonly string[]
  /** Usable inside `async()`. One that can give its work up sets `m.timeLimit.onOver`; what others do too late has no effect. */
  readonly async?: boolean
}

export interface ModuleSpec {
  /** As in `loadmodule`, without `.so`. */
  readonly name: string
  readonly doc: string
  /** Other names scripts load it by. */
  readonly aliases?: readonly string[]
  /** Modules that must be loaded too; they start first. */
  readonly depends?: readonly string[]
  /** Modules that loading this one loads as well. */
  readonly brings?: readonly string[]
  /** Modules that start first when they are loaded. */
  readonly after?: readonly string[]
  readonly params?: Readonly<Record<string, ParamSpec>>
  readonly functions?: Readonly<Record<string, FunctionSpec>>
  readonly events?: Readonly<Record<string, EventSpec>>
  readonly stats?: Readonly<Record<string, StatSpec>>
  readonly commands?: Readonly<Record<string, CommandSpec>>
  /** Its tables, as `fanfare db create` makes them. */
  readonly tables?: readonly TableSpec[]
  /** Keys without the `$`. */
  readonly pvars?: Readonly<Record<string, PvarSpec>>
}

type ArgValue<A> =
  A extends ArgSpec<string, infer K, infer O>
    ? K extends keyof FunctionKinds
      ? O extends true
        ? Arg<FunctionKinds[K]> | undefined
        : Arg<FunctionKinds[K]>
      : never
    : never
export type ArgValues<A extends readonly ArgSpec[]> = { readonly [I in keyof A]: ArgValue<A[I]> }

/** Each module that offers an API adds itself: `declare module '…/define.ts' { interface ModuleApis { usrloc: … } }`. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface ModuleApis {}

/** What came of reading the routes again. */
export type ReloadResult =
  | {
      readonly ok: true
      readonly generation: number
      /** What has changed and takes effect with the next start only. */
      readonly needsRestart: readonly string[]
    }
  /** Nothing has changed. Each fault as `file:line:column: message`. */
  | { readonly ok: false; readonly generation: number; readonly faults: readonly string[] }

/** The routes that new requests run. */
export interface RoutesInForce {
  /** 1 from the start, one more with every reload. */
  readonly generation: number
  readonly loadedAtMs: number
  /** What has changed in the file since the start, and is not in force. */
  readonly needsRestart: readonly string[]
}

/** The running proxy as a whole. */
export interface Instance {
  /** `fanfare 1.2.3 (x64/linux)`. */
  readonly version: string
  readonly startedAtMs: number
  /** Path of its configuration file; `-` is standard input. */
  readonly configuration: string
  /** What runs in the event loop: listeners, doors, timers; one line each. */
  activities(): readonly string[]
  /**
   * Where something is kept from one run to the next, null for nowhere: the folder `given`, '' for none; where that is
   * undefined, `NAME.suffix` beside the configuration file NAME or in `$STATE_DIRECTORY`.
   */
  stateFolder(given: string | undefined, suffix: string): string | null
  /** Modules add what they run. */
  addActivity(name: string): void
  readonly routes: RoutesInForce
  /**
   * Reads the configuration again and puts its routes in the place of the present ones, all at once or, with any fault, not at
   * all. What is under way goes on with the routes it began with. Settings, modules and sockets stay.
   */
  reloadRoutes(): ReloadResult
  /** Begins an orderly stop, as SIGTERM does. */
  stop(): void
}

/** What every part of the running proxy may use. */
export interface Host {
  readonly instance: Instance
  readonly proxy: SipProxy
  readonly network: Network
  readonly bus: EventBus
  /** Where durable events wait. */
  readonly spool: EventSpool
  readonly mi: ManagementInterface
  readonly stats: StatisticsRegistry
  readonly status: StatusReports
  readonly logger: Logger
  readonly script: ScriptAccess
  readonly settings: Settings
  /** Databases by URL; db modules register their drivers here while they are set up. */
  readonly db: Databases
  /** The `bin:` sockets of the script, on which nodes reach each other. */
  readonly binSockets: BinSockets
  readonly clock: Clock
}

export interface ModuleContext<S extends ModuleSpec = ModuleSpec> {
  readonly host: Host
  readonly log: Log
  readonly clock: Clock
  readonly params: ParamValues<Part<S, 'params'>>
  /** Names of parameters the script has set, for defaults that depend on others. */
  readonly given: ReadonlySet<string>
  readonly stats: Stats<S>
  readonly raise: Raisers<S>
  /** The API of a module named in `depends`. */
  use<M extends keyof ModuleApis>(name: M): ModuleApis[M]
  /** The API of a module named in `after`, if it is loaded. */
  find<M extends keyof ModuleApis>(name: M): ModuleApis[M] | undefined
}

export interface Lifecycle {
  /** What other modules get from `use`. */
  readonly api?: unknown
  /** After all modules are set up and the script is compiled, before any socket is open. Rejecting stops the start. */
  start?(signal: AbortSignal): Promise<void> | void
  /** When every socket is open, before `startup_route`. Rejecting stops the start. */
  listening?(): Promise<void> | void
  /** When `startup_route` has ended, before the first request is taken. */
  serving?(): void
  /** What is unsafe about how the script sets it up, a sentence each: `check` prints them. */
  warnings?(): readonly string[]
  /** Resolves once the work that is under way has come to its end, or `signal` aborts; no new work comes. */
  drain?(signal: AbortSignal): Promise<void>
  /** In reverse order of start, once no new request is taken. */
  stop?(signal: AbortSignal): Promise<void> | void
  /** Last of all, when every subscription has been closed. */
  afterBus?(): Promise<void> | void
}
/** The builders a table of function specs asks for. Outer call: once for each call in the script, at load. Inner: per message. */
export type FunctionHandlers<F> = {
  readonly [N in keyof F]: F[N] extends FunctionSpec<infer A> ? (...args: ArgValues<A>) => Step : never
}
/** The builders a table of pseudo-variable specs asks for: called once for each place in the script. */
export type PvarHandlers<P> = { readonly [N in keyof P]: (site: PvarSite) => PvarHandler }

export type ModuleHandlers<S extends ModuleSpec> = Lifecycle & {
  readonly [K in 'functions' as S extends { functions: object } ? K : never]: FunctionHandlers<Part<S, 'functions'>>
} & {
  readonly [K in 'commands' as S extends { commands: object } ? K : never]: Commands<S>
} & {
  readonly [K in 'pvars' as S extends { pvars: object } ? K : never]: PvarHandlers<Part<S, 'pvars'>>
}

export interface ProxyModule<S extends ModuleSpec = ModuleSpec> {
  readonly spec: S
  setup(context: ModuleContext<S>): ModuleHandlers<S>
}

/** Declares a module. A promised handler that is missing, or an event field of the wrong type, is a compile error. */
export function defineModule<const S extends ModuleSpec>(
  spec: S,
  setup: (context: ModuleContext<S>) => ModuleHandlers<S>,
): ProxyModule<S> {
  return { spec, setup }
}

/** Part of a module's functions in a file of its own: a module spreads `specs` and `handlers(context)` into its own. */
export interface FunctionGroup<F> {
  readonly specs: F
  handlers(context: ModuleContext): FunctionHandlers<F>
}
export function functionGroup<const F extends Readonly<Record<string, FunctionSpec>>>(
  specs: F,
  handlers: (context: ModuleContext) => FunctionHandlers<F>,
): FunctionGroup<F> {
  return { specs, handlers }
}

export type { PvarHandler, PvarIndex, PvarSite, PvarSpec } from '../script/pvar.ts'
export {
  arg,
  counter,
  field,
  gauge,
  nullableField,
  optional,
  optionalField,
  optionalParam,
  param,
  repeatedParam,
} from '../util/spec.ts'
