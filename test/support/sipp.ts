import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ensureDebianPackage } from './debian.ts'

const SIPP = '/usr/bin/sipp'
/** Of its sockets: with the usual 64 kB it loses messages whenever it has to wait for a processor. */
const BUFFER_BYTES = '4000000'
const SCENARIOS = join(import.meta.dirname, '..', 'interop', 'sipp')

/** Why SIPp cannot be run here, or undefined when it can. Installs Debian's package first where that is possible. */
export const sippMissing = (): string | undefined => ensureDebianPackage('sip-tester', SIPP)

/** How a SIPp run ended. */
export interface SippResult {
  /** 0: every call succeeded; 1: at least one failed; 99: ended from outside. */
  readonly status: number | null
  /** What it printed, for the message of a failing test. */
  readonly output: string
}

/** A SIPp at work. */
export interface SippRun {
  readonly result: Promise<SippResult>
  /** Asks it to end; `result` then settles. */
  end(): void
}

/** Runs one of the scenarios in `test/interop/sipp`. `keys` are its `[name]` variables. */
export function sipp(
  scenario: 'register' | 'register-auth' | 'uac' | 'uas',
  args: readonly string[],
  keys: Readonly<Record<string, string | number>> = {},
): SippRun {
  const keyArgs = Object.entries(keys).flatMap(([name, value]) => ['-key', name, String(value)])
  return run(['-sf', join(SCENARIOS, `${scenario}.xml`), ...args, ...keyArgs])
}

/** Runs a scenario that SIPp brings with it, named as its `-sn` does. */
export const sippBuiltIn = (name: string, args: readonly string[]): SippRun => run(['-sn', name, ...args])

/** Runs SIPp with these arguments, as a user would; from 127.0.0.1 where they say nothing else. */
export const sippCommand = (args: readonly string[]): SippRun => run(args)

function run(args: readonly string[]): SippRun {
  const address = args.includes('-i') ? [] : ['-i', '127.0.0.1']
  const child = spawn(SIPP, [...address, '-nostdin', '-skip_rlimit', '-buff_size', BUFFER_BYTES, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TERM: 'dumb' },
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-8000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const result = once(child, 'close').then(([status]) => ({ status: status as number | null, output }))
  return { result, end: () => void child.kill('SIGTERM') }
}
