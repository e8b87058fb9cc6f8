import { execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { RunningProxy } from '../main.ts'
import { checkAndReport } from './check.ts'
import { type CliIo, UsageError } from './command.ts'
import type { OpensipsFlags } from './opensips-flags.ts'
import { serve } from './run.ts'
import { VERSION } from './version.ts'

/** What OpenSIPS exits with when its configuration is wrong, or it cannot start. */
export const BAD_CONFIGURATION = 255
/** Set for the process in the background: its parent waits for word from it. */
const IN_BACKGROUND = 'FANFARE_IN_BACKGROUND'

/** Behaves as the `opensips` program started with these flags. Gives the exit status. */
export async function runLikeOpensips(flags: OpensipsFlags, argv: readonly string[], io: CliIo): Promise<number> {
  if (flags.version) {
    io.stdout.write(`version: ${VERSION}\n`)
    return 0
  }
  if (flags.checkOnly) return await check(flags, io)
  if (!flags.foreground && process.env[IN_BACKGROUND] === undefined) return await becomeDaemon(flags, argv, io)
  return await serveHere(flags, io)
}

async function check({ file, preprocessor }: OpensipsFlags, io: CliIo): Promise<number> {
  if (!(await checkAndReport({ file, preprocessor }, io))) return BAD_CONFIGURATION
  io.stderr.write('config file ok, exiting...\n')
  return 0
}

async function serveHere(flags: OpensipsFlags, io: CliIo): Promise<number> {
  // Before changing the directory: the file is named from where the command was given.
  const file = flags.file === '-' ? '-' : resolve(flags.file)
  if (flags.workdir !== null) changeDirectory(flags.workdir)
  const status = await serve(
    {
      file,
      sockets: flags.sockets,
      preprocessor: flags.preprocessor,
      extraLogLevel: flags.debug,
      onListening: () => {
        if (flags.pidFile !== null) writePidFile(resolve(flags.pidFile))
        dropPrivileges(flags)
      },
      onReady: tellParent,
    },
    io,
  )
  return status === 0 ? 0 : BAD_CONFIGURATION
}

function changeDirectory(directory: string): void {
  try {
    process.chdir(directory)
  } catch (cause) {
    throw new UsageError(`-w ${directory}: cannot change to this directory (${reasonOf(cause)})`, { cause })
  }
}

/** In the background: lets go of the command that started it. */
function tellParent(proxy: RunningProxy): void {
  if (process.env[IN_BACKGROUND] === undefined) return
  delete process.env[IN_BACKGROUND]
  process.send?.('ready')
  process.disconnect?.()
  const { stderror_enabled: toStandardError, syslog_enabled: toSyslog } = proxy.host.settings
  if (toStandardError === 0 && toSyslog === 0) silenceStandardError()
}

/** Writes the pid file, and removes it whichever way the process ends by itself. */
function writePidFile(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`)
  } catch (cause) {
    throw new Error(`cannot write the pid file ${path}: ${reasonOf(cause)}`, { cause })
  }
  process.once('exit', () => {
    try {
      rmSync(path, { force: true })
    } catch {
      // A user with fewer rights than the one who wrote it: it stays, as there is nobody left to tell.
    }
  })
}

/** Group first: afterwards the right to change it is gone. */
function dropPrivileges({ user, group }: OpensipsFlags): void {
  try {
    const wantedGroup = group ?? (user === null ? null : primaryGroup(user))
    if (wantedGroup !== null) {
      // The other groups of root would stay otherwise.
      if (process.getuid?.() === 0) process.setgroups?.([numeric(wantedGroup)])
      process.setgid?.(numeric(wantedGroup))
    }
    if (user !== null) process.setuid?.(numeric(user))
  } catch (cause) {
    const wanted = [...(user === null ? [] : [`user ${user}`]), ...(group === null ? [] : [`group ${group}`])]
    throw new Error(`cannot run as ${wanted.join(', ')}: ${reasonOf(cause)}`, { cause })
  }
}

/** The group a user belongs to first, as a number; null for a user without a name. */
function primaryGroup(user: string): string | null {
  if (/^\d+$/.test(user)) return null
  return execFileSync('id', ['-g', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

const numeric = (name: string): string | number => (/^\d+$/.test(name) ? Number(name) : name)

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Whoever started the daemon may wait for the end of its output. */
function silenceStandardError(): void {
  closeSync(2)
  // The lowest free descriptor is the one just closed.
  openSync('/dev/null', 'w')
}

/** Starts the same command line in the background and waits until it serves, or has failed. */
function becomeDaemon(flags: OpensipsFlags, argv: readonly string[], io: CliIo): Promise<number> {
  const script = process.argv[1]
  if (script === undefined) throw new UsageError('cannot find the program to start in the background: use -F')
  const child = spawn(process.execPath, [script, ...argv], {
    detached: true,
    env: { ...process.env, [IN_BACKGROUND]: '1' },
    stdio: [flags.file === '-' ? 'inherit' : 'ignore', 'ignore', 'inherit', 'ipc'],
  })
  return new Promise((settle, reject) => {
    child.once('error', reject)
    child.once('exit', status => settle(status ?? BAD_CONFIGURATION))
    child.once('message', () => {
      child.removeAllListeners('exit')
      child.unref()
      io.stdout.write(`fanfare runs in the background as process ${child.pid}\n`)
      settle(0)
    })
  })
}
