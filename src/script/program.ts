import type { RouteKind, Step } from './context.ts'
import type { Settings } from './settings.ts'
import type { AliasDefinition, BlacklistDefinition, BondDefinition, SocketDefinition } from './sockets.ts'
import type { Source } from './source.ts'

/** One `timer_route`. */
export interface TimerRoute {
  readonly name: string
  readonly intervalS: number
  readonly step: Step
}

/** One `event_route`. */
export interface EventRoute {
  /** The event it is for. */
  readonly name: string
  /** Null where the script does not say: then the era decides. */
  readonly mode: 'sync' | 'async' | null
  readonly step: Step
}

/** A compiled script. */
export interface Program {
  readonly settings: Settings
  readonly sockets: readonly SocketDefinition[]
  readonly bonds: readonly BondDefinition[]
  readonly aliases: readonly AliasDefinition[]
  readonly blacklists: readonly BlacklistDefinition[]
  /** Of the main route the name is '0'; of kinds without names, and the global onreply route, ''. */
  route(kind: RouteKind, name: string): Step | undefined
  readonly startup: Step | undefined
  readonly timers: readonly TimerRoute[]
  readonly eventRoutes: readonly EventRoute[]
  /** Events the script names, which are published even when no module raises them. */
  readonly eventNames: readonly string[]
  /** How many `$var` slots a context needs. */
  readonly varCount: number
  /** The files it came from, for messages. */
  readonly sources: readonly Source[]
}
