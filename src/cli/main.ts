import { didYouMean } from '../script/nearest.ts'
import check from './check.ts'
import { type CliCommand, type CliIo, UsageError } from './command.ts'
import db from './db.ts'
import demo from './demo.ts'
import explain from './explain.ts'
import mi from './mi.ts'
import { BAD_CONFIGURATION, runLikeOpensips } from './opensips.ts'
import { isOpensipsStyle, parseOpensipsFlags } from './opensips-flags.ts'
import reconcile from './reconcile.ts'
import replay from './replay.ts'
import run from './run.ts'
import spool from './spool.ts'
import tail from './tail.ts'
import test from './test.ts'
import trace from './trace.ts'
import trail from './trail.ts'
import { VERSION } from './version.ts'

const COMMANDS: Readonly<Record<string, CliCommand>> = {
  run,
  check,
  test,
  mi,
  tail,
  trace,
  trail,
  explain,
  spool,
  replay,
  reconcile,
  db,
  demo,
}

/** Runs one command line and gives its exit status: 0 done, 1 failed, 2 misused; written as `opensips` is started, 0 or 255. */
export async function main(argv: readonly string[], io: CliIo = process): Promise<number> {
  try {
    if (isOpensipsStyle(argv)) {
      const flags = parseOpensipsFlags(argv)
      return flags.help ? help(io) : await runLikeOpensips(flags, argv, io)
    }
    const [name = 'help', ...rest] = argv
    if (name === 'help' || name === '--help') return help(io)
    if (name === 'version' || name === '--version') {
      io.stdout.write(`${VERSION}\n`)
      return 0
    }
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
    if (command === undefined) throw new UsageError(unknown(name))
    if (rest[0] === '--help') {
      io.stdout.write(usageOf(command))
      return 0
    }
    return await command.run(rest, io)
  } catch (error) {
    if (!(error instanceof UsageError) && !isParseArgsError(error)) throw error
    io.stderr.write(`fanfare: ${error.message}\n`)
    return isOpensipsStyle(argv) ? BAD_CONFIGURATION : 2
  }
}

const isParseArgsError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')

function unknown(name: string): string {
  const names = [...Object.keys(COMMANDS), 'help', 'version']
  const hint = didYouMean(name, names)
  return `unknown command "${name}": expected ${names.join(', ')}${hint === undefined ? '' : `; ${hint}`}`
}

const usageOf = ({ usage, summary }: Pick<CliCommand, 'usage' | 'summary'>): string =>
  `  fanfare ${usage}\n      ${summary}\n`

function help(io: CliIo): number {
  io.stdout.write('Usage:\n')
  for (const command of Object.values(COMMANDS)) io.stdout.write(usageOf(command))
  io.stdout.write('  fanfare version\n      Prints the version.\n')
  io.stdout.write(
    '  fanfare -f FILE [-l SOCKET]… [-F] [-C] [-P PIDFILE] [-p CMD] [-w DIR] [-u USER] [-g GROUP] [-d] [-V]\n' +
      '      Takes the flags of the opensips program and behaves as it does: in the background without -F or -D.\n',
  )
  return 0
}
