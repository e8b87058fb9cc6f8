import { DAY_MS } from '../../util/wall-time.ts'

/** Hours of some days of the week. */
export interface WeekHours {
  /** 0 Sunday. */
  readonly days: ReadonlySet<number>
  /** Minutes of the day; the last one still counts. An end before the start lies on the next day. */
  readonly startMin: number
  readonly endMin: number
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const MINUTE_MS = 60_000

/** Whether a wall time, in milliseconds as if it were UTC, lies in the hours. */
export function isInHours({ days, startMin, endMin }: WeekHours, wallMs: number): boolean {
  const minute = Math.floor((wallMs % DAY_MS) / MINUTE_MS)
  const today = new Date(wallMs).getUTCDay()
  if (startMin <= endMin) return minute >= startMin && minute <= endMin && days.has(today)
  if (minute >= startMin) return days.has(today)
  return minute <= endMin && days.has((today + 6) % 7)
}

/** Reads `HH:MM`. Throws an Error. */
export function parseHour(text: string): number {
  const [, hour = '', minute = ''] = /^\s*(\d{1,2}):(\d\d)\s*$/.exec(text) ?? []
  if (hour === '' || Number(hour) > 23 || Number(minute) > 59) throw new Error(`expected HH:MM, got "${text}"`)
  return Number(hour) * 60 + Number(minute)
}

/** Reads `Mon-Fri, Sun`; empty is every day. Throws an Error. */
export function parseDays(text: string): ReadonlySet<number> {
  const items = text.split(/[,;]/).map(item => item.trim())
  if (text.trim() === '') return new Set(DAYS.keys())
  return new Set(items.flatMap(item => parseSpan(item)))
}

function parseSpan(item: string): readonly number[] {
  const [first = -1, last = first, ...others] = item.split('-').map(dayOf)
  if (first < 0 || last < 0 || others.length > 0) throw new Error(`expected days such as Mon-Fri or Sun, got "${item}"`)
  const length = ((last - first + 7) % 7) + 1
  return Array.from({ length }, (_, i) => (first + i) % 7)
}

const dayOf = (text: string): number => DAYS.indexOf(text.trim().slice(0, 3).toLowerCase())
