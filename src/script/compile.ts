import { ScriptAccess } from './access.ts'
import type { EventNotes } from './compile-call.ts'
import { StatementCompiler } from './compile-statement.ts'
import { type Diagnostic, Diagnostics } from './diagnostic.ts'
import type { ScriptEnvironment } from './environment.ts'
import { nearest } from './nearest.ts'
import type { Script } from './parse.ts'
import type { EventRoute, Program, TimerRoute } from './program.ts'
import { type Route, RouteTable } from './route-table.ts'
import { readSettings, type Settings } from './settings.ts'
import { NOWHERE, type Place } from './source.ts'
import { TracedRoutes } from './trace/traced-routes.ts'
import { Unit } from './unit.ts'

/** What came of compiling a script. */
export interface CompileResult {
  /** Undefined when there was an error. */
  readonly program: Program | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/** A script between being read and being compiled: modules are set up now, and may use `access`. */
export interface PreparedScript {
  readonly access: ScriptAccess
  readonly settings: Settings
  /** Faults in the settings. */
  readonly diagnostics: readonly Diagnostic[]
  /** Builds every route with what the environment holds by now. To be called once. */
  compile(): CompileResult
  /**
   * Builds the routes of a changed script, without syntax errors, in place of the present ones; the settings stay as they are.
   * With an error `access` goes on to stand for the present script.
   */
  recompile(changed: Script): CompileResult
}

/**
 * Prepares a script for compilation. The way of a script is: `loadScript`, `readLoadModules` and `readModparams`, then this,
 * then the modules are set up and fill the environment, then `compile()`. The script must have no syntax errors.
 */
export function prepareScript(script: Script, environment: ScriptEnvironment): PreparedScript {
  const settingFaults = new Diagnostics()
  const settings = readSettings(script.settings, settingFaults)
  const unit = new Unit(environment, settings, new RouteTable(script.routes))
  const access = new ScriptAccess(unit)
  return {
    access,
    settings,
    diagnostics: settingFaults.list,
    compile: () => compileUnit(script, unit, access),
    recompile: changed => {
      const faults = new Diagnostics()
      readSettings(changed.settings, faults)
      if (faults.hasErrors) return { program: undefined, diagnostics: faults.list }
      return recompile(changed, access)
    },
  }
}

/** Builders of functions ask `access` for routes: while they are at work it must stand for the script that they build. */
function recompile(changed: Script, access: ScriptAccess): CompileResult {
  const former = access.unit
  const next = new Unit(former.environment, former.settings, new RouteTable(changed.routes), former)
  access.switchTo(next)
  let result: CompileResult | null = null
  try {
    result = compileUnit(changed, next, access)
    return result
  } finally {
    if (result?.program === undefined) access.switchTo(former)
  }
}

/** Prepares and compiles in one go, for environments that are complete. */
export function compileScript(
  script: Script,
  environment: ScriptEnvironment,
): CompileResult & { access: ScriptAccess } {
  const prepared = prepareScript(script, environment)
  const { program, diagnostics } = prepared.compile()
  const all = [...script.diagnostics, ...prepared.diagnostics, ...diagnostics]
  const hasErrors = all.some(found => found.severity === 'error')
  return { program: hasErrors ? undefined : program, diagnostics: all, access: prepared.access }
}

function compileUnit(script: Script, unit: Unit, access: ScriptAccess): CompileResult {
  const traced = new TracedRoutes(unit, script.sources, access)
  const events = new ScriptEvents()
  const statements = new StatementCompiler(unit, events)
  for (const route of unit.routes.all('event')) events.note(route.node.name, route.node.place)
  for (const route of unit.routes) {
    const { kind, body } = route.node
    route.body = statements.compileBlock(body, { kind, route: route.shown })
    route.traced = m => traced.body(route)(m)
  }
  events.report(unit)
  if (unit.routes.find('request', '0') === undefined) {
    const place = { ...NOWHERE, file: script.sources[0]?.name ?? '' }
    unit.diagnostics.warn('W_ROUTE', place, 'there is no main route: requests are not handled')
  }
  const { diagnostics } = unit
  return {
    program: diagnostics.hasErrors ? undefined : makeProgram(script, unit, events),
    diagnostics: diagnostics.list,
  }
}

function makeProgram(script: Script, unit: Unit, events: ScriptEvents): Program {
  const { sockets, bonds, aliases, blacklists, sources } = script
  return {
    settings: unit.settings,
    sockets,
    bonds,
    aliases,
    blacklists,
    sources,
    route: (kind, name) => unit.routes.find(kind, name)?.step,
    startup: unit.routes.find('startup', '')?.step,
    timers: unit.routes.all('timer').map(timerRoute),
    eventRoutes: unit.routes.all('event').map(eventRoute),
    eventNames: events.names,
    // Texts that are compiled while the script runs may add some.
    get varCount() {
      return unit.varCount
    },
  }
}

const timerRoute = ({ node, step }: Route): TimerRoute => ({ name: node.name, intervalS: node.intervalS, step })
const eventRoute = ({ node, step }: Route): EventRoute => ({ name: node.name, mode: node.mode, step })

/** The events a script names, each with its first place. */
class ScriptEvents implements EventNotes {
  readonly #places = new Map<string, Place>()
  readonly #raised = new Set<string>()

  note(name: string, place: Place): void {
    if (!this.#places.has(name)) this.#places.set(name, place)
  }

  noteRaised(name: string): void {
    this.#raised.add(name)
  }

  get names(): readonly string[] {
    return [...this.#places.keys()]
  }

  /** Warns of those that no module raises; of the script's own only where the name may be a slip of another. */
  report({ environment, diagnostics }: Unit): void {
    for (const [name, place] of this.#places) {
      if (environment.events.has(name)) continue
      const similar = nearest(name, environment.events.keys())
      if (this.#raised.has(name) && similar === undefined) continue
      const hint = similar === undefined ? undefined : `did you mean "${similar}"?`
      diagnostics.warn(
        'W_EVENT',
        place,
        `no loaded module raises the event "${name}": it is published for the script`,
        hint,
      )
    }
  }
}
