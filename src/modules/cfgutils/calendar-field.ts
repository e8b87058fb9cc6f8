/** What `$ctime(…)` reads of a time, in local time; undefined for a name it does not know. */
export function calendarReader(name: string): ((time: Date) => number) | undefined {
  return READERS.get(name)
}

const READERS: ReadonlyMap<string, (time: Date) => number> = new Map([
  ['year', t => t.getFullYear()],
  ['month', t => t.getMonth() + 1],
  ['mon', t => t.getMonth() + 1],
  ['day', t => t.getDate()],
  ['mday', t => t.getDate()],
  ['hour', t => t.getHours()],
  ['min', t => t.getMinutes()],
  ['sec', t => t.getSeconds()],
  ['wday', t => t.getDay() + 1],
  ['yday', dayOfYear],
])

/** The names `$ctime` knows. */
export const CALENDAR_FIELDS: readonly string[] = [...READERS.keys()]

/** 1…366. Counted in UTC, where all days are as long. */
function dayOfYear(t: Date): number {
  return (Date.UTC(t.getFullYear(), t.getMonth(), t.getDate()) - Date.UTC(t.getFullYear(), 0, 0)) / 86_400_000
}
