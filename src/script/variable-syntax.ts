/** One `{class.function,arguments}`. */
export interface TransformationSyntax {
  /** Lower case: `s`, `uri`. */
  readonly group: string
  /** Lower case: `substr`. */
  readonly name: string
  /** What stands behind the first comma, as written; undefined when there is none. */
  readonly args: string | undefined
  readonly text: string
}

/** A variable taken apart: `$(<reply>hdr(Via)[1]{s.len})`. */
export interface VariableSyntax {
  readonly text: string
  readonly context: 'request' | 'reply' | null
  readonly name: string
  /** What stands in the parentheses behind the name. */
  readonly inner: string | undefined
  /** What stands in the brackets. */
  readonly index: string | undefined
  readonly transformations: readonly TransformationSyntax[]
  /** Where it ends in the text that was read. */
  readonly end: number
}

/** Why a text is no variable, and where in it. */
export interface VariableFault {
  readonly fault: string
  readonly offset: number
}

const NAME = /[A-Za-z0-9_.]+/y
const CONTEXT = /<(request|reply)>/y

/**
 * Reads the variable that starts with the `$` at `start`. `isKnown` decides how far a bare name reaches: in
 * `"sip:$rU."` the dot belongs to the text, since no variable has such a name.
 */
export function parseVariable(
  text: string,
  start: number,
  isKnown: (name: string) => boolean,
): VariableSyntax | VariableFault {
  return text[start + 1] === '(' ? parseEnclosed(text, start) : parseBare(text, start, isKnown)
}

function parseBare(text: string, start: number, isKnown: (name: string) => boolean): VariableSyntax | VariableFault {
  const written = nameAt(text, start + 1)
  if (written === '') return { fault: 'expected the name of a variable behind "$"', offset: start }
  const name = knownPrefix(written, isKnown)
  let end = start + 1 + name.length
  let inner: string | undefined
  if (text[end] === '(') {
    const close = closing(text, end, '(', ')')
    if (close < 0) return { fault: 'expected ")" to close the variable', offset: end }
    inner = text.slice(end + 1, close)
    end = close + 1
  }
  return {
    text: text.slice(start, end),
    context: null,
    name,
    inner,
    index: undefined,
    transformations: [],
    end,
  }
}

/** The longest known name that ends before a dot; the whole when none is known. */
function knownPrefix(written: string, isKnown: (name: string) => boolean): string {
  for (let name = written; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    if (isKnown(name)) return name
    if (!name.includes('.')) break
  }
  return written.replace(/\.+$/, '') || written
}

function nameAt(text: string, at: number): string {
  NAME.lastIndex = at
  return NAME.exec(text)?.[0] ?? ''
}

function parseEnclosed(text: string, start: number): VariableSyntax | VariableFault {
  let at = start + 2
  CONTEXT.lastIndex = at
  const contextText = CONTEXT.exec(text)
  if (contextText !== null) at += contextText[0].length
  const name = nameAt(text, at)
  if (name === '') return { fault: 'expected the name of a variable behind "$("', offset: at }
  at += name.length
  let inner: string | undefined
  if (text[at] === '(') {
    const close = closing(text, at, '(', ')')
    if (close < 0) return { fault: 'expected ")" behind the name', offset: at }
    inner = text.slice(at + 1, close)
    at = close + 1
  }
  let index: string | undefined
  if (text[at] === '[') {
    const close = closing(text, at, '[', ']')
    if (close < 0) return { fault: 'expected "]" behind the index', offset: at }
    index = text.slice(at + 1, close).trim()
    at = close + 1
  }
  const transformations: TransformationSyntax[] = []
  while (text[at] === '{') {
    const close = closingBrace(text, at)
    if (close < 0) return { fault: 'expected "}" behind the transformation', offset: at }
    const transformation = parseTransformation(text.slice(at + 1, close))
    if (transformation === undefined) return { fault: 'expected a transformation such as {s.len}', offset: at }
    transformations.push(transformation)
    at = close + 1
  }
  if (text[at] !== ')') return { fault: 'expected ")" to close the variable', offset: at }
  const context = contextText === null ? null : contextText[1] === 'reply' ? 'reply' : 'request'
  return { text: text.slice(start, at + 1), context, name, inner, index, transformations, end: at + 1 }
}

function parseTransformation(text: string): TransformationSyntax | undefined {
  const parts = /^\s*([A-Za-z0-9_]+)\.([A-Za-z0-9_.-]+)\s*(?:,(.*))?$/s.exec(text)
  if (parts === null) return undefined
  const [, group = '', name = '', args] = parts
  return { group: group.toLowerCase(), name: name.toLowerCase(), args, text: `{${text}}` }
}

/** Where the bracket that opens at `open` is closed; −1 if nowhere. */
function closing(text: string, open: number, opener: string, closer: string): number {
  for (let at = open, depth = 0; at < text.length; at++) {
    if (text[at] === opener) depth++
    else if (text[at] === closer && --depth === 0) return at
  }
  return -1
}

/** As {@link closing} for braces; `\{` and `\}` do not count. */
function closingBrace(text: string, open: number): number {
  for (let at = open, depth = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at++
    else if (char === '{') depth++
    else if (char === '}' && --depth === 0) return at
  }
  return -1
}

/** Cuts arguments at commas that are not inside a variable. */
export function splitArguments(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '(' || char === '{') depth++
    else if (char === ')' || char === '}') depth--
    else if (char === ',' && depth <= 0) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}
