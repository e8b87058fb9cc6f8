/** Milliseconds in a day. */
export const DAY_MS = 86_400_000

/** A zone that this machine does not know. */
export class UnknownZoneError extends Error {
  override readonly name = 'UnknownZoneError'
}

/** Made formats, by zone. Bounded, since a message may name the zone, in any case. */
const formats = new Map<string, Intl.DateTimeFormat>()
const MAX_FORMATS = 500

/**
 * What clocks show in a time zone, as milliseconds since 1970 as if it were UTC: days are 86 400 s long on it. Without a
 * zone, in that of the machine. Throws {@link UnknownZoneError}.
 */
export function wallTime(timeMs: number, zone: string | null): number {
  const parts = new Map(
    format(zone)
      .formatToParts(timeMs)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
}

function format(zone: string | null): Intl.DateTimeFormat {
  const known = formats.get(zone ?? '')
  if (known !== undefined) return known
  const made = makeFormat(zone)
  if (formats.size >= MAX_FORMATS) formats.clear()
  formats.set(zone ?? '', made)
  return made
}

function makeFormat(zone: string | null): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      ...(zone === null ? {} : { timeZone: zone }),
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    throw new UnknownZoneError(`unknown time zone "${zone}"`)
  }
}
