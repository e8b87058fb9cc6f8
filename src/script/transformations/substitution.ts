import type { RouteContext } from '../context.ts'
import { compileEre, EreError } from '../ere.ts'
import { textOf } from '../values.ts'
import type { Transformation, TransformationParam, TransformationSite, TransformationTable } from './transformation.ts'

/** Class `re`: sed-like replacement, `/pattern/replacement/flags`. */
export const substitutionTransformations: TransformationTable = {
  subst: { params: [1, 1], split: 'raw', build: buildSubstitution },
}

/** A piece of a replacement: a group of the match, or text with variables. */
type Piece = number | TransformationParam

function buildSubstitution(site: TransformationSite): Transformation {
  const { pattern, replacement, flags } = parseExpression(site)
  const regex = compile(pattern, flags, site)
  const pieces = parseReplacement(replacement, site)
  return (value, m) => textOf(value).replace(regex, (...match: unknown[]) => replace(pieces, match, m))
}

function replace(pieces: readonly Piece[], match: readonly unknown[], m: RouteContext): string {
  let text = ''
  for (const piece of pieces) {
    const part = typeof piece === 'number' ? match[piece] : textOf(piece.read(m))
    // Behind the groups stands the offset of the match, a number: a group that is not there is empty.
    if (typeof part === 'string') text += part
  }
  return text
}

function parseExpression(site: TransformationSite): { pattern: string; replacement: string; flags: string } {
  const raw = site.raw.trim().replace(/\\([{}])/g, '$1')
  const delimiter = raw[0] ?? ''
  const parts: string[] = []
  let from = 1
  for (let at = 1; at < raw.length && parts.length < 2; at++) {
    if (raw[at] === '\\') at++
    else if (raw[at] === delimiter) {
      parts.push(raw.slice(from, at))
      from = at + 1
    }
  }
  const [pattern, replacement] = parts
  const flags = raw.slice(from)
  if (pattern === undefined || replacement === undefined || !/^[igs]*$/.test(flags))
    return site.reject('expected /pattern/replacement/ and the flags i, g or s')
  return { pattern: pattern.replaceAll(`\\${delimiter}`, delimiter), replacement, flags }
}

function compile(pattern: string, flags: string, site: TransformationSite): RegExp {
  try {
    const newline = !flags.includes('s')
    return compileEre(pattern, { ignoreCase: flags.includes('i'), newline, global: flags.includes('g') })
  } catch (error) {
    if (error instanceof EreError) return site.reject(`"${pattern}" is no regular expression: ${error.message}`)
    throw error
  }
}

function parseReplacement(replacement: string, site: TransformationSite): Piece[] {
  return replacement
    .split(/(\\.)/)
    .filter(piece => piece !== '')
    .map(piece => {
      if (/^\\\d$/.test(piece)) return Number(piece[1])
      return site.format(piece.startsWith('\\') ? piece.slice(1) : piece)
    })
}
