import { readFileSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'

/** Locks this process holds: its own number in a file says nothing where a process before it had the same. */
const held = new Set<string>()

/**
 * Takes a file as a sign that this process uses what is beside it. Null where another running process does; a file left by
 * one that has ended is taken over. Rejects with the system's error.
 */
export async function takeLock(path: string): Promise<{ release(): Promise<void> } | null> {
  if (held.has(path)) return null
  held.add(path)
  try {
    const owner = await readFile(path, 'utf8').catch(() => '')
    if (isRunning(owner)) {
      held.delete(path)
      return null
    }
    await writeFile(path, `${process.pid} ${startOf(process.pid)}\n`)
  } catch (error) {
    held.delete(path)
    throw error
  }
  return {
    release: async () => {
      held.delete(path)
      await rm(path, { force: true })
    },
  }
}

/** Whether the process that wrote `pid start` still runs. */
function isRunning(owner: string): boolean {
  const [, pid = '', start = ''] = /^(\d+) (\d*)/.exec(owner) ?? []
  if (pid === '' || Number(pid) === process.pid) return false
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    // EPERM: it runs as somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return startOf(Number(pid)) === start
}

/** When a process started, in ticks since the system did; '' where the system does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // Behind the name, which may hold anything, come state and numbers; the 22nd field is meant.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
