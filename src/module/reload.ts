import type { PreparedScript } from '../script/compile.ts'
import type { Diagnostic } from '../script/diagnostic.ts'
import type { Script } from '../script/parse.ts'
import type { Program } from '../script/program.ts'
import { readScript, type ScriptLocation, ScriptReadError } from './read-script.ts'

/** A configuration that was read again. */
export type ReloadedScript =
  | {
      readonly program: Program
      /** What has changed since the start beside the routes. */
      readonly needsRestart: readonly string[]
    }
  | { readonly program: null; readonly faults: readonly string[] }

/** Reads a configuration again while the proxy runs, and compiles its routes with the modules that are there. */
export class ScriptReloader {
  readonly #location: ScriptLocation
  readonly #started: Script
  readonly #prepared: PreparedScript

  constructor(location: ScriptLocation, started: Script, prepared: PreparedScript) {
    this.#location = location
    this.#started = started
    this.#prepared = prepared
  }

  /** From a program on, the script's access stands for the new routes. With a fault nothing has changed. Never throws. */
  reload(): ReloadedScript {
    if (this.#location.file === '-')
      return refused('the configuration came from standard input: it cannot be read again')
    const script = this.#read()
    if (typeof script === 'string') return refused(script)
    const syntax = faultsIn(script.diagnostics)
    if (syntax.length > 0) return refused(...syntax)
    const { program, diagnostics } = this.#prepared.recompile(script)
    const faults = faultsIn(diagnostics)
    if (program === undefined || faults.length > 0) return refused(...faults)
    return { program, needsRestart: changes(this.#started, script) }
  }

  #read(): Script | string {
    try {
      return readScript(this.#location)
    } catch (error) {
      if (error instanceof ScriptReadError) return error.message
      throw error
    }
  }
}

const refused = (...faults: readonly string[]): ReloadedScript => ({ program: null, faults })

/** The errors, each as `file:line:column: message (hint)`. */
function faultsIn(diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ file, line, column, message, hint }) => {
      const at = line === 0 ? file : `${file}:${line}:${column}`
      return `${at}: ${message}${hint === undefined ? '' : ` (${hint})`}`
    })
}

const PARTS = {
  settings: 'settings',
  sockets: 'sockets',
  aliases: 'aliases',
  blacklists: 'blacklists',
  loadModules: 'modules',
  modparams: 'module parameters',
} as const

/** The parts of a script that differ from those it was started with, wherever in the file they stand. */
function changes(before: Script, after: Script): readonly string[] {
  return Object.entries(PARTS)
    .filter(([part]) => contents(before, part) !== contents(after, part))
    .map(([, name]) => name)
}

const contents = (script: Script, part: string): string =>
  JSON.stringify(script[part as keyof typeof PARTS], (key, value) =>
    /^(?:place|\w+Place)$/.test(key) ? undefined : value instanceof Set ? [...value] : value,
  )
