const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const pad = (value: number, width = 2, fill = '0'): string => String(value).padStart(width, fill)
const hour12 = (t: Date): number => t.getHours() % 12 || 12

function dayOfYear(t: Date): number {
  return (
    Math.round((Date.UTC(t.getFullYear(), t.getMonth(), t.getDate()) - Date.UTC(t.getFullYear(), 0, 1)) / 86_400_000) +
    1
  )
}

/** Week of the year, weeks beginning on the given day (0 Sunday). */
function week(t: Date, firstDay: number): number {
  return Math.floor((dayOfYear(t) + 6 - ((t.getDay() - firstDay + 7) % 7)) / 7)
}

/** Year and week by ISO 8601: the week belongs to the year that holds its Thursday. */
function isoWeek(t: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(t.getFullYear(), t.getMonth(), t.getDate() + 3 - ((t.getDay() + 6) % 7))
  return { year: thursday.getFullYear(), week: Math.floor((dayOfYear(thursday) - 1) / 7) + 1 }
}

function offset(t: Date): string {
  const minutes = -t.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${pad(size % 60)}`
}

function zone(t: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(t)
  return parts.find(part => part.type === 'timeZoneName')?.value ?? ''
}

const FIELDS: Readonly<Record<string, (t: Date) => string>> = {
  a: t => (DAYS[t.getDay()] ?? '').slice(0, 3),
  A: t => DAYS[t.getDay()] ?? '',
  b: t => (MONTHS[t.getMonth()] ?? '').slice(0, 3),
  h: t => (MONTHS[t.getMonth()] ?? '').slice(0, 3),
  B: t => MONTHS[t.getMonth()] ?? '',
  c: t => strftime('%a %b %e %H:%M:%S %Y', t),
  C: t => pad(Math.floor(t.getFullYear() / 100)),
  d: t => pad(t.getDate()),
  D: t => strftime('%m/%d/%y', t),
  e: t => pad(t.getDate(), 2, ' '),
  F: t => strftime('%Y-%m-%d', t),
  g: t => pad(isoWeek(t).year % 100),
  G: t => String(isoWeek(t).year),
  H: t => pad(t.getHours()),
  I: t => pad(hour12(t)),
  j: t => pad(dayOfYear(t), 3),
  k: t => pad(t.getHours(), 2, ' '),
  l: t => pad(hour12(t), 2, ' '),
  m: t => pad(t.getMonth() + 1),
  M: t => pad(t.getMinutes()),
  n: () => '\n',
  p: t => (t.getHours() < 12 ? 'AM' : 'PM'),
  P: t => (t.getHours() < 12 ? 'am' : 'pm'),
  r: t => strftime('%I:%M:%S %p', t),
  R: t => strftime('%H:%M', t),
  s: t => String(Math.floor(t.getTime() / 1000)),
  S: t => pad(t.getSeconds()),
  t: () => '\t',
  T: t => strftime('%H:%M:%S', t),
  u: t => String(t.getDay() || 7),
  U: t => pad(week(t, 0)),
  V: t => pad(isoWeek(t).week),
  w: t => String(t.getDay()),
  W: t => pad(week(t, 1)),
  x: t => strftime('%m/%d/%y', t),
  X: t => strftime('%H:%M:%S', t),
  y: t => pad(t.getFullYear() % 100),
  Y: t => String(t.getFullYear()),
  z: offset,
  Z: zone,
  '%': () => '%',
}

/** The local time as `format` describes it (IEEE 1003.1 strftime, C locale). An unknown field stays as written. */
export function strftime(format: string, t: Date): string {
  return format.replace(/%[EO]?([A-Za-z%])/g, (field, letter: string) => FIELDS[letter]?.(t) ?? field)
}
