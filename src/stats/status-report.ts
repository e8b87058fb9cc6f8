import type { Clock } from '../util/clock.ts'

/** The state of one identifier of a status/report group: positive is ready, negative is not. */
export interface Status {
  readonly group: string
  readonly identifier: string
  readonly status: number
  readonly details: string | null
}

/** A change of status, for E_CORE_SR_STATUS_CHANGED. */
export interface StatusChange extends Status {
  readonly oldStatus: number
}

/** Something that happened to an identifier, for those who look into its past. */
export interface Report {
  readonly timeMs: number
  readonly text: string
}
/** Reports kept for an identifier; the oldest makes room. */
const MAX_REPORTS = 200

/** Identifier of a group that has only one. */
export const DEFAULT_IDENTIFIER = 'main'

/** Which parts of the proxy are ready: group and identifier → a number (management reference, status_report). */
export class StatusReports {
  readonly #clock: Clock
  readonly #groups = new Map<string, Map<string, Status>>()
  readonly #reports = new Map<string, Report[]>()
  /** Told of every change of a number. */
  onChange: ((change: StatusChange) => void) | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Sets a status; 0 is stored as 1. A new identifier counts as having been at 1 before. */
  set(group: string, identifier: string, status: number, details: string | null): void {
    const identifiers = this.#groups.get(group) ?? new Map<string, Status>()
    this.#groups.set(group, identifiers)
    const oldStatus = identifiers.get(identifier)?.status ?? 1
    const now = { group, identifier, status: status === 0 ? 1 : status, details }
    identifiers.set(identifier, now)
    if (now.status !== oldStatus) this.onChange?.({ ...now, oldStatus })
  }

  get(group: string, identifier = DEFAULT_IDENTIFIER): Status | undefined {
    return this.#groups.get(group)?.get(identifier)
  }

  /** Whether the identifier is known and ready. */
  isReady(group: string, identifier?: string): boolean {
    const status = this.get(group, identifier)
    return status !== undefined && status.status > 0
  }

  groups(): readonly (readonly [string, readonly Status[]])[] {
    return [...this.#groups].map(([name, identifiers]) => [name, [...identifiers.values()]] as const)
  }

  /** Notes what happened to an identifier. */
  report(group: string, identifier: string, text: string): void {
    const key = `${group}\n${identifier}`
    const known = this.#reports.get(key) ?? []
    this.#reports.set(key, [...known.slice(1 - MAX_REPORTS), { timeMs: this.#clock.nowMs(), text }])
  }

  /** What happened to an identifier, oldest first. */
  reports(group: string, identifier: string): readonly Report[] {
    return this.#reports.get(`${group}\n${identifier}`) ?? []
  }
}
