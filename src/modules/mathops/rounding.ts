/** The nearest integer; halves go away from zero, as C's `round` has it. */
export function roundHalfAway(x: number): number {
  return x < 0 ? -Math.round(-x) : Math.round(x)
}

/** The nearest integer; halves go to the even one, as C's `nearbyint` has it. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x)
  if (x - floor !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

/** Rounds to so many decimals, judging by the digits as written: 1.005 becomes 1.01. */
export function roundDecimals(x: number, decimals: number): number {
  const shifted = roundHalfAway(Number(`${x}e${decimals}`))
  const rounded = Number(`${shifted}e${-decimals}`)
  // Numbers that are written with an exponent themselves have no such decimals to round, or none at all.
  return Number.isNaN(rounded) ? Number(x.toFixed(decimals)) : rounded
}

/** Decimal text with at most so many decimals, without zeros at its end. */
export function decimalText(x: number, decimals: number): string {
  const text = x.toFixed(decimals)
  const trimmed = text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text
  return trimmed === '-0' ? '0' : trimmed
}
