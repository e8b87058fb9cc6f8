import { DAY_MS } from './wall-time.ts'

export type Frequency = 'daily' | 'weekly' | 'monthly' | 'yearly'

/** A day of the week, 0 Sunday, with its number in the month or year: 1 the first, −1 the last, 0 every one. */
export interface DayRule {
  readonly day: number
  readonly nth: number
}

/** A span of time that comes again, as RFC 2445 §4.3.10 describes it. Times are wall times of its zone. */
export interface Recurrence {
  readonly zone: string | null
  readonly startMs: number | null
  /** Null: without end. */
  readonly durationMs: number | null
  readonly frequency: Frequency | null
  /** The last time a span may begin. */
  readonly untilMs: number | null
  readonly interval: number
  readonly byDay: readonly DayRule[]
  readonly byMonthDay: readonly number[]
  readonly byYearDay: readonly number[]
  readonly byWeek: readonly number[]
  readonly byMonth: readonly number[]
}

/** Longest span that is looked for, in days. */
const MAX_SPAN_DAYS = 366

/** Whether a wall time lies in one of the spans. */
export function isInRecurrence(rule: Recurrence, nowMs: number): boolean {
  const { startMs, durationMs, frequency } = rule
  if (startMs === null) return true
  if (nowMs < startMs) return false
  if (durationMs === null) return true
  if (nowMs < startMs + durationMs) return true
  if (frequency === null) return false
  const timeOfDay = startMs - dayOf(startMs)
  const today = dayOf(nowMs)
  const days = Math.min(MAX_SPAN_DAYS, Math.ceil(durationMs / DAY_MS))
  for (let back = 0; back <= days; back++) {
    const day = today - back * DAY_MS
    const beginMs = day + timeOfDay
    if (beginMs > nowMs || nowMs >= beginMs + durationMs) continue
    if (
      beginMs >= startMs &&
      beginMs <= (rule.untilMs ?? Number.POSITIVE_INFINITY) &&
      beginsOn(rule, startMs, frequency, day)
    )
      return true
  }
  return false
}

/** Midnight before a wall time. */
const dayOf = (timeMs: number): number => Math.floor(timeMs / DAY_MS) * DAY_MS

/** Whether a span begins on a day. */
function beginsOn(rule: Recurrence, startMs: number, frequency: Frequency, day: number): boolean {
  return (
    periodsBetween(frequency, startMs, day) % rule.interval === 0 &&
    fitsStart(rule, startMs, frequency, day) &&
    fitsRules(rule, frequency, day)
  )
}

function periodsBetween(frequency: Frequency, startMs: number, day: number): number {
  const from = new Date(startMs)
  const to = new Date(day)
  switch (frequency) {
    case 'daily':
      return (day - dayOf(startMs)) / DAY_MS
    case 'weekly':
      return (monday(day) - monday(dayOf(startMs))) / (7 * DAY_MS)
    case 'monthly':
      return (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth()
    case 'yearly':
      return to.getUTCFullYear() - from.getUTCFullYear()
  }
}

/** What no rule says is as on the first day: "information missing from the rule is taken from DTSTART" (RFC 2445 §4.3.10). */
function fitsStart(rule: Recurrence, startMs: number, frequency: Frequency, day: number): boolean {
  const first = new Date(startMs)
  const now = new Date(day)
  if (frequency === 'daily' || rule.byDay.length + rule.byMonthDay.length + rule.byYearDay.length > 0) return true
  if (frequency === 'weekly' || rule.byWeek.length > 0) return first.getUTCDay() === now.getUTCDay()
  if (first.getUTCDate() !== now.getUTCDate()) return false
  return frequency === 'monthly' || rule.byMonth.length > 0 || first.getUTCMonth() === now.getUTCMonth()
}

function fitsRules(rule: Recurrence, frequency: Frequency, day: number): boolean {
  const date = new Date(day)
  const month = monthOf(date)
  const year = yearOf(date)
  const ordinals = frequency === 'yearly' && rule.byMonth.length === 0 ? year : month
  return (
    (rule.byMonth.length === 0 || rule.byMonth.includes(date.getUTCMonth() + 1)) &&
    isAmong(rule.byMonthDay, month) &&
    isAmong(rule.byYearDay, year) &&
    isAmong(rule.byWeek, weekOf(day)) &&
    (rule.byDay.length === 0 || rule.byDay.some(one => one.day === date.getUTCDay() && isNth(one.nth, ordinals)))
  )
}

/** A number in a period, counted from 1, and how many the period has. */
interface Ordinal {
  readonly at: number
  readonly of: number
}

const monthOf = (date: Date): Ordinal => ({
  at: date.getUTCDate(),
  of: new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
})

function yearOf(date: Date): Ordinal {
  const first = Date.UTC(date.getUTCFullYear(), 0, 1)
  const next = Date.UTC(date.getUTCFullYear() + 1, 0, 1)
  return { at: (date.getTime() - first) / DAY_MS + 1, of: (next - first) / DAY_MS }
}

/** Week of the year, which is that of its Thursday (ISO 8601). */
function weekOf(day: number): Ordinal {
  const thursday = yearOf(new Date(monday(day) + 3 * DAY_MS))
  const lastThursday = thursday.at + Math.floor((thursday.of - thursday.at) / 7) * 7
  return { at: Math.ceil(thursday.at / 7), of: Math.ceil(lastThursday / 7) }
}

const monday = (day: number): number => day - ((new Date(day).getUTCDay() + 6) % 7) * DAY_MS

/** Negative numbers count from the end. */
const isAmong = (wanted: readonly number[], { at, of }: Ordinal): boolean =>
  wanted.length === 0 || wanted.includes(at) || wanted.includes(at - of - 1)

/** Whether a day is the n-th of its kind in a period. */
const isNth = (nth: number, { at, of }: Ordinal): boolean =>
  nth === 0 || nth === Math.ceil(at / 7) || -nth === Math.floor((of - at) / 7) + 1
