import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Runs a command and ends its whole group when our end of the pipe closes: a test run that is killed leaves nothing
 * behind. SIGTERM is the command's business; the guard stays until the command has ended.
 */
const GUARD = `
exec 3<&0
trap : TERM
"$@" </dev/null & broker=$!
(cat <&3 >/dev/null; kill -KILL 0) &
while kill -0 $broker 2>/dev/null; do wait $broker; done`

/** A broker started in the foreground, in a process group of its own, its output in a file. */
export class BrokerProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  constructor(command: string, args: readonly string[], directory: string, env: NodeJS.ProcessEnv) {
    const output = openSync(join(directory, 'output.log'), 'a')
    this.#child = spawn('sh', ['-c', GUARD, 'sh', command, ...args], {
      cwd: directory,
      env,
      stdio: ['pipe', output, output],
      detached: true,
    })
    closeSync(output)
    this.#exited = once(this.#child, 'exit').catch(() => {})
    this.#child.unref()
  }

  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Sends a signal to the broker and to all it started, and waits until the broker has gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL', graceMs = 10_000): Promise<void> {
    if (!this.isRunning) return
    this.#signal(signal)
    const hard = setTimeout(() => this.#signal('SIGKILL'), graceMs)
    await this.#exited
    clearTimeout(hard)
  }

  /** Freezes (SIGSTOP) or thaws (SIGCONT) the broker: a peer that hangs without closing anything. */
  freeze(frozen: boolean): void {
    this.#signal(frozen ? 'SIGSTOP' : 'SIGCONT')
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child.pid
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch {
      // The group has gone by itself: that is what was wanted.
    }
  }
}
