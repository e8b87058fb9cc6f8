import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { TimeLimit } from '../../script/context.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import { Turns } from '../../util/turns.ts'

/** Between asking a process to end and making it. */
const GRACE_MS = 2000

/** What is run, and what it is given. */
export interface Command {
  /** Read by the shell. */
  readonly text: string
  readonly stdin: string
  readonly environment: Readonly<Record<string, string>>
  /** Keep what it writes. */
  readonly wantsStdout: boolean
  readonly wantsStderr: boolean
}

/** How a command ended. */
export interface CommandEnd {
  readonly stdout: string
  readonly stderr: string
  /** It wrote more than is kept. */
  readonly isCut: boolean
  /** Undefined: it ended with status 0. */
  readonly fault: string | undefined
}

interface ProcessesParts {
  readonly clock: Clock
  /** A command that runs longer is ended; 0: never. */
  readonly limitMs: number
  /** Most bytes that are kept of what a command writes on one of its outputs. */
  readonly maxOutput: number
  /** Most commands at once; others wait for their turn. */
  readonly most: number
}

/** The commands that run. */
export class Processes {
  readonly #parts: ProcessesParts
  readonly #turns: Turns
  readonly #running = new Set<ChildProcess>()
  #isClosed = false

  constructor(parts: ProcessesParts) {
    this.#parts = parts
    this.#turns = new Turns(Math.max(1, parts.most))
  }

  /** Never rejects. `timeLimit`: what the script says of this command beside the limit of all. */
  run(command: Command, timeLimit: TimeLimit | null): Promise<CommandEnd> {
    return new Promise(resolve => {
      let child: ChildProcess | null = null
      const leave = this.#turns.take(() => {
        if (this.#isClosed) {
          this.#turns.done()
          return resolve(nothingRan('the proxy stops'))
        }
        const started = this.#start(command)
        child = started.child
        void started.end.then(end => {
          this.#turns.done()
          resolve(end)
        })
      })
      if (timeLimit === null) return
      // Its place is free only when it has really ended.
      timeLimit.onOver = () => {
        leave()
        if (child !== null) this.#end(child)
        resolve(nothingRan('it ran longer than async() allows'))
      }
    })
  }

  /** Ends everything at once. */
  close(): void {
    this.#isClosed = true
    for (const child of this.#running) kill(child, 'SIGKILL')
  }

  #start(command: Command): { child: ChildProcess; end: Promise<CommandEnd> } {
    const { wantsStdout, wantsStderr, environment, stdin } = command
    // A group of its own, so that what the shell starts ends with it.
    const child = spawn('/bin/sh', ['-c', command.text], {
      detached: true,
      env: { ...process.env, ...environment },
      stdio: ['pipe', wantsStdout ? 'pipe' : 'ignore', wantsStderr ? 'pipe' : 'ignore'],
    })
    this.#running.add(child)
    const limit = this.#limit(child)
    const outputs = [child.stdout, child.stderr].map(stream => new Output(stream, this.#parts.maxOutput))
    child.stdin?.on('error', () => {})
    child.stdin?.end(stdin)
    const ended = new Promise<CommandEnd>(resolve => {
      const end = (fault: string | undefined): void => {
        this.#running.delete(child)
        const isOverdue = limit.clear()
        const [out = '', err = ''] = outputs.map(output => output.text)
        const isCut = outputs.some(output => output.isCut)
        resolve({ stdout: out, stderr: err, isCut, fault: isOverdue ? 'it ran longer than time_to_kill' : fault })
      }
      child.once('error', error => end(error.message))
      // What it started may go on and keep its outputs open: then nobody waits for their ends.
      child.once('exit', (status, signal) => {
        const fault =
          status === 0 ? undefined : signal === null ? `it ended with status ${status}` : `${signal} ended it`
        void settledOutputs(child).then(() => end(fault))
      })
    })
    return { child, end: ended }
  }

  /** Asks it to end, and makes it if it does not. */
  #end(child: ChildProcess): Timer {
    kill(child, 'SIGTERM')
    return this.#parts.clock.after(GRACE_MS, () => {
      if (this.#running.has(child)) kill(child, 'SIGKILL')
    })
  }

  /** Ends the child when it has run long enough; `clear` tells whether that was begun. */
  #limit(child: ChildProcess): { clear(): boolean } {
    const { clock, limitMs } = this.#parts
    let isOverdue = false
    let timer: Timer | null = null
    if (limitMs > 0)
      timer = clock.after(limitMs, () => {
        isOverdue = true
        timer = this.#end(child)
      })
    return {
      clear: () => {
        timer?.clear()
        return isOverdue
      },
    }
  }
}

const nothingRan = (fault: string): CommandEnd => ({ stdout: '', stderr: '', isCut: false, fault })

function kill({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended by itself.
  }
}

/** Lets what was written before the end arrive. */
async function settledOutputs(child: ChildProcess): Promise<void> {
  for (let i = 0; i < 50; i++) {
    const open = [child.stdout, child.stderr].some(
      stream => stream !== null && !stream.readableEnded && !stream.destroyed,
    )
    if (!open) return
    await new Promise(resolve => setImmediate(resolve))
  }
  child.stdout?.destroy()
  child.stderr?.destroy()
}

/** The beginning of what comes out of a process. The rest is read as well, or the process would wait. */
class Output {
  readonly #chunks: Buffer[] = []
  #sizeBytes = 0
  isCut = false

  constructor(stream: Readable | null, maxBytes: number) {
    stream?.on('error', () => {})
    stream?.on('data', (chunk: Buffer) => {
      const room = maxBytes - this.#sizeBytes
      if (chunk.length > room) this.isCut = true
      if (room <= 0) return
      const kept = chunk.subarray(0, room)
      this.#sizeBytes += kept.length
      this.#chunks.push(kept)
    })
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8')
  }
}
