import check from './check.ts'
import { type CliCommand, type CliIo, UsageError } from './command.ts'
import demo from './demo.ts'
import mi from './mi.ts'
import { runLikeOpensips } from './opensips.ts'
import { isOpensipsStyle, parseOpensipsFlags } from './opensips-flags.ts'
import run from './run.ts'
import tail from './tail.ts'
import { VERSION } from './version.ts'

const COMMANDS: Readonly<Record<string, CliCommand>> = { run, check, mi, tail, demo }

/** Runs one command line and gives its exit status: 0 done, 1 failed, 2 misused. */
export async function main(argv: readonly string[], io: CliIo = process): Promise<number> {
  try {
    if (isOpensipsStyle(argv)) return await runLikeOpensips(parseOpensipsFlags(argv), argv, io)
    const [name = 'help', ...rest] = argv
    if (name === 'help' || name === '--help') return help(io)
    if (name === 'version' || name === '--version') {
      io.stdout.write(`${VERSION}\n`)
      return 0
    }
    const command = COMMANDS[name]
    if (command === undefined)
      throw new UsageError(`unknown command "${name}": expected ${Object.keys(COMMANDS).join(', ')}`)
    return await command.run(rest, io)
  } catch (error) {
    if (!(error instanceof UsageError) && !isParseArgsError(error)) throw error
    io.stderr.write(`fanfare: ${error.message}\n`)
    return 2
  }
}

const isParseArgsError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')

function help(io: CliIo): number {
  io.stdout.write('Usage:\n')
  for (const { usage, summary } of Object.values(COMMANDS)) io.stdout.write(`  fanfare ${usage}\n      ${summary}\n`)
  io.stdout.write(
    '  fanfare -f FILE [-l SOCKET]… [-F] [-C] [-P PIDFILE] …\n      Takes the flags of the opensips program and behaves as it does.\n',
  )
  return 0
}
