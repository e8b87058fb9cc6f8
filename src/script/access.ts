import type { Arg, PvarRef } from './args.ts'
import { grant } from './budget.ts'
import type { RouteContext, RouteKind, Step, Verdict } from './context.ts'
import { dummyContext } from './dummy.ts'
import { computedArg, constantArg } from './make-arg.ts'
import { runStep } from './run.ts'
import { NOWHERE } from './source.ts'
import type { Traces } from './trace/traces.ts'
import type { Unit } from './unit.ts'

/** What a script offers to those it runs in: usable from the moment it was read, also while modules are set up. */
export class ScriptAccess {
  #unit: Unit

  constructor(unit: Unit) {
    this.#unit = unit
  }

  /** For the compiler: what it stands for. */
  get unit(): Unit {
    return this.#unit
  }

  /** For the compiler: from now on stands for a script that takes the place of the present one. */
  switchTo(unit: Unit): void {
    this.#unit = unit
  }

  /** A route by kind and name, or undefined. Of the main route the name is '0', of kinds without names ''. */
  route(kind: RouteKind, name: string): Step | undefined {
    return this.#unit.routes.find(kind, name)?.step
  }

  /** A context on the dummy request (script reference, routes), for code that no message started. */
  dummyContext(kind: RouteKind): RouteContext {
    return dummyContext(kind, this.#unit.varCount)
  }

  /** Runs a route to its end, as the start of a script. Never throws or rejects: an error is logged and gives −1. */
  run(step: Step, m: RouteContext): Verdict | Promise<Verdict> {
    return runStep(this.#unit, step, m)
  }

  /** The same for what an event causes: of the run, and of what follows it behind `async()`, not much may come. */
  runForEvent(step: Step, m: RouteContext): Verdict | Promise<Verdict> {
    grant(m, this.#unit.eventBudget)
    return runStep(this.#unit, step, m)
  }

  /** Who follows what the script does, also across reloads. */
  get traces(): Traces {
    return this.#unit.traces
  }

  /** Threshold of `xlog` (`xlog_level`). */
  get xlogLevel(): number {
    return this.#unit.xlogLevel.get()
  }
  set xlogLevel(level: number) {
    this.#unit.xlogLevel.set(level)
  }

  /** Mask of a message flag name (as in `setflag`). Throws ScriptError when there are 32 already. */
  flagBit(name: string): number {
    return this.#unit.flags.bit(name)
  }

  /** Mask of a branch flag name. Throws ScriptError when there are 32 already. */
  branchFlagBit(name: string): number {
    return this.#unit.branchFlags.bit(name)
  }

  /** Names of the branch flags set in `mask`, blank-separated. */
  branchFlagNames(mask: number): string {
    return this.#unit.branchFlags.names(mask)
  }

  /** Compiles a text with variables that comes from a parameter. NULL reads as `<null>`. Throws ScriptError. */
  format(text: string): Arg<string> {
    const compiled = this.#unit.texts.format(text, NOWHERE)
    if (compiled.constant !== undefined) return constantArg(compiled.constant, text, NOWHERE)
    return computedArg(text, NOWHERE, m => compiled.read(m))
  }

  /** Compiles the name of a variable, `$avp(x)`, that comes from a parameter. Throws ScriptError. */
  variable(text: string): PvarRef {
    return this.#unit.texts.variable(text.trim(), NOWHERE)
  }

  /** How many slots `m.vars` needs now. */
  get varCount(): number {
    return this.#unit.varCount
  }
}
