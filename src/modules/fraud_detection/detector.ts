import type { ModuleApis } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Clock } from '../../util/clock.ts'
import { DAY_MS } from '../../util/wall-time.ts'
import { type CallCounts, CountTable } from './call-counts.ts'
import { MONITORED, type Monitored, type Rule, Rules } from './rules.ts'

type Dialogs = ModuleApis['dialog']
type Dialog = NonNullable<ReturnType<Dialogs['current']>>

/** What check_fraud gives. */
export const Finding = { noRule: 2, fine: 1, warning: -1, critical: -2, failed: -3 } as const
export type Finding = (typeof Finding)[keyof typeof Finding]

/** Told of every value at or above a threshold. Values in the order of E_FRD_WARNING and E_FRD_CRITICAL. */
export type AlertListener = (
  level: 'warning' | 'critical',
  alert: {
    readonly param: string
    readonly value: number
    readonly threshold: number
    readonly user: string
    readonly called_number: string
    readonly rule_id: number
    readonly profile_id: number
  },
) => void

interface DetectorParts {
  readonly dialogs: Dialogs
  readonly clock: Clock
  readonly isUtc: boolean
  readonly tell: AlertListener
}

/** A call that was counted. */
interface CountedCall {
  readonly user: string
  readonly number: string
  readonly rule: Rule
  readonly counts: CallCounts
  readonly interval: number
  /** It counts as concurrent now. */
  isUnderWay: boolean
}

/** Counts calls by user and prefix, and compares what it counts with the thresholds of rules. */
export class Detector {
  rules = new Rules([])
  readonly counts = new CountTable()
  readonly #parts: DetectorParts
  readonly #calls = new WeakMap<Dialog, CountedCall[]>()

  constructor(parts: DetectorParts) {
    this.#parts = parts
    parts.dialogs.onEnded((dialog, { wasAnswered }) => this.#end(dialog, wasAnswered))
    parts.dialogs.onAnswered(dialog => this.#resume(dialog))
  }

  /** Counts the call that a request begins, and judges it. */
  check(m: RouteContext, user: string, number: string, profile: number): Finding {
    const wallMs = this.#wallMs()
    const rule = this.rules.find(profile, number, wallMs)
    if (rule === undefined) return Finding.noRule
    const { dialogs } = this.#parts
    const dialog = dialogs.current(m) ?? dialogs.create(m)
    if (dialog === null) return Finding.failed
    const counts = this.counts.open(user, rule.prefix)
    counts.add(number, { ruleId: rule.id, day: Math.floor(wallMs / DAY_MS), second: this.second })
    const call: CountedCall = { user, number, rule, counts, interval: counts.interval, isUnderWay: true }
    const others = this.#calls.get(dialog)
    if (others === undefined) this.#calls.set(dialog, [call])
    else others.push(call)
    return this.#judge(call)
  }

  /** Seconds since 1970. */
  get second(): number {
    return Math.floor(this.#parts.clock.nowMs() / 1000)
  }

  /** Milliseconds that clocks on the wall show, as if they showed UTC. */
  #wallMs(): number {
    const nowMs = this.#parts.clock.nowMs()
    return this.#parts.isUtc ? nowMs : nowMs - new Date(nowMs).getTimezoneOffset() * 60_000
  }

  #judge(call: CountedCall): Finding {
    for (const level of ['critical', 'warning'] as const)
      for (const monitored of MONITORED)
        if (this.#compare(level, call, monitored, call.counts.value(monitored, this.second))) return Finding[level]
    return Finding.fine
  }

  /** Tells of a value at or above its threshold. False: it is below, or there is none. */
  #compare(level: 'warning' | 'critical', call: CountedCall, monitored: Monitored, value: number): boolean {
    const { rule, user, number } = call
    const threshold = rule.thresholds[monitored][level]
    if (threshold === 0 || value < threshold) return false
    this.#parts.tell(level, {
      param: monitored,
      value,
      threshold,
      user,
      called_number: number,
      rule_id: rule.id,
      profile_id: rule.profile,
    })
    return true
  }

  #end(dialog: Dialog, wasAnswered: boolean): void {
    for (const call of this.#calls.get(dialog) ?? []) {
      if (call.isUnderWay && call.counts.interval === call.interval) call.counts.concurrent--
      call.isUnderWay = false
      if (!wasAnswered) continue
      const durationS = Math.floor((dialog.endedMs - dialog.answeredMs) / 1000)
      if (!this.#compare('critical', call, 'call-duration', durationS))
        this.#compare('warning', call, 'call-duration', durationS)
    }
    // A call that was refused may be answered after all.
    if (wasAnswered) this.#calls.delete(dialog)
  }

  #resume(dialog: Dialog): void {
    for (const call of this.#calls.get(dialog) ?? []) {
      if (!call.isUnderWay && call.counts.interval === call.interval) call.counts.concurrent++
      call.isUnderWay = true
    }
  }
}
