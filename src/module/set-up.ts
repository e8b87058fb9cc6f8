import type { Logger } from '../log/logger.ts'
import type { ScriptFunction } from '../script/environment.ts'
import type { GivenParams } from '../script/module-settings.ts'
import type { ScriptPvar } from '../script/pvar.ts'
import type { CommandSpec, EventSpec, ParamSpec } from '../util/spec.ts'
import type {
  FunctionSpec,
  Host,
  Lifecycle,
  ModuleApis,
  ModuleContext,
  ModuleSpec,
  PvarHandler,
  PvarSite,
  PvarSpec,
} from './define.ts'
import type { AnyModule } from './load-order.ts'

/** A module that is set up. */
export interface LoadedModule {
  readonly spec: ModuleSpec
  readonly handlers: Lifecycle
}

/** What set-up fills: the tables the script is compiled with. */
export interface ScriptTables {
  readonly functions: Map<string, ScriptFunction>
  readonly pvars: Map<string, ScriptPvar>
  /** Names of events that modules raise. */
  readonly events: Set<string>
}

interface Handlers extends Lifecycle {
  readonly functions?: Readonly<Record<string, ScriptFunction['build']>>
  readonly pvars?: Readonly<Record<string, (site: PvarSite) => PvarHandler>>
  readonly commands?: Readonly<Record<string, (args: never) => unknown>>
}

/**
 * Sets modules up in the order given: publishes their events, registers statistics and commands, and enters functions
 * and variables into the tables. No module does I/O here, so `check` runs it too. `refused` is told of modules that cannot
 * work with their parameters.
 */
export function setUpModules(
  order: readonly AnyModule[],
  given: (spec: ModuleSpec) => GivenParams,
  host: Host,
  tables: ScriptTables,
  refused: (spec: ModuleSpec, error: unknown) => void = rethrow,
): LoadedModule[] {
  const apis = new Map<string, unknown>()
  return order.flatMap(module => {
    const spec: ModuleSpec = module.spec
    try {
      const handlers: Handlers = module.setup(contextFor(spec, given(spec), host, tables, apis))
      apis.set(spec.name, handlers.api)
      enterFunctions(spec.functions ?? {}, handlers.functions ?? {}, tables)
      enterPvars(spec.pvars ?? {}, handlers.pvars ?? {}, tables)
      registerCommands(host, spec.name, spec.commands ?? {}, handlers.commands ?? {})
      return [{ spec, handlers }]
    } catch (error) {
      refused(spec, error)
      return []
    }
  })
}

function rethrow(_spec: ModuleSpec, error: unknown): never {
  throw error
}

function contextFor(
  spec: ModuleSpec,
  given: GivenParams,
  host: Host,
  tables: ScriptTables,
  apis: ReadonlyMap<string, unknown>,
): ModuleContext {
  const api = (name: string): unknown => apis.get(name)
  return {
    host,
    log: partLog(host.logger, spec.name),
    clock: host.clock,
    params: readParams(spec.params ?? {}, given),
    given: new Set(given.keys()),
    stats: registerStats(host, spec),
    raise: publishEvents(host, spec, tables),
    use: <M extends keyof ModuleApis>(name: M) => {
      if (!apis.has(name)) throw new Error(`module ${spec.name} uses ${String(name)} without naming it in "depends"`)
      return api(name) as ModuleApis[M]
    },
    find: <M extends keyof ModuleApis>(name: M) => api(name) as ModuleApis[M] | undefined,
  }
}

const partLog = (logger: Logger, name: string): ReturnType<Logger['part']> => logger.part(name)

function readParams(specs: Readonly<Record<string, ParamSpec>>, given: GivenParams): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, given.get(name) ?? (spec.repeat ? [] : spec.default)]),
  )
}

function registerStats(host: Host, spec: ModuleSpec): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(spec.stats ?? {}).map(([name, stat]) => [
      name,
      stat.type === 'counter'
        ? host.stats.counter(spec.name, name, stat.doc, stat.noReset)
        : host.stats.gauge(spec.name, name, stat.doc),
    ]),
  )
}

function publishEvents(host: Host, spec: ModuleSpec, tables: ScriptTables): Record<string, unknown> {
  const publish = ([name, event]: readonly [string, EventSpec]): readonly [string, unknown] => {
    tables.events.add(name)
    return [name, host.bus.makeRaiser(host.bus.catalogue.define(name, event, spec.name))]
  }
  return Object.fromEntries(Object.entries(spec.events ?? {}).map(publish))
}

function enterFunctions(
  specs: Readonly<Record<string, FunctionSpec>>,
  builders: Readonly<Record<string, ScriptFunction['build']>>,
  { functions }: ScriptTables,
): void {
  for (const [name, spec] of Object.entries(specs)) {
    const build = builders[name]
    if (build !== undefined) functions.set(name, { ...spec, build })
  }
}

function enterPvars(
  specs: Readonly<Record<string, PvarSpec>>,
  openers: Readonly<Record<string, (site: PvarSite) => PvarHandler>>,
  { pvars }: ScriptTables,
): void {
  for (const [name, spec] of Object.entries(specs)) {
    const open = openers[name]
    if (open === undefined) continue
    for (const known of [name, ...(spec.aliases ?? [])]) pvars.set(known, { spec, open })
  }
}

function registerCommands(
  host: Host,
  module: string,
  specs: Readonly<Record<string, CommandSpec>>,
  handlers: Readonly<Record<string, (args: never) => unknown>>,
): void {
  if (Object.keys(specs).length > 0) host.mi.register(module, specs, handlers as Parameters<Host['mi']['register']>[2])
}
