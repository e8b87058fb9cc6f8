/** Where a command writes. Injected, so that tests can read it. */
export interface CliIo {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

/** One command of `fanfare`: a file of its own under `src/cli/`. */
export interface CliCommand {
  /** One line, after `fanfare `. */
  readonly usage: string
  readonly summary: string
  /** Gives the exit status. */
  run(argv: readonly string[], io: CliIo): Promise<number>
}

/** A mistake on the command line: printed without a stack, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'E_USAGE'
}
