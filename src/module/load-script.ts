import { dirname, resolve } from 'node:path'
import type { Logger } from '../log/logger.ts'
import { AvpStore } from '../script/avp.ts'
import { type PreparedScript, prepareScript } from '../script/compile.ts'
import { RouteContext, type RouteKind, target } from '../script/context.ts'
import { type Diagnostic, Diagnostics } from '../script/diagnostic.ts'
import type { KnownModule, ScriptEnvironment } from '../script/environment.ts'
import { type GivenParams, isInCore, moduleName, readLoadModules, readModparams } from '../script/module-settings.ts'
import type { Script } from '../script/parse.ts'
import type { Program } from '../script/program.ts'
import { NOWHERE, type Place, type Source } from '../script/source.ts'
import { Edits } from '../sip/codec/edits.ts'
import type { SipMessage } from '../sip/codec/message.ts'
import type { Origin } from '../sip/net/endpoint.ts'
import type { Clock } from '../util/clock.ts'
import type { Value } from '../util/spec.ts'
import { type AssembledHost, assemble } from './assembly.ts'
import type { Instance, ModuleSpec } from './define.ts'
import { type AnyModule, loadOrder, type ModuleShelf } from './load-order.ts'
import { readScript, type ScriptLocation } from './read-script.ts'
import { ScriptReloader } from './reload.ts'
import { type LoadedModule, type ScriptTables, setUpModules } from './set-up.ts'
import type { Surroundings } from './surroundings.ts'

/** What there is to load, given by whoever composes the program. */
export interface Composition {
  readonly shelf: ModuleShelf
  /** Loaded without `loadmodule`, first. */
  readonly builtIn: readonly AnyModule[]
  readonly version: string
}

/** What a configuration is loaded with. */
export interface LoadParts {
  readonly location: ScriptLocation
  readonly composition: Composition
  readonly clock: Clock
  readonly logger: Logger
  readonly instance: Instance
  readonly surroundings?: Surroundings
}

/** A configuration that was read, and everything found in it. */
export interface LoadedScript {
  readonly sources: readonly Source[]
  readonly diagnostics: readonly Diagnostic[]
  /** Null when there was an error. */
  readonly ready: ReadyScript | null
  /** What modules say is unsafe. */
  readonly warnings: readonly string[]
}

/** A configuration ready to be started. */
export interface ReadyScript {
  readonly program: Program
  readonly host: AssembledHost
  readonly modules: readonly LoadedModule[]
  readonly reloader: ScriptReloader
}

/**
 * Reads a configuration, sets its modules up and compiles it. Opens nothing. Every fault is among the diagnostics; a syntax
 * error keeps the rest from being looked at, since nothing behind it can be trusted.
 */
export function loadConfiguration(parts: LoadParts): LoadedScript {
  const script = readScript(parts.location)
  const { sources } = script
  if (script.diagnostics.some(isError)) return { sources, diagnostics: script.diagnostics, ready: null, warnings: [] }
  return new Loader(parts, script).load()
}

/** Settings that no later version took. */
const ONLY_2X: ReadonlySet<string> = new Set(['children', 'tcp_children'])
/** Modules whose payload was text in 2.x. */
const TEXT_SENDERS: ReadonlySet<string> = new Set(['event_datagram', 'event_rabbitmq'])

const isError = ({ severity }: Diagnostic): boolean => severity === 'error'

class Loader {
  readonly #parts: LoadParts
  readonly #script: Script
  readonly #found = new Diagnostics()
  /** Modules that could not be set up. */
  readonly #refused: ModuleSpec[] = []
  readonly #tables: ScriptTables = { functions: new Map(), pvars: new Map(), events: new Set() }

  constructor(parts: LoadParts, script: Script) {
    this.#parts = parts
    this.#script = script
  }

