import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { Diagnostics } from './diagnostic.ts'
import { lex, type Token } from './lex.ts'
import { NOWHERE, Source } from './source.ts'

/** Where script files come from. */
export interface ScriptReader {
  /** The text of a file, or undefined when it cannot be read. Relative paths are relative to the working directory. */
  read(path: string): string | undefined
  /** Everything from standard input, for the file name `-`. */
  stdin(): string
}

/** Reads from the disk. */
export const diskReader: ScriptReader = {
  read: path => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  },
  stdin: () => readFileSync(0, 'utf8'),
}

/** Reads from the given texts: for tests and for scripts that are not files. */
export function memoryReader(files: Readonly<Record<string, string>>): ScriptReader {
  return { read: path => (Object.hasOwn(files, path) ? files[path] : undefined), stdin: () => files['-'] ?? '' }
}

/** Deepest nesting of includes (script reference, preprocessing). */
const MAX_DEPTH = 50
/** Longest path an include may name. */
const MAX_PATH = 255

/** The tokens of a script with its includes in place, and every file that was read. */
export interface Preprocessed {
  readonly tokens: readonly Token[]
  readonly sources: readonly Source[]
}

/**
 * Reads a script and everything it includes. Tokens keep the file they come from. A missing file is an error, with
 * `import_file` (as in 2.x) a warning.
 */
export function preprocess(path: string, reader: ScriptReader, diagnostics: Diagnostics): Preprocessed {
  const sources: Source[] = []
  const expand = (name: string, text: string, depth: number): Token[] => {
    const source = new Source(name, text)
    sources.push(source)
    return lex(source, diagnostics).flatMap(token => {
      if (token.kind === 'eof') return depth === 0 ? [token] : []
      if (token.kind !== 'include') return [token]
      const found = resolve(token, source, reader, depth, diagnostics)
      return found === undefined ? [] : expand(found.path, found.text, depth + 1)
    })
  }
  const text = path === '-' ? reader.stdin() : reader.read(path)
  if (text === undefined) {
    diagnostics.error('E_INCLUDE', { ...NOWHERE, file: path }, `cannot read the script "${path}"`)
    return { tokens: [eof(path)], sources }
  }
  return { tokens: expand(path, text, 0), sources }
}

/**
 * The text of a script with every include replaced by what it includes, for an external macro processor. Gives undefined
 * when a file cannot be read.
 */
export function flatten(path: string, reader: ScriptReader, diagnostics: Diagnostics): string | undefined {
  const expand = (name: string, text: string, depth: number): string => {
    const source = new Source(name, text)
    let flat = ''
    let from = 0
    for (const token of lex(source, new Diagnostics())) {
      if (token.kind !== 'include') continue
      const found = resolve(token, source, reader, depth, diagnostics)
      const included = found === undefined ? '' : expand(found.path, found.text, depth + 1)
      flat += text.slice(from, token.place.offset) + included
      from = token.place.offset + token.place.length
    }
    return flat + text.slice(from)
  }
  const text = path === '-' ? reader.stdin() : reader.read(path)
  if (text === undefined) {
    diagnostics.error('E_INCLUDE', { ...NOWHERE, file: path }, `cannot read the script "${path}"`)
    return undefined
  }
  const flat = expand(path, text, 0)
  return diagnostics.hasErrors ? undefined : flat
}

interface Included {
  readonly path: string
  readonly text: string
}

/** Looks in the working directory first, then beside the file that includes. */
function resolve(
  token: Token,
  source: Source,
  reader: ScriptReader,
  depth: number,
  diagnostics: Diagnostics,
): Included | undefined {
  const path = token.text
  if (depth >= MAX_DEPTH) {
    diagnostics.error(
      'E_INCLUDE',
      token.place,
      `files are included ${MAX_DEPTH} levels deep: is "${path}" including itself?`,
    )
    return undefined
  }
  if (path === '' || path.length > MAX_PATH) {
    diagnostics.error('E_INCLUDE', token.place, `expected a path of 1 to ${MAX_PATH} characters, got ${path.length}`)
    return undefined
  }
  const beside = join(dirname(source.name), path)
  for (const candidate of isAbsolute(path) ? [path] : [path, beside]) {
    const text = reader.read(candidate)
    if (text !== undefined) return { path: candidate, text }
  }
  const isRequired = token.value === 1
  const message = `cannot read the included file "${path}"`
  if (isRequired) diagnostics.error('E_INCLUDE', token.place, message)
  else diagnostics.warn('W_INCLUDE', token.place, message)
  return undefined
}

const eof = (file: string): Token => ({
  kind: 'eof',
  text: '',
  value: 0,
  place: { ...NOWHERE, file },
  startsLine: true,
})
