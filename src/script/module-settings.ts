import type { ParamSpec } from '../util/spec.ts'
import type { LoadModuleNode, ModparamNode } from './ast.ts'
import type { Diagnostics } from './diagnostic.ts'
import type { KnownModule } from './environment.ts'
import { compileEre, EreError } from './ere.ts'
import { didYouMean } from './nearest.ts'
import { integerFromText } from './values.ts'

/** The parameters a script gives one module: name → one value, or all of a repeatable one. */
export type GivenParams = ReadonlyMap<string, number | string | readonly (number | string)[]>

/** Names of 2.x → where their work is done now. */
const FORMER_MODULES: Readonly<Record<string, string>> = {
  dbtext: 'db_text',
  localcache: 'cachedb_local',
}
/** Modules whose work is part of the core here: loading them is accepted and does nothing. */
const IN_CORE: ReadonlySet<string> = new Set([
  'proto_udp',
  'proto_tcp',
  'proto_tls',
  'proto_ws',
  'proto_wss',
  'proto_bin',
  'proto_bins',
  'tls_openssl',
  'tls_wolfssl',
])

/** Whether loading a module of this name is accepted although there is none. */
export const isInCore = (name: string): boolean => IN_CORE.has(name)

/** The name in `loadmodule`: without directory and `.so`. */
export function moduleName(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.so$/, '')
}

/**
 * The modules a script loads, each once, in the order of the script. `find` gives a module by name or alias. Reports
 * modules that there are not; `names` is for suggestions.
 */
export function readLoadModules<M extends KnownModule>(
  nodes: readonly LoadModuleNode[],
  find: (name: string) => M | undefined,
  names: Iterable<string>,
  diagnostics: Diagnostics,
): readonly M[] {
  const known = [...names]
  const loaded = new Set<M>()
  for (const { path, place } of nodes) {
    const written = moduleName(path)
    const former = Object.hasOwn(FORMER_MODULES, written) ? FORMER_MODULES[written] : undefined
    const module = find(written) ?? (former === undefined ? undefined : find(former))
    if (module !== undefined) loaded.add(module)
    else if (!IN_CORE.has(written))
      diagnostics.error('E_MODULE', place, `there is no module "${written}"`, didYouMean(written, known))
  }
  return [...loaded]
}

/**
 * What each `modparam` sets, by module name. The module part is a regular expression, so one line may set several. Reports
 * unknown parameters and values of the wrong type. Lines for modules that the script loads but that there are not
 * (`missing`) are passed over: that was reported where they are loaded.
 */
export function readModparams(
  nodes: readonly ModparamNode[],
  loaded: readonly KnownModule[],
  diagnostics: Diagnostics,
  missing: readonly string[] = [],
): ReadonlyMap<string, GivenParams> {
  const given = new Map<string, Map<string, number | string | (number | string)[]>>()
  for (const node of nodes) {
    const modules = matchingModules(node, loaded, diagnostics, missing)
    if (modules === undefined) continue
    const targets = modules.flatMap(module => {
      const found = findParam(module, node.name.value)
      return found === undefined ? [] : [{ module, ...found }]
    })
    if (targets.length === 0) reportUnknown(node, modules, diagnostics)
    for (const { module, name, spec } of targets) {
      const value = readValue(node, spec, diagnostics)
      if (value === undefined) continue
      const params = given.get(module.name) ?? new Map<string, number | string | (number | string)[]>()
      given.set(module.name, params)
      store(params, name, spec, value)
    }
  }
  return given
}

function store(
  params: Map<string, number | string | (number | string)[]>,
  name: string,
  spec: ParamSpec,
  value: number | string,
): void {
  if (!spec.repeat) params.set(name, value)
  else {
    const values = params.get(name)
    if (Array.isArray(values)) values.push(value)
    else params.set(name, [value])
  }
}

/** Undefined when there is nothing to set, which was reported unless it is right so. */
function matchingModules(
  { modules }: ModparamNode,
  loaded: readonly KnownModule[],
  diagnostics: Diagnostics,
  missing: readonly string[],
): readonly KnownModule[] | undefined {
  let pattern: RegExp
  try {
    pattern = compileEre(`^(${modules.value})$`, { ignoreCase: true, newline: false })
  } catch (error) {
    if (!(error instanceof EreError)) throw error
    diagnostics.error('E_MODPARAM', modules.place, `"${modules.value}" is no regular expression: ${error.message}`)
    return undefined
  }
  const wanted = Object.hasOwn(FORMER_MODULES, modules.value) ? FORMER_MODULES[modules.value] : undefined
  const matching = loaded.filter(
    ({ name, aliases = [] }) => name === wanted || [name, ...aliases].some(candidate => pattern.test(candidate)),
  )
  if (matching.length > 0) return matching
  if (missing.some(name => pattern.test(name))) return undefined
  if ([...IN_CORE].some(name => pattern.test(name))) {
    diagnostics.warn('W_MODULE', modules.place, `"${modules.value}" is part of the core and has no parameters here`)
    return undefined
  }
  const hint =
    didYouMean(
      modules.value,
      loaded.map(({ name }) => name),
    ) ?? 'is a loadmodule missing?'
  diagnostics.error('E_MODPARAM', modules.place, `no loaded module is called "${modules.value}"`, hint)
  return undefined
}

function findParam(module: KnownModule, name: string): { readonly name: string; readonly spec: ParamSpec } | undefined {
  const own = Object.hasOwn(module.params, name) ? module.params[name] : undefined
  if (own !== undefined) return { name, spec: own }
  for (const [present, spec] of Object.entries(module.params))
    if (spec.formerly?.includes(name)) return { name: present, spec }
  return undefined
}

function reportUnknown({ name, modules }: ModparamNode, found: readonly KnownModule[], diagnostics: Diagnostics): void {
  const names = found.flatMap(module =>
    Object.entries(module.params).flatMap(([own, spec]) => [own, ...(spec.formerly ?? [])]),
  )
  const hint = didYouMean(name.value, names)
  diagnostics.error('E_MODPARAM', name.place, `${modules.value} has no parameter "${name.value}"`, hint)
}

/** A number in quotes counts as a number, a number for a text as text: 2.x took both. */
function readValue(
  { name, value }: ModparamNode,
  spec: ParamSpec,
  diagnostics: Diagnostics,
): number | string | undefined {
  if (spec.kind === 'str') return String(value.value)
  if (value.type === 'number') return value.value
  const number = integerFromText(value.value)
  if (number === undefined)
    diagnostics.error('E_MODPARAM', value.place, `"${name.value}" takes a number, got ${JSON.stringify(value.value)}`)
  return number
}
