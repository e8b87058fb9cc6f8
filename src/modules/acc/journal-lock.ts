import { readFileSync, rmSync, writeFileSync } from 'node:fs'

/** Locks this process holds: its own number in a file says nothing where a process before it had the same. */
const held = new Set<string>()

/**
 * Takes a file as a sign that this process uses what is beside it. Null where another running process does; a file left by
 * one that has ended is taken over. Throws the system's error.
 */
export function takeLock(path: string): { release(): void } | null {
  if (held.has(path)) return null
  held.add(path)
  try {
    if (isRunning(ownerIn(path))) {
      held.delete(path)
      return null
    }
    writeFileSync(path, `${process.pid} ${startOf(process.pid)}\n`)
  } catch (error) {
    held.delete(path)
    throw error
  }
  return {
    release: () => {
      held.delete(path)
      rmSync(path, { force: true })
    },
  }
}

function ownerIn(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
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
