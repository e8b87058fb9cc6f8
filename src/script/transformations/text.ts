import type { Value } from '../../util/spec.ts'
import { ofText, type ParamReader, type TransformationTable, withParams } from './transformation.ts'

/** Longest result (script reference, transformations). */
export const MAX_RESULT = 65536

/** Class `s`: cutting, searching, padding and changing text. Positions count characters. */
export const textTransformations: TransformationTable = {
  len: ofText(text => text.length),
  int: ofText(leadingInteger),
  tolower: ofText(text => text.toLowerCase()),
  toupper: ofText(text => text.toUpperCase()),
  reverse: ofText(text => [...text].reverse().join('')),
  trim: ofText(text => text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')),
  triml: ofText(text => text.replace(/^[ \t\r\n]+/, '')),
  trimr: ofText(text => text.replace(/[ \t\r\n]+$/, '')),
  substr: withParams([2, 2], substring),
  select: { ...withParams([2, 2], select), split: 'select' },
  index: withParams([1, 2], (text, params) => search(text, params, 'first')),
  rindex: withParams([1, 2], (text, params) => search(text, params, 'last')),
  'fill.left': withParams([2, 2], (text, params) => fill(text, params, 'left')),
  'fill.right': withParams([2, 2], (text, params) => fill(text, params, 'right')),
  width: withParams([1, 1], (text, params) => {
    const width = params.int(0)
    return width === undefined || width < 0 || width > MAX_RESULT ? undefined : text.slice(0, width).padEnd(width)
  }),
  eval: { params: [0, 0], build: site => (value, m) => site.expand(String(value), m) },
}

/** The integer the text starts with, 0 when there is none. Cut to 32 bits as in C, so that 2^63−1 becomes −1. */
export function leadingInteger(text: string): number {
  const digits = /^\s*([+-]?\d{1,40})/.exec(text)?.[1]
  if (digits === undefined) return 0
  const wide = BigInt(digits.replace('+', ''))
  const limit = 2n ** 63n
  const saturated = wide >= limit ? limit - 1n : wide < -limit ? -limit : wide
  return Number(BigInt.asIntN(32, saturated))
}

/** A negative offset counts from the end; a length of 0 reaches to the end, a negative one leaves that much off. */
function substring(text: string, params: ParamReader): Value | undefined {
  const offset = params.int(0)
  const length = params.int(1)
  if (offset === undefined || length === undefined) return undefined
  const start = offset < 0 ? text.length + offset : offset
  if (start < 0 || start >= text.length) return undefined
  const end = length > 0 ? start + length : text.length + length
  return end <= start ? undefined : text.slice(start, end)
}

/** Field `i` of a text cut at one character; −1 is the last. */
function select(text: string, params: ParamReader): Value | undefined {
  const index = params.int(0)
  const separator = params.text(1)
  if (index === undefined || separator === undefined || separator === '') return undefined
  return text.split(separator).at(index) ?? null
}

/** Where the needle is. A negative start counts from the end. */
function search(text: string, params: ParamReader, which: 'first' | 'last'): Value | undefined {
  const needle = params.text(0)
  const given = params.count > 1 ? params.int(1) : which === 'first' ? 0 : text.length
  if (needle === undefined || given === undefined) return undefined
  const start = given < 0 && text.length > 0 ? (text.length + (given % text.length)) % text.length : given
  const found = which === 'first' ? text.indexOf(needle, start) : text.lastIndexOf(needle, start)
  return found < 0 ? null : found
}

function fill(text: string, params: ParamReader, side: 'left' | 'right'): Value | undefined {
  const padding = params.text(0)
  const width = params.int(1)
  if (padding === undefined || padding === '' || width === undefined || width > MAX_RESULT) return undefined
  return side === 'left' ? text.padStart(width, padding) : text.padEnd(width, padding)
}
