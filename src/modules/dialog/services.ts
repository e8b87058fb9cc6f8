import type { Log } from '../../log/log.ts'
import type { Host, ModuleApis } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Clock } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'
import type { DialogChange } from './changes.ts'
import type { Dialog } from './dialog.ts'
import type { DialogTable, Match } from './dialog-table.ts'
import type { Profiles } from './profile.ts'
import type { DialogReplication } from './replication.ts'
import type { DialogState } from './states.ts'
import type { DialogStorage } from './storage.ts'

/** How a dialog came to its end. */
export interface Ending {
  /** The BYE that ended it; null for ends without one, those by BYEs made here included. */
  readonly request: RouteContext | null
  /** Whether the call had been answered. */
  readonly wasAnswered: boolean
}

/** Parts that want to know what becomes of dialogs. Called in the order of registration; they must not throw. */
export interface DialogObservers {
  readonly answered: ((dialog: Dialog) => void)[]
  readonly ended: ((dialog: Dialog, ending: Ending) => void)[]
  /** Another node has ended the dialog, or nobody knows it any more: there is nothing left to do for it. */
  readonly left: ((dialog: Dialog) => void)[]
  /** This node has become responsible for a dialog of another one. */
  readonly taken: ((dialog: Dialog) => void)[]
  /** Something of a dialog has changed. */
  readonly changed: ((dialog: Dialog, what: DialogChange) => void)[]
  /** A request inside a dialog has found it. A promise is waited for before the script goes on. */
  readonly within: ((m: RouteContext, match: Match) => void | Promise<void>)[]
}

/** The parameters, read. */
export interface DialogSettings {
  readonly rrParam: string
  readonly defaultTimeoutS: number
  readonly extraHeaders: string
  readonly matchesById: boolean
  readonly matchesByTags: boolean
  readonly deleteDelayS: number
  readonly optionsPingS: number
  readonly reinvitePingS: number
  readonly raceTimeoutS: number
  readonly autoPrackCseqOffset: number
  readonly autoPrackIntervalS: number
}

/** Numbers that only go up, and those of dialogs in a state. */
export interface DialogCounts {
  active: number
  early: number
  readonly processed: Counter
  readonly expired: Counter
  readonly failed: Counter
}

/** What every file of the module works with. */
export interface DialogServices {
  readonly clock: Clock
  readonly log: Log
  readonly script: Host['script']
  readonly proxy: Host['proxy']
  readonly tm: ModuleApis['tm']
  readonly rr: ModuleApis['rr']
  readonly table: DialogTable
  readonly profiles: Profiles
  readonly settings: DialogSettings
  readonly counts: DialogCounts
  readonly observers: DialogObservers
  /** Names of routes that the script gives to dialogs, as far as they are known when it is loaded. */
  readonly namedRoutes: Set<string>
  /** Null where dialogs are kept in memory only. */
  storage: DialogStorage | null
  /** Null where dialogs are not shared. */
  replication: DialogReplication | null
  stateChanged(dialog: Dialog, oldState: DialogState, newState: DialogState): void
}
