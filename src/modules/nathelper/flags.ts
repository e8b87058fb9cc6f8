import type { Arg } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'

/** Reads the flags of one call: names divided by commas or, as 2.x has them, a number. Faults are reported at load. */
export function maskReader(text: Arg<string>, bits: Readonly<Record<string, number>>): (m: RouteContext) => number {
  if (text.constant === undefined) return m => maskOf(text.read(m), bits) ?? 0
  const mask = maskOf(text.constant, bits)
  return mask === null
    ? text.reject(`expected a number, or names out of ${Object.keys(bits).join(', ')} divided by commas`)
    : () => mask
}

function maskOf(text: string, bits: Readonly<Record<string, number>>): number | null {
  const trimmed = text.trim()
  if (/^\d+$/.test(trimmed)) return Number(trimmed)
  let mask = 0
  for (const name of trimmed.split(',')) {
    const bit = bits[name.trim()]
    if (bit === undefined) return null
    mask |= bit
  }
  return mask
}
