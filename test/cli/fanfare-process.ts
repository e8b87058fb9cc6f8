import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

/** The program as users start it. */
export const PROGRAM = join(import.meta.dirname, '../../bin/fanfare.js')

/** Many processes are started from the same sources: the types need to be taken out of them only once. */
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/fanfare-tests')

interface Options {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Another program than the one of this checkout. */
  readonly program?: string
  /** Text for its standard input. */
  readonly input?: string
}

/** How a process has ended. */
export interface Ending {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** `fanfare` running as a process of its own, with everything it says. */
export class FanfareProcess {
  out = ''
  err = ''
  /** Settles when the process has ended and nobody holds its outputs any more. */
  readonly ended: Promise<Ending>
  /** Settles when the process has ended: its outputs may go on, in the hands of a process it started. */
  readonly exited: Promise<Ending>
  readonly #child: ChildProcess
  readonly #waiting = new Set<() => void>()

  constructor(argv: readonly string[], { cwd, env, program = PROGRAM, input }: Options = {}) {
    this.#child = spawn(process.execPath, [program, ...argv], {
      cwd,
      env: { ...process.env, NODE_COMPILE_CACHE: CACHE, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child.stdin?.end(input ?? '')
    this.#child.stdout?.on('data', bytes => this.#hear('out', bytes))
    this.#child.stderr?.on('data', bytes => this.#hear('err', bytes))
    this.exited = new Promise(resolve =>
      this.#child.once('exit', (status, signal) => {
        resolve({ status, signal })
        this.#tell()
      }),
    )
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (status, signal) => resolve({ status, signal }))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Waits until one of its outputs matches. Throws with all it said when it ends first. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.out) ?? pattern.exec(this.err)
      if (found !== null) return found
      if (this.hasEnded) throw new Error(`it ended without saying ${pattern}; it said:\n${this.out}${this.err}`)
      await new Promise<void>(resolve => this.#waiting.add(resolve))
    }
  }

  /** Waits until it serves; gives the port of its first socket. */
  async serves(): Promise<number> {
    return Number((await this.says(/NOTICE:core: ready .*sockets="?\w+:[^ ",]*:(\d+)/))[1])
  }

  /** Where its HTTP listener is, once it serves. Needs log_level 3 or more. */
  async managementUrl(): Promise<string> {
    return `http://127.0.0.1:${(await this.says(/HTTP listener open .*port=(\d+)/))[1]}/mi`
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Closes our ends of its outputs. */
  stopListening(): void {
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
  }

  /** Makes sure nothing is left of it. */
  async end(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGKILL')
    await this.ended
  }

  #hear(stream: 'out' | 'err', bytes: Buffer): void {
    this[stream] += bytes.toString()
    this.#tell()
  }

  #tell(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const resolve of waiting) resolve()
  }
}

/** Runs a command line to its end. */
export async function fanfare(
  argv: readonly string[],
  options: Options = {},
): Promise<Ending & { readonly out: string; readonly err: string }> {
  const running = new FanfareProcess(argv, options)
  const ending = await running.ended
  return { ...ending, out: running.out, err: running.err }
}
