/** A compiled shell wildcard. */
export interface WildcardMatcher {
  /** The one text it matches, when it holds no wildcard. */
  readonly literal: string | null
  matches(text: string): boolean
}

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'any' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] }

/**
 * Compiles a pattern as POSIX fnmatch reads it without flags: `*` any run of characters, `?` one, `[abc]`, `[a-z]`,
 * `[!x]` one of a set or none of it, `\` takes the next character as it is. A `[` without its `]` stands for itself.
 * Matching takes time in proportion to pattern × text at worst, whatever the pattern.
 */
export function wildcardMatcher(pattern: string): WildcardMatcher {
  if (!/[*?[\\]/.test(pattern)) return literalMatcher(pattern)
  const pieces = scanPattern(pattern)
  if (pieces.every(piece => piece.kind === 'text')) return literalMatcher(pieces.map(piece => piece.text).join(''))
  return { literal: null, matches: text => matchPieces(pieces, text) }
}

/** By itself, so that it keeps nothing but its text: there may be very many. */
function literalMatcher(literal: string): WildcardMatcher {
  return { literal, matches: text => text === literal }
}

function scanPattern(pattern: string): readonly Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < pattern.length; ) {
    const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0)
    if (char === '*') {
      if (pieces.at(-1)?.kind !== 'any') pieces.push({ kind: 'any' })
    } else if (char === '?') pieces.push({ kind: 'one' })
    else if (char === '[') {
      const set = scanSet(pattern, at)
      if (set !== undefined) {
        pieces.push(set.piece)
        at = set.end
        continue
      }
      pieces.push({ kind: 'text', text: char })
    } else if (char === '\\' && at + 1 < pattern.length) {
      const escaped = String.fromCodePoint(pattern.codePointAt(at + 1) ?? 0)
      pieces.push({ kind: 'text', text: escaped })
      at += escaped.length
    } else pieces.push({ kind: 'text', text: char })
    at += char.length
  }
  return pieces
}

/** The set that starts with `[` at `start`; undefined when it is never closed. */
function scanSet(pattern: string, start: number): { readonly piece: Piece; readonly end: number } | undefined {
  const chars = [...pattern.slice(start + 1)]
  const negated = chars[0] === '!' || chars[0] === '^'
  const ranges: (readonly [number, number])[] = []
  let at = negated ? 1 : 0
  // A `]` that comes first is a member.
  for (let first = true; at < chars.length; first = false) {
    if (chars[at] === ']' && !first) {
      const end = start + 1 + chars.slice(0, at + 1).join('').length
      return { piece: { kind: 'class', negated, ranges }, end }
    }
    if (chars[at] === '\\' && at + 1 < chars.length) at++
    const low = code(chars[at])
    const isRange = chars[at + 1] === '-' && at + 2 < chars.length && chars[at + 2] !== ']'
    ranges.push([low, isRange ? code(chars[at + 2]) : low])
    at += isRange ? 3 : 1
  }
  return undefined
}

function code(char: string | undefined): number {
  return char?.codePointAt(0) ?? 0
}

/** Walks both; on a mismatch goes back to the last `*` only, which is enough because a run may always be longer. */
function matchPieces(pieces: readonly Piece[], text: string): boolean {
  let piece = 0
  let at = 0
  let starPiece = -1
  let starAt = 0
  while (at < text.length) {
    const current = pieces[piece]
    if (current?.kind === 'any') {
      starPiece = piece++
      starAt = at
      continue
    }
    const width = current === undefined ? 0 : pieceWidth(current, text, at)
    if (width > 0) {
      at += width
      piece++
      continue
    }
    if (starPiece < 0) return false
    starAt += charWidth(text, starAt)
    at = starAt
    piece = starPiece + 1
  }
  while (pieces[piece]?.kind === 'any') piece++
  return piece === pieces.length
}

/** How much of the text at this place the piece takes; 0 when it does not match. */
function pieceWidth(piece: Exclude<Piece, { kind: 'any' }>, text: string, at: number): number {
  switch (piece.kind) {
    case 'text':
      return text.startsWith(piece.text, at) ? piece.text.length : 0
    case 'one':
      return charWidth(text, at)
    case 'class': {
      const char = text.codePointAt(at) ?? 0
      const isMember = piece.ranges.some(([low, high]) => char >= low && char <= high)
      return isMember === piece.negated ? 0 : charWidth(text, at)
    }
  }
}

function charWidth(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}
