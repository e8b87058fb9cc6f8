import type { Log } from '../log/log.ts'
import type { ListenSocket } from '../sip/net/endpoint.ts'
import type { Clock } from '../util/clock.ts'
import type { ArgSpec, ParamSpec } from '../util/spec.ts'
import type { FunctionKind } from './args.ts'
import type { RouteContext, RouteKind, Step, Verdict } from './context.ts'
import type { ScriptPvar } from './pvar.ts'

/** A script function as the compiler is given it. */
export interface ScriptFunction {
  readonly args: readonly ArgSpec<string, FunctionKind>[]
  /** Kinds of route whose blocks may hold the call. */
  readonly routes: readonly RouteKind[] | 'any'
  readonly aliases?: readonly string[]
  /** Usable inside `async()` and `launch()`. */
  readonly async?: boolean
  /**
   * Called once for each call in the script with an `Arg` of the declared kind at each position, or undefined where an
   * optional one is left out. What it throws is reported at the call; a ScriptError keeps its own place.
   */
  build(...args: never[]): Step
}

/** A call inside `async()`, for whoever runs it. Neither function throws or rejects. */
export interface AsyncCall {
  /** Runs the function, no longer than the script lets it, and gives its return code. */
  start(m: RouteContext): Verdict | Promise<Verdict>
  /** Runs the resume route with `rc` as `$rc`. */
  resume(m: RouteContext, rc: Verdict): Verdict | Promise<Verdict>
  /** `rest_get() at x.cfg:12`, for messages. */
  readonly text: string
}

/**
 * What a script can use, given by whoever loads modules. Functions and variables are looked up when a place of the script
 * is compiled, so the maps may grow until then; the optional members are looked up when they are needed.
 */
export interface ScriptEnvironment {
  readonly functions: ReadonlyMap<string, ScriptFunction>
  /** Keys without the `$`. They come before the variables of the core. */
  readonly pvars: ReadonlyMap<string, ScriptPvar>
  /** Names of the events that loaded modules raise. */
  readonly events: Pick<ReadonlySet<string>, 'has' | 'keys'>
  readonly log: Log
  readonly clock: Clock
  /** Prints what `xlog` and `log` say; by default a line of `log`. The text has no newline at its end. */
  print?(level: number, text: string): void
  /**
   * Takes over an `async()` statement: the run of the script is over when the result settles. By default the function is
   * run and then the resume route, on the same context.
   */
  startAsync?(m: RouteContext, call: AsyncCall): Verdict | Promise<Verdict>
  /** Functions of modules that are not loaded → their module, for hints. */
  readonly otherFunctions?: ReadonlyMap<string, string>
  /** A socket by its text, for `$socket_out`. */
  findSocket?(text: string): ListenSocket | undefined
  /** `$log_level`; null restores the configured level. */
  readonly logLevel?: { get(): number; set(level: number | null): void }
}

/** A module as far as `loadmodule` and `modparam` need it. */
export interface KnownModule {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly params: Readonly<Record<string, ParamSpec>>
}
