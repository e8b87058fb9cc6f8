import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Who may use a file the proxy makes. Names or decimal ids; undefined leaves it with the process. */
export interface Ownership {
  /** Permission bits. */
  readonly mode: number
  readonly user?: string | undefined
  readonly group?: string | undefined
}

const NAME = /^[\w.][\w.-]*\$?$/

/** Gives a file to a user and a group. Rejects with the reason, in words, when the system refuses. */
export async function applyOwner(path: string, { user = '', group = '' }: Ownership): Promise<void> {
  if (user === '' && group === '') return
  for (const name of [user, group]) {
    if (name !== '' && !NAME.test(name)) throw new Error(`"${name}" is not the name or id of a user or group`)
  }
  // Node has no look-up of names; chown(1) takes them as they are.
  await runTool('chown', [group === '' ? user : `${user}:${group}`, path])
}

/** Makes a FIFO with exactly these permission bits. Rejects with the reason when it cannot. */
export async function makeFifo(path: string, mode: number): Promise<void> {
  await runTool('mkfifo', ['-m', mode.toString(8).padStart(4, '0'), path])
}

async function runTool(tool: string, args: readonly string[]): Promise<void> {
  try {
    await execute(tool, [...args])
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    throw new Error(stderr?.trim() || message, { cause: error })
  }
}
