import type { Log } from '../../log/log.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Clock } from '../../util/clock.ts'
import type { Value } from '../../util/spec.ts'
import type { RouteContext } from '../context.ts'
import type { FlagNames } from '../flag-names.ts'
import type { PvarHandler, PvarIndex, PvarSpec, ScriptPvar } from '../pvar.ts'
import type { PlacedSite } from '../text-compiler.ts'

/** What the variables of the core need of the running script. */
export interface PvarHost {
  readonly log: Log
  readonly clock: Clock
  readonly startedAtMs: number
  readonly flags: FlagNames
  readonly branchFlags: FlagNames
  readonly usesColours: boolean
  /** Where `$var(name)` is in `m.vars`. */
  slot(name: string): number
  findSocket(text: string): ListenSocket | undefined
  readonly xlogLevel: LevelSwitch
  readonly logLevel: LevelSwitch
}

/** A level that a script changes for a while; null restores the configured one. */
export interface LevelSwitch {
  get(): number
  set(level: number | null): void
}

export type CorePvars = Readonly<Record<string, ScriptPvar>>
type Getter = (m: RouteContext) => Value
/** Gives false where the value cannot be taken. */
type Setter = (m: RouteContext, value: Value) => boolean

interface Options {
  readonly aliases?: readonly string[]
  readonly set?: Setter
}

/** A variable without parentheses and index. */
export function plain(type: PvarSpec['type'], doc: string, get: Getter, options: Options = {}): ScriptPvar {
  const { aliases, set } = options
  const handler: PvarHandler = set === undefined ? { get } : { get, set }
  return {
    spec: { type, writable: set !== undefined, doc, inner: 'none', ...(aliases === undefined ? {} : { aliases }) },
    open: site => {
      // `[0]` is the value itself.
      if (site.index.kind === 'append') site.reject('it is not a list')
      return handler
    },
  }
}

/** A variable with parentheses or an index, built at each place. */
export function placed(spec: PvarSpec, open: (site: PlacedSite) => PvarHandler): ScriptPvar {
  return { spec, open: site => open(site as PlacedSite) }
}

/** Picks from a list by an index: none and 0 the first, negative from the end, `[*]` all joined by `, `. */
export function pick(index: PvarIndex, list: readonly Value[], m: RouteContext): Value {
  if (index.kind === 'all') return list.length === 0 ? null : list.map(value => value ?? '').join(', ')
  const at = index.kind === 'at' ? index.at.read(m) : 0
  return list.at(at) ?? null
}

/** A handler over a list. */
export function listed(index: PvarIndex, list: (m: RouteContext) => readonly Value[]): PvarHandler {
  return { get: m => pick(index, list(m), m), all: list }
}

/** '' as NULL. */
export const orNull = (text: string): Value => (text === '' ? null : text)
