import type { SettingNode } from './ast.ts'
import type { Diagnostics } from './diagnostic.ts'
import { didYouMean } from './nearest.ts'
import { SETTINGS, type SettingSpec } from './setting-table.ts'

type SettingTypes = { readonly int: number; readonly str: string; readonly era: '2.4' | '4.0' }
type SettingValue<S> =
  S extends SettingSpec<infer K, infer D>
    ? D extends undefined
      ? SettingTypes[K] | undefined
      : SettingTypes[K]
    : never

/** The values of the global settings, by their names in scripts; `undefined` where one is not set and has no default. */
export type Settings = { readonly [N in keyof typeof SETTINGS]: SettingValue<(typeof SETTINGS)[N]> }
export type SettingName = keyof typeof SETTINGS

const TABLE: Readonly<Record<string, SettingSpec>> = SETTINGS
/** Former name → present name. */
const FORMER = new Map(
  Object.entries(TABLE).flatMap(([name, spec]) => (spec.formerly ?? []).map(former => [former, name] as const)),
)

/** Every name a setting has or had. */
export const SETTING_NAMES: readonly string[] = [...Object.keys(TABLE), ...FORMER.keys()]

/** Words that `tos` takes beside numbers (IPv4 type of service). */
const TOS_WORDS: Readonly<Record<string, number>> = {
  IPTOS_LOWDELAY: 0x10,
  IPTOS_THROUGHPUT: 0x08,
  IPTOS_RELIABILITY: 0x04,
  IPTOS_MINCOST: 0x02,
}
/** Highest `log_level` that means something; old files say `debug=9`. */
const MAX_LOG_LEVEL = 4

const XLOG_PRINT_NAMES: ReadonlySet<string> = new Set(['xlog_print_level', 'xlog_default_level'])

/** The settings a script that sets nothing has. */
export function defaultSettings(): Settings {
  return Object.fromEntries(Object.entries(TABLE).map(([name, spec]) => [name, spec.default])) as Settings
}

/** The settings of a script: defaults, overwritten in the order of the file. Reports unknown names and wrong values. */
export function readSettings(nodes: readonly SettingNode[], diagnostics: Diagnostics): Settings {
  const values: Record<string, number | string | undefined> = { ...defaultSettings() }
  for (const node of nodes) {
    const name = presentName(node, diagnostics)
    const spec = name === undefined ? undefined : TABLE[name]
    if (name === undefined || spec === undefined) continue
    const value = readValue(node, spec, diagnostics)
    if (value === undefined) continue
    values[name] = name === 'log_level' && typeof value === 'number' ? Math.min(value, MAX_LOG_LEVEL) : value
    // 2.x knew only one of the two at a time.
    if (node.name === 'log_stderror' && value === 0) values['syslog_enabled'] = 1
  }
  // `xlog("text")` was an error line in 2.x.
  if (values['era'] === '2.4' && !nodes.some(({ name }) => XLOG_PRINT_NAMES.has(name))) values['xlog_print_level'] = -1
  if (values['debug_mode'] !== 0) {
    values['log_level'] = MAX_LOG_LEVEL
    values['stderror_enabled'] = 1
  }
  return values as unknown as Settings
}

function presentName(node: SettingNode, diagnostics: Diagnostics): string | undefined {
  if (Object.hasOwn(TABLE, node.name)) return node.name
  const present = FORMER.get(node.name)
  if (present === undefined) {
    const hint = didYouMean(node.name, SETTING_NAMES)
    diagnostics.error('E_SETTING', node.place, `unknown setting "${node.name}"`, hint)
    return undefined
  }
  if (node.name === 'debug')
    diagnostics.warn('W_SETTING', node.place, '"debug" is the former name of "log_level", which goes up to 4')
  else diagnostics.notice(`setting ${node.name}`, node.place, `"${node.name}" is the former name of "${present}"`)
  return present
}

function readValue(node: SettingNode, spec: SettingSpec, diagnostics: Diagnostics): number | string | undefined {
  const value = spec.kind === 'int' ? asInteger(node) : spec.kind === 'era' ? asEra(node) : String(node.value)
  if (value !== undefined) return value
  const wanted = spec.kind === 'era' ? '2.4 or 4.0' : 'a number'
  diagnostics.error('E_SETTING', node.valuePlace, `"${node.name}" takes ${wanted}, got ${JSON.stringify(node.value)}`)
  return undefined
}

function asInteger(node: SettingNode): number | undefined {
  if (typeof node.value === 'number') return node.value
  if (node.form === 'string' && /^[+-]?\d+$/.test(node.value)) return Number(node.value)
  return node.name === 'tos' ? TOS_WORDS[node.value] : undefined
}

/** Any 2.x stands for 2.4, any later version for 4.0. */
function asEra(node: SettingNode): '2.4' | '4.0' | undefined {
  const major = /^([1-4])(?:\.\d+)?$/.exec(String(node.value))?.[1]
  if (major === undefined) return undefined
  return major <= '2' ? '2.4' : '4.0'
}
