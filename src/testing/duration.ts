/** Milliseconds as a number, or text: `500ms`, `2.5s`, `10m`, `3h`, `1d`. */
export type Duration = number | string

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const FORM = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/** Milliseconds; undefined where the text is no duration. */
export function durationMs(duration: Duration): number | undefined {
  if (typeof duration === 'number') return duration >= 0 ? duration : undefined
  const found = FORM.exec(duration)
  return found === null ? undefined : Number(found[1]) * (UNIT_MS[found[2] ?? ''] ?? 0)
}

/** Milliseconds. Throws a RangeError that says what is expected. */
export function readDuration(duration: Duration): number {
  const ms = durationMs(duration)
  if (ms === undefined)
    throw new RangeError(`"${duration}" is no duration: expected one like 500ms, 2.5s, 10m, 3h or 1d`)
  return ms
}

/** `12.345` seconds, for traces. */
export const secondsText = (ms: number): string => (ms / 1000).toFixed(3)
