import type { LogLevel } from '../log/log.ts'
import type { ListenSocket } from '../sip/net/endpoint.ts'
import type { RouteContext, RouteKind, StatementBudget, Step, TracedStatement } from './context.ts'
import { Diagnostics, ScriptError } from './diagnostic.ts'
import type { ScriptEnvironment, ScriptFunction } from './environment.ts'
import { FlagNames } from './flag-names.ts'
import type { ScriptPvar } from './pvar.ts'
import { corePvars, withAliases } from './pvars/core.ts'
import type { LevelSwitch, PvarHost } from './pvars/core-pvar.ts'
import type { RouteTable } from './route-table.ts'
import type { Settings } from './settings.ts'
import { NOWHERE, type Place } from './source.ts'
import { TextCompiler } from './text-compiler.ts'
import type { StatementObserver } from './trace/observer.ts'
import { Traces } from './trace/traces.ts'

/** Most `$var` names: texts compiled at run time must not make more without end. */
const MAX_VARS = 10_000

/** Everything that the parts of one script share while it is compiled and while it runs. */
export class Unit implements PvarHost {
  readonly environment: ScriptEnvironment
  readonly settings: Settings
  readonly diagnostics = new Diagnostics()
  readonly routes: RouteTable
  readonly flags: FlagNames
  readonly branchFlags: FlagNames
  readonly texts: TextCompiler
  readonly startedAtMs: number
  readonly xlogLevel: LevelSwitch
  readonly logLevel: LevelSwitch
  /** Who follows what the script does. */
  readonly traces: Traces
  /** Told of everything, in a script that is compiled to be followed. */
  readonly observer: StatementObserver | null
  /** The settings as counters and limits that are read for each message. */
  readonly maxText: number
  /** Of a run that a message, a timer or the start of the proxy causes. */
  readonly routeBudget: StatementBudget
  /** Of a run that an event causes. */
  readonly eventBudget: StatementBudget
  readonly #slots: Map<string, number>
  readonly #core: ReadonlyMap<string, ScriptPvar>

  /**
   * `former` is the script that this one takes the place of: flags and variables keep their bits and slots, since messages
   * that are under way have values in them.
   */
  constructor(
    environment: ScriptEnvironment,
    settings: Settings,
    routes: RouteTable,
    former?: Unit,
    observer: StatementObserver | null = null,
  ) {
    this.environment = environment
    this.settings = settings
    this.routes = routes
    this.flags = former?.flags ?? new FlagNames('message')
    this.branchFlags = former?.branchFlags ?? new FlagNames('branch')
    this.#slots = former === undefined ? new Map() : former.#slots
    this.startedAtMs = former?.startedAtMs ?? environment.clock.nowMs()
    this.maxText = settings.pv_print_buf_size
    this.routeBudget = former?.routeBudget ?? { limit: settings.max_route_statements, setting: 'max_route_statements' }
    this.eventBudget = former?.eventBudget ?? { limit: settings.max_event_statements, setting: 'max_event_statements' }
    this.xlogLevel = former?.xlogLevel ?? levelSwitch(settings.xlog_level)
    this.logLevel = former?.logLevel ?? environment.logLevel ?? levelSwitch(settings.log_level)
    this.traces = former?.traces ?? new Traces(environment.clock)
    this.observer = observer
    this.#core = withAliases(corePvars(this))
    this.texts = new TextCompiler({
      find: name => this.#findPvar(name),
      names: () => this.#pvarNames(),
      ...(observer === null ? {} : { observed: variable => observer.variable(variable) }),
      transformationFailed: (text, place) => this.warn('transformation failed', place, { transformation: text }),
    })
  }

  get log(): ScriptEnvironment['log'] {
    return this.environment.log
  }
  get clock(): ScriptEnvironment['clock'] {
    return this.environment.clock
  }
  get usesColours(): boolean {
    return this.settings.xlog_force_color !== 0
  }
  /** How many `$var` there are. */
  get varCount(): number {
    return this.#slots.size
  }

