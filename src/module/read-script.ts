import { execFileSync } from 'node:child_process'
import { Diagnostics } from '../script/diagnostic.ts'
import { loadScript, type Script } from '../script/parse.ts'
import { diskReader, flatten, memoryReader, type ScriptReader } from '../script/preprocess.ts'
import type { SocketDefinition } from '../script/sockets.ts'

/** Where a configuration comes from. */
export interface ScriptLocation {
  /** `-` is standard input. */
  readonly file: string
  /** A shell command that the text, includes in place, is piped through before parsing (`-p`). */
  readonly preprocessor?: string | null
  /** Changes the text of every file that is read. */
  readonly rewrite?: (text: string) => string
}

/** A configuration that could not be read at all. */
export class ScriptReadError extends Error {
  override readonly name = 'ScriptReadError'
  readonly code = 'E_SCRIPT_READ'
}

/** Reads a configuration. Throws ScriptReadError when the preprocessor fails. */
export function readScript({ file, preprocessor = null, rewrite }: ScriptLocation): Script {
  const reader = rewrite === undefined ? diskReader : rewriting(rewrite)
  if (preprocessor === null) return loadScript(file, reader)
  const text = flatten(file, reader, new Diagnostics())
  if (text === undefined) return loadScript(file, reader)
  return loadScript(file, memoryReader({ [file]: throughCommand(preprocessor, text) }))
}

const rewriting = (rewrite: (text: string) => string): ScriptReader => ({
  read: path => {
    const text = diskReader.read(path)
    return text === undefined ? undefined : rewrite(text)
  },
  stdin: () => rewrite(diskReader.stdin()),
})

function throughCommand(command: string, input: string): string {
  try {
    return execFileSync('/bin/sh', ['-c', command], {
      input,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  } catch (cause) {
    throw new ScriptReadError(`the preprocessor "${command}" failed: the configuration was not read`, { cause })
  }
}

/** Socket definitions as `-l` gives them, each in the syntax of `socket =`. Throws an Error that names a malformed one. */
export function parseSocketOptions(options: readonly string[]): readonly SocketDefinition[] {
  return options.flatMap(option => {
    const { sockets, diagnostics } = loadScript('-l', memoryReader({ '-l': `socket=${option}\n` }))
    const fault = diagnostics.find(found => found.severity === 'error')
    if (fault !== undefined)
      throw new Error(`-l ${option}: ${fault.message} (expected proto:address:port, as in udp:127.0.0.1:5060)`)
    return sockets
  })
}
