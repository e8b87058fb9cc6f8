import type { DayRule, Frequency, Recurrence } from './recurrence.ts'
import { wallTime } from './wall-time.ts'

/** Says what is wrong in the text of a time recurrence. */
export class RecurrenceError extends Error {
  override readonly name = 'RecurrenceError'
}

const FREQUENCIES: readonly Frequency[] = ['daily', 'weekly', 'monthly', 'yearly']
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']
const FIELDS = 10

/**
 * Reads `[tz|]dtstart|dtend|duration|freq|until|interval|byday|bymonthday|byyearday|byweekno|bymonth`; fields may be empty
 * and those at the end left out (cfgutils reference). Throws {@link RecurrenceError}, or UnknownZoneError.
 */
export function parseRecurrence(text: string): Recurrence {
  const fields = text.split('|').map(field => field.trim())
  const zone = /^[A-Za-z]/.test(fields[0] ?? '') ? (fields.shift() ?? null) : null
  if (fields.length > FIELDS + 1)
    throw new RecurrenceError(`expected at most ${FIELDS + 1} fields, got ${fields.length}`)
  const field = (index: number): string => fields[index] ?? ''
  const startMs = parseTime(field(0), zone)
  const endMs = parseTime(field(1), zone)
  if (startMs === null && text.trim() !== '') throw new RecurrenceError('expected the start, YYYYMMDDThhmmss')
  if (endMs !== null && endMs < (startMs ?? 0)) throw new RecurrenceError('the end lies before the start')
  return {
    zone,
    startMs,
    durationMs: parseDuration(field(2)) ?? (endMs === null ? null : endMs - (startMs ?? 0)),
    frequency: parseFrequency(field(3)),
    untilMs: parseTime(field(4), zone),
    interval: parseInterval(field(5)),
    byDay: list(field(6)).map(parseDay),
    byMonthDay: list(field(7)).map(one => parseOrdinal(one, 31)),
    byYearDay: list(field(8)).map(one => parseOrdinal(one, 366)),
    byWeek: list(field(9)).map(one => parseOrdinal(one, 53)),
    byMonth: list(field(10)).map(one => parseOrdinal(one, 12)),
  }
}

const list = (text: string): readonly string[] => (text === '' ? [] : text.split(',').map(one => one.trim()))

/** `20260131T235959`, behind it `Z` for UTC; a date alone is its midnight. Null for an empty field. */
function parseTime(text: string, zone: string | null): number | null {
  if (text === '') return null
  const found = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/i.exec(text)
  if (found === null) throw new RecurrenceError(`expected YYYYMMDDThhmmss, got "${text}"`)
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map(part => Number(part ?? 0))
  const time = Date.UTC(year, month - 1, day, hour, minute, second)
  if (new Date(time).getUTCDate() !== day || hour > 23 || minute > 59 || second > 59)
    throw new RecurrenceError(`there is no such time: "${text}"`)
  return found[7] === undefined || found[7] === '' ? time : wallTime(time, zone)
}

/** `P1DT2H30M`, `p2w`. Null for an empty field. */
function parseDuration(text: string): number | null {
  if (text === '') return null
  const found = /^\+?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i.exec(text)
  if (found === null || !/\d/.test(text)) throw new RecurrenceError(`expected a duration such as P1DT2H, got "${text}"`)
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(1).map(part => Number(part ?? 0))
  return ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
}

function parseFrequency(text: string): Frequency | null {
  if (text === '') return null
  const found = FREQUENCIES.find(name => name === text.toLowerCase())
  if (found === undefined) throw new RecurrenceError(`expected ${FREQUENCIES.join(', ')}, got "${text}"`)
  return found
}

function parseInterval(text: string): number {
  if (text === '') return 1
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new RecurrenceError(`expected an interval from 1, got "${text}"`)
  return Number(text)
}

function parseDay(text: string): DayRule {
  const [, nth = '', name = ''] = /^([+-]?\d{0,2})([A-Za-z]{2})$/.exec(text) ?? []
  const day = WEEKDAYS.indexOf(name.toUpperCase())
  if (day < 0 || nth === '+' || nth === '-')
    throw new RecurrenceError(`expected a weekday such as MO or -1FR, got "${text}"`)
  return { day, nth: Number(nth) }
}

function parseOrdinal(text: string, most: number): number {
  const value = /^[+-]?\d{1,3}$/.test(text) ? Number(text) : 0
  if (value === 0 || Math.abs(value) > most)
    throw new RecurrenceError(`expected a number from 1 to ${most}, got "${text}"`)
  return value
}
