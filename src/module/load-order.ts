import type { ModuleSpec, ProxyModule } from './define.ts'

/** A module's spec with its handler types forgotten: what registries and the loader handle. */
// biome-ignore lint/suspicious/noExplicitAny: a list of modules whose specs all differ has no narrower common type
export type AnyModule = ProxyModule<any>

/** The modules that exist, by the names scripts load them by. */
export class ModuleShelf {
  readonly #byName = new Map<string, AnyModule>()

  constructor(modules: Iterable<AnyModule>) {
    for (const module of modules) {
      const spec: ModuleSpec = module.spec
      for (const name of [spec.name, ...(spec.aliases ?? [])]) this.#byName.set(name, module)
    }
  }

  /** By name or alias; undefined when there is none. */
  find(name: string): AnyModule | undefined {
    return this.#byName.get(name)
  }

  /** Every name and alias. */
  names(): IterableIterator<string> {
    return this.#byName.keys()
  }

  /** Every script function, by its present and former names → the module that has it. */
  functions(): ReadonlyMap<string, string> {
    const owners = new Map<string, string>()
    for (const { spec } of this.all())
      for (const [name, { aliases = [] }] of Object.entries((spec as ModuleSpec).functions ?? {}))
        for (const known of [name, ...aliases]) owners.set(known, spec.name)
    return owners
  }

  /** Every module, once. */
  all(): readonly AnyModule[] {
    return [...new Set(this.#byName.values())]
  }
}

/** A module that another needs and the script does not load. */
export interface MissingDependency {
  readonly module: string
  readonly needs: string
}

/**
 * The order in which modules are set up and started: that of the script, but each behind what it depends on. Modules
 * that depend on each other in a ring keep the order of the script.
 */
export function loadOrder(loaded: readonly AnyModule[]): { order: readonly AnyModule[]; missing: MissingDependency[] } {
  const byName = new Map(loaded.map(module => [module.spec.name as string, module]))
  const order: AnyModule[] = []
  const missing: MissingDependency[] = []
  const seen = new Set<AnyModule>()
  const visit = (module: AnyModule): void => {
    if (seen.has(module)) return
    seen.add(module)
    const spec: ModuleSpec = module.spec
    for (const needs of spec.depends ?? []) {
      const other = byName.get(needs)
      if (other === undefined) missing.push({ module: spec.name, needs })
      else visit(other)
    }
    for (const name of spec.after ?? []) {
      const other = byName.get(name)
      if (other !== undefined) visit(other)
    }
    order.push(module)
  }
  for (const module of loaded) visit(module)
  return { order, missing }
}