  load(): LoadedScript {
    const environment = this.#environment()
    const prepared = prepareScript(this.#script, environment)
    const host = this.#assemble(prepared)
    this.#defineBlacklists(host)
    this.#remarkOnEra()
    environment.findSocket = text => host.proxy.findSocket(text)
    const order = this.#modules()
    const given = readModparams(this.#script.modparams, order.map(asKnown), this.#found, this.#missingModules())
    const modules = this.#setUp(order, given, host)
    const tm = modules.find(({ spec }) => spec.name === 'tm')?.handlers.api as
      | Pick<ScriptEnvironment, 'startAsync'>
      | undefined
    if (tm?.startAsync !== undefined) environment.startAsync = tm.startAsync
    const { program, diagnostics } = prepared.compile()
    const warnings = this.#warnings(modules, prepared.settings.mi_require_auth !== 0)
    const all = [
      ...this.#script.diagnostics,
      ...prepared.diagnostics,
      ...this.#found.list,
      ...this.#withoutConsequences(diagnostics),
    ]
    const reloader = new ScriptReloader(this.#parts.location, this.#script, prepared)
    const ready = program === undefined || all.some(isError) ? null : { program, host, modules, reloader }
    return { sources: this.#script.sources, diagnostics: all, ready, warnings }
  }

  #environment(): { -readonly [K in keyof ScriptEnvironment]: ScriptEnvironment[K] } {
    const { logger, clock } = this.#parts
    const configured = (): number => logger.level
    return {
      ...this.#tables,
      log: logger.part('script'),
      clock,
      print: (level, text) => logger.write(level, '', text),
      otherFunctions: this.#parts.composition.shelf.functions(),
      logLevel: {
        get: configured,
        set: level => {
          if (level !== null) logger.level = level
        },
      },
    }
  }

  #assemble({ settings, access }: PreparedScript): AssembledHost {
    const { logger, clock, instance, surroundings = {}, location } = this.#parts
    logger.level = settings.log_level
    logger.prefix = settings.log_prefix
    logger.outputFilter = settings.stderror_level_filter
    // What asks for syslog gets standard error, which is all there is.
    logger.hasOutput = settings.stderror_enabled !== 0 || settings.syslog_enabled !== 0
    const format = settings.stderror_log_format
    if (format === 'json' || format === 'json_cee') logger.format = format
    return assemble({
      settings,
      clock,
      logger,
      script: access,
      instance,
      surroundings,
      directory: resolve(dirname(location.file)),
      makeContext: (kind, message, origin) => contextOn(kind, message, origin, access.varCount),
    })
  }

  #defineBlacklists({ proxy, settings }: AssembledHost): void {
    if (settings.disable_dns_blacklist === 0) proxy.blacklists.avoidFailed()
    for (const definition of this.#script.blacklists) {
      try {
        proxy.blacklists.define(definition)
      } catch (error) {
        this.#found.error('E_SETTING', definition.place, error instanceof Error ? error.message : String(error))
      }
    }
  }

  /** A script of 2.x gets the defaults of 4.0 unless it says otherwise: who receives its events should know. */
  #remarkOnEra(): void {
    const { settings, loadModules } = this.#script
    const old = settings.find(({ name }) => ONLY_2X.has(name))
    if (old === undefined || settings.some(({ name }) => name === 'era')) return
    if (!loadModules.some(({ path }) => TEXT_SENDERS.has(moduleName(path)))) return
    this.#found.warn(
      'W_SETTING',
      old.place,
      `"${old.name}" is of 2.x, whose events were lines of text: here they are JSON-RPC`,
      'write "era = 2.4" for what 2.x did by default, or "era = 4.0" to keep this',
    )
  }

  /** The built-in modules, those the script loads, and those they bring, each behind what it depends on. */
  #modules(): readonly AnyModule[] {
    const { shelf, builtIn } = this.#parts.composition
    const known = new Map(shelf.all().map(module => [asKnown(module), module]))
    const byName = (name: string): KnownModule | undefined => {
      const module = shelf.find(name)
      return [...known].find(([, candidate]) => candidate === module)?.[0]
    }
    const asked = readLoadModules(this.#script.loadModules, byName, shelf.names(), this.#found)
    const loaded = new Set<AnyModule>(builtIn)
    const add = (module: AnyModule): void => {
      for (const name of (module.spec as ModuleSpec).brings ?? []) {
        const brought = shelf.find(name)
        if (brought !== undefined) add(brought)
      }
      loaded.add(module)
    }
    for (const entry of asked) {
      const module = known.get(entry)
      if (module !== undefined) add(module)
    }
    const { order, missing } = loadOrder([...loaded])
    const misspelt = this.#found.list.filter(({ code }) => code === 'E_MODULE').map(({ hint = '' }) => hint)
    for (const { module, needs } of missing.filter(gap => !misspelt.includes(`did you mean "${gap.needs}"?`)))
      this.#found.error(
        'E_MODULE',
        this.#placeOf(module),
        `module ${module} needs module ${needs}`,
        `add: loadmodule "${needs}.so"`,
      )
    return missing.length === 0 ? order : order.filter(module => !missing.some(gap => gap.module === module.spec.name))
  }

  /** Names in `loadmodule` that no module has. */
  #missingModules(): readonly string[] {
    const { shelf } = this.#parts.composition
    const names = this.#script.loadModules.map(({ path }) => moduleName(path))
    return names.filter(name => shelf.find(name) === undefined && !isInCore(name))
  }

  #placeOf(module: string): Place {
    const node = this.#script.loadModules.find(({ path }) => moduleName(path) === module)
    return node?.place ?? { ...NOWHERE, file: this.#script.sources[0]?.name ?? '' }
  }

  #setUp(order: readonly AnyModule[], given: ReadonlyMap<string, GivenParams>, host: AssembledHost): LoadedModule[] {
    const paramsOf = (spec: ModuleSpec): GivenParams => given.get(spec.name) ?? new Map()
    return setUpModules(order, paramsOf, host, this.#tables, (spec, error) => {
      this.#refused.push(spec)
      // What fails because a module it stands on did is no fault of its own.
      if (this.#refused.some(({ name }) => (spec.depends ?? []).includes(name))) return
      const reason = error instanceof Error ? error.message : String(error)
      this.#found.error('E_MODPARAM', this.#placeOf(spec.name), `module ${spec.name}: ${reason}`)
    })
  }

  /** What modules say is unsafe: errors where the script says so. */
  #warnings(modules: readonly LoadedModule[], areErrors: boolean): readonly string[] {
    const found = modules.flatMap(({ spec, handlers }) =>
      (handlers.warnings?.() ?? []).map(text => ({ text, place: this.#placeOf(spec.name) })),
    )
    if (!areErrors) return found.map(({ text }) => text)
    for (const { text, place } of found) this.#found.error('E_MODPARAM', place, `${text} (mi_require_auth is set)`)
    return []
  }

  /**
   * A module that could not be loaded leaves its functions and variables unknown: those are no faults of their own. What
   * is misspelt, or is in a module that no line meant to load, is.
   */
  #withoutConsequences(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
    return this.#withoutMissing(diagnostics.filter(found => !this.#refused.some(spec => isUnknownOf(spec, found))))
  }

  #withoutMissing(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
    const missing = this.#found.list.filter(({ code }) => code === 'E_MODULE')
    if (missing.length === 0) return diagnostics
    const meant = missing.map(({ hint = '' }) => /^did you mean "(\w+)"/.exec(hint)?.[1])
    const isConsequence = ({ message, hint = '' }: Diagnostic): boolean => {
      if (!message.startsWith('unknown ') || hint.startsWith('did you mean')) return false
      const owner = /^it is in module (\w+):/.exec(hint)?.[1]
      return owner === undefined || meant.includes(owner)
    }
    return diagnostics.filter(found => !isConsequence(found))
  }
}

/** Whether what is unknown would be there if the module were. */
function isUnknownOf({ functions = {}, pvars = {} }: ModuleSpec, { message }: Diagnostic): boolean {
  const [, called] = /^unknown function (\w+)\(\)$/.exec(message) ?? []
  if (called !== undefined)
    return Object.entries(functions).some(([name, { aliases = [] }]) => [name, ...aliases].includes(called))
  const [, read] = /^unknown variable \$(.+)$/.exec(message) ?? []
  return Object.entries(pvars).some(([name, { aliases = [] }]) => [name, ...aliases].includes(read ?? ''))
}

const asKnown = (module: AnyModule): KnownModule => {
  const { name, aliases, params = {} }: ModuleSpec = module.spec
  return { name, params, ...(aliases === undefined ? {} : { aliases }) }
}

/** Of scripts without `$var`. */
const NO_VARS: Value[] = []

function contextOn(kind: RouteKind, message: SipMessage, origin: Origin, varCount: number): RouteContext {
  return new RouteContext({
    kind,
    message,
    origin,
    target: target(message.requestUri),
    edits: new Edits(),
    avps: new AvpStore(),
    vars: varCount === 0 ? NO_VARS : new Array<Value>(varCount).fill(null),
  })
}
