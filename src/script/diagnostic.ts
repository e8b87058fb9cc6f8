import { NOWHERE, type Place, type Source } from './source.ts'

/** What kind of fault a script has. Each is explained in the documentation of the script language. */
export type ScriptCode =
  | 'E_SYNTAX'
  | 'E_INCLUDE'
  | 'E_SETTING'
  | 'E_SOCKET'
  | 'E_MODULE'
  | 'E_MODPARAM'
  | 'E_FUNCTION'
  | 'E_ARGUMENT'
  | 'E_ROUTE_KIND'
  | 'E_ROUTE'
  | 'E_VARIABLE'
  | 'E_READ_ONLY'
  | 'E_TRANSFORMATION'
  | 'E_REGEX'
  | 'E_FLAG'
  | 'W_EVENT'
  | 'W_ROUTE'
  | 'W_INCLUDE'
  | 'W_SETTING'
  | 'W_MODULE'
  | 'N_DEPRECATED'

export type Severity = 'error' | 'warning' | 'notice'

/** One finding about a script. An error keeps it from starting. */
export interface Diagnostic {
  readonly severity: Severity
  readonly code: ScriptCode
  readonly file: string
  /** From 1; 0 when the finding is about the script as a whole. */
  readonly line: number
  readonly column: number
  readonly length: number
  readonly message: string
  readonly hint?: string
}

/** A fault in a script, where it is and what can be done. Thrown by builders of functions and by text compiled at run time. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
  readonly code: ScriptCode
  readonly place: Place
  readonly hint: string | undefined

  constructor(code: ScriptCode, place: Place, message: string, hint?: string) {
    super(message)
    this.code = code
    this.place = place
    this.hint = hint
  }

  get file(): string {
    return this.place.file
  }
  get line(): number {
    return this.place.line
  }
  get column(): number {
    return this.place.column
  }
}

/** Collects findings. A second one at the same place is a consequence of the first, and left out. */
export class Diagnostics {
  readonly #list: Diagnostic[] = []
  readonly #seen = new Set<string>()
  readonly #noticed = new Set<string>()

  get list(): readonly Diagnostic[] {
    return this.#list
  }

  get hasErrors(): boolean {
    return this.#list.some(found => found.severity === 'error')
  }

  error(code: ScriptCode, place: Place, message: string, hint?: string): void {
    this.#add('error', code, place, message, hint)
  }

  warn(code: ScriptCode, place: Place, message: string, hint?: string): void {
    this.#add('warning', code, place, message, hint)
  }

  /** A remark on old spelling: once for each `topic`, at its first place. */
  notice(topic: string, place: Place, message: string, hint?: string): void {
    if (this.#noticed.has(topic)) return
    this.#noticed.add(topic)
    this.#add('notice', 'N_DEPRECATED', place, message, hint)
  }

  /** Takes over what a builder threw. An error without a place gets the one given. */
  caught(error: unknown, place: Place): void {
    if (error instanceof ScriptError)
      this.error(error.code, error.place === NOWHERE ? place : error.place, error.message, error.hint)
    else this.error('E_ARGUMENT', place, error instanceof Error ? error.message : String(error))
  }

  #add(severity: Severity, code: ScriptCode, place: Place, message: string, hint: string | undefined): void {
    const key = `${severity} ${place.file}:${place.offset}:${place.line === 0 ? message : ''}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    const { file, line, column, length } = place
    this.#list.push({ severity, code, file, line, column, length, message, ...(hint === undefined ? {} : { hint }) })
  }
}

/** `FILE:LINE:COL: error: message`, then the source line with a caret under the fault, then the hint. */
export function printDiagnostic(found: Diagnostic, sources: readonly Source[]): string {
  const at = found.line === 0 ? found.file : `${found.file}:${found.line}:${found.column}`
  const lines = [`${at === '' ? '' : `${at}: `}${found.severity}: ${found.message}`]
  const text = found.line === 0 ? undefined : sources.find(source => source.name === found.file)?.line(found.line)
  if (text !== undefined) {
    const number = String(found.line)
    // Tabs stay tabs, so that the caret stands right whatever their width.
    const indent = text.slice(0, found.column - 1).replace(/[^\t]/g, ' ')
    const marked = Math.max(1, Math.min(found.length, text.length - found.column + 1))
    lines.push(` ${number} | ${text}`, ` ${' '.repeat(number.length)} | ${indent}^${'~'.repeat(marked - 1)}`)
  }
  if (found.hint !== undefined) lines.push(`hint: ${found.hint}`)
  return lines.join('\n')
}
