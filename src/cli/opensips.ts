import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { checkAndReport } from './check.ts'
import { type CliIo, UsageError } from './command.ts'
import type { OpensipsFlags } from './opensips-flags.ts'
import { serve } from './run.ts'
import { VERSION } from './version.ts'

/** What OpenSIPS exits with when its configuration is wrong. */
const BAD_CONFIGURATION = 255

/** Behaves as the `opensips` program started with these flags. Gives the exit status. */
export async function runLikeOpensips(flags: OpensipsFlags, argv: readonly string[], io: CliIo): Promise<number> {
  if (flags.version) {
    io.stdout.write(`version: ${VERSION}\n`)
    return 0
  }
  if (flags.workdir !== null) process.chdir(flags.workdir)
  if (flags.checkOnly) return (await checkAndReport(flags.file, io)) === 0 ? 0 : BAD_CONFIGURATION
  return flags.foreground ? await runInForeground(flags, io) : await becomeDaemon(argv, io)
}

async function runInForeground(flags: OpensipsFlags, io: CliIo): Promise<number> {
  const status = await serve(
    {
      file: flags.file,
      sockets: flags.sockets,
      preprocessor: flags.preprocessor,
      extraLogLevel: flags.debug,
      onReady: () => {
        if (flags.pidFile !== null) writeFileSync(flags.pidFile, `${process.pid}\n`)
        dropPrivileges(flags)
        process.send?.('ready')
      },
    },
    io,
  )
  if (flags.pidFile !== null) rmSync(flags.pidFile, { force: true })
  return status === 0 ? 0 : BAD_CONFIGURATION
}

/** Group first: afterwards the right to change it is gone. */
function dropPrivileges(flags: OpensipsFlags): void {
  try {
    if (flags.group !== null) process.setgid?.(numeric(flags.group))
    if (flags.user !== null) process.setuid?.(numeric(flags.user))
  } catch (cause) {
    throw new UsageError(`cannot run as user ${flags.user ?? '-'}, group ${flags.group ?? '-'}: ${String(cause)}`, {
      cause,
    })
  }
}

const numeric = (name: string): string | number => (/^\d+$/.test(name) ? Number(name) : name)

/** Starts the same command line in the background and waits until it serves, or has failed. */
function becomeDaemon(argv: readonly string[], io: CliIo): Promise<number> {
  const script = process.argv[1]
  if (script === undefined) throw new UsageError('cannot find the program to start in the background: use -F')
  const child = spawn(process.execPath, [script, '-F', ...argv], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', status => resolve(status ?? BAD_CONFIGURATION))
    child.once('message', () => {
      child.removeAllListeners('exit')
      child.disconnect()
      child.unref()
      io.stdout.write(`fanfare runs in the background as process ${child.pid}\n`)
      resolve(0)
    })
  })
}
