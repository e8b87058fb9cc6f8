import { createHash } from 'node:crypto'
import { basename, join, resolve } from 'node:path'

/** What decides where an instance keeps something on disk. */
export interface StateFolderParts {
  /** The folder the configuration names; '' for none at all; undefined where it says nothing. */
  readonly given: string | undefined
  /** The configuration file; `-` is standard input. */
  readonly configuration: string
  /** Where relative paths of the configuration start. */
  readonly directory: string
  /** `$STATE_DIRECTORY`, as systemd sets it for a service: folders divided by colons. */
  readonly stateDirectory: string | undefined
}

/**
 * Where an instance keeps something, null for nowhere: the folder that is given, else `NAME.suffix` beside the configuration
 * file NAME, or in `$STATE_DIRECTORY` where that is set. Each configuration file has a folder of its own.
 */
export function stateFolder(
  { given, configuration, directory, stateDirectory }: StateFolderParts,
  suffix: string,
): string | null {
  if (given === '') return null
  if (given !== undefined) return resolve(directory, given)
  const name = configuration === '-' ? 'stdin' : basename(configuration)
  const [state] = stateDirectory?.split(':') ?? []
  if (state === undefined || state === '') return join(directory, `${name}.${suffix}`)
  // Configurations of different folders may have the same name.
  const tag = createHash('sha256').update(resolve(directory, name)).digest('hex').slice(0, 8)
  return join(state, `${name}-${tag}.${suffix}`)
}