  slot(name: string): number {
    const known = this.#slots.get(name)
    if (known !== undefined) return known
    if (this.#slots.size === MAX_VARS)
      throw new ScriptError('E_VARIABLE', NOWHERE, `there are ${MAX_VARS} $var names already`)
    this.#slots.set(name, this.#slots.size)
    return this.#slots.size - 1
  }

  findSocket(text: string): ListenSocket | undefined {
    return this.environment.findSocket?.(text)
  }

  /** A function by its name or a former one. */
  findFunction(name: string): ScriptFunction | undefined {
    const found = this.environment.functions.get(name)
    if (found !== undefined) return found
    for (const candidate of this.environment.functions.values()) if (candidate.aliases?.includes(name)) return candidate
    return undefined
  }

  *functionNames(): Iterable<string> {
    for (const [name, { aliases = [] }] of this.environment.functions) yield* [name, ...aliases]
  }

  #findPvar(name: string): ScriptPvar | undefined {
    const found = this.environment.pvars.get(name) ?? this.#core.get(name)
    if (found !== undefined) return found
    for (const candidate of this.environment.pvars.values())
      if (candidate.spec.aliases?.includes(name)) return candidate
    return undefined
  }

  *#pvarNames(): Iterable<string> {
    yield* this.#core.keys()
    for (const [name, { spec }] of this.environment.pvars) yield* [name, ...(spec.aliases ?? [])]
  }

  /** Does what may throw a ScriptError; then reports it and gives the replacement. */
  attempt<T>(place: Place, build: () => T, replacement: T): T {
    try {
      return build()
    } catch (error) {
      this.diagnostics.caught(error, place)
      return replacement
    }
  }

  warn(message: string, place: Place, fields: Readonly<Record<string, string | number>> = {}): void {
    this.log.warn(message, { ...where(place), ...fields })
  }

  /** Logs what went wrong at a place of the script while it ran. */
  fail(message: string, place: Place, fields: Readonly<Record<string, string | number>> = {}): void {
    this.log.error(message, { ...where(place), ...fields })
  }

  /** The same where a loop, or a recursion, can do it over and over in one run. */
  failOften(message: string, place: Place, fields: Readonly<Record<string, string | number>> = {}): void {
    const { file, line, column } = place
    this.log.often(`${file}:${line}:${column}`).error(message, { file, line, column, ...fields })
  }

  /** Prints a line of the script. */
  print(level: number, text: string): void {
    const line = text.replace(/\r?\n$/, '')
    if (this.environment.print !== undefined) this.environment.print(level, line)
    else this.log[LEVEL_METHODS[String(level)] ?? 'debug'](line)
  }
}

const LEVEL_METHODS: Readonly<Record<string, keyof typeof LogLevel>> = {
  '-3': 'alert',
  '-2': 'crit',
  '-1': 'error',
  '0': 'warn',
  '1': 'warn',
  '2': 'notice',
  '3': 'info',
  '4': 'debug',
}

/** Log fields that say where in the script something is. */
export function where(place: Place): { readonly file: string; readonly line: number; readonly column: number } {
  return { file: place.file, line: place.line, column: place.column }
}

function levelSwitch(configured: number): LevelSwitch {
  let current = configured
  return {
    get: () => current,
    set: level => {
      current = level ?? configured
    },
  }
}

/** The block a statement stands in. */
export interface Scope {
  readonly kind: RouteKind
  /** `failure_route[x]`, for messages. */
  readonly route: string
}

/** A statement, built. */
export interface Statement {
  readonly step: Step
  /** False where the step sets `$rc` by itself, because it differs from what the step gives. */
  readonly setsRc: boolean
  readonly traced: TracedStatement
}

/** Does nothing. */
export const NOTHING: Statement = {
  step: (_: RouteContext) => 1,
  setsRc: false,
  traced: { what: 'nothing', place: NOWHERE },
}
