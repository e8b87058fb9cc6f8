import type { Value } from '../../util/spec.ts'

/** A run begins: a route that a message, a timer or an event started. */
export interface RunBegun {
  readonly type: 'run'
  /** Numbers the runs of this proxy that were traced. */
  readonly run: number
  /** Milliseconds since 1970. */
  readonly timeMs: number
  /** `route[name]`, `onreply_route[]` … */
  readonly route: string
  readonly method: string
  /** Of a reply; null for a request. */
  readonly status: number | null
  readonly callid: string
  /** `user@host`. */
  readonly from: string
  /** Address and port that the message came from. */
  readonly source: string
}

export type NamedValue = readonly [name: string, value: Value]

/** A statement has ended; or it has begun, where others run within it or it waits. */
export interface StepTraced {
  readonly type: 'step'
  readonly run: number
  readonly phase: 'whole' | 'begin' | 'end'
  /** How many statements it stands in. */
  readonly depth: number
  readonly route: string
  readonly file: string
  readonly line: number
  /** `if`, `assign`, the name of a function … */
  readonly what: string
  /** As written. */
  readonly text: string
  /** What it read, in this order: variables, and arguments that are put together of some; of long texts the beginning. */
  readonly values: readonly NamedValue[]
  /** The variables it set. */
  readonly set: readonly NamedValue[]
  /** A return code, the truth of a condition; null where there is none. */
  readonly result: number | boolean | null
  readonly error?: string
  /** Milliseconds since the run began. */
  readonly ms: number
}

/** A run has ended. */
export interface RunEnded {
  readonly type: 'end'
  readonly run: number
  /** The return code of its route. */
  readonly result: number
  readonly steps: number
  /** Statements that were not shown because there were too many. */
  readonly leftOut: number
  readonly ms: number
}

/** Runs that matched, and were not followed because there were too many in one second. */
export interface RunsSkipped {
  readonly type: 'skipped'
  readonly count: number
}

export type TraceRecord = RunBegun | StepTraced | RunEnded | RunsSkipped
