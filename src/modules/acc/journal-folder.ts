import { createHash } from 'node:crypto'
import { basename, join, resolve } from 'node:path'

interface FolderParts {
  /** `cdr_journal` */
  readonly given: string | undefined
  /** The configuration file; `-` is standard input. */
  readonly configuration: string
  /** Where relative paths of the configuration start. */
  readonly directory: string
  /** `$STATE_DIRECTORY`, as systemd sets it for a service: folders divided by colons. */
  readonly stateDirectory: string | undefined
}

/** Where running calls are journalled; null for nowhere. Each configuration file has a folder of its own. */
export function journalFolder({ given, configuration, directory, stateDirectory }: FolderParts): string | null {
  if (given === '') return null
  if (given !== undefined) return resolve(directory, given)
  const name = configuration === '-' ? 'stdin' : basename(configuration)
  const [state] = stateDirectory?.split(':') ?? []
  if (state === undefined || state === '') return join(directory, `${name}.calls`)
  // Configurations of different folders may have the same name.
  const tag = createHash('sha256').update(resolve(directory, name)).digest('hex').slice(0, 8)
  return join(state, `${name}-${tag}.calls`)
}
