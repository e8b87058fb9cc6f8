import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Clock, Timer } from '../../util/clock.ts'

/** How full a memory is, bytes. */
export interface MemoryUse {
  readonly used: number
  readonly size: number
}

/** Fields the two threshold events share. */
interface Alarm extends MemoryUse {
  /** Whole percent in use. */
  readonly usage: number
  readonly threshold: number
}

/** The resident memory of the process, of what it may have: the limit of its container, else the machine's. */
export function processMemory(): MemoryUse {
  // Without a limit the constraint is no number that means anything.
  const limit = process.constrainedMemory()
  return { used: process.memoryUsage.rss(), size: Math.min(limit > 0 ? limit : totalmem(), totalmem()) }
}

/** The JavaScript heap. */
export function heapMemory(): MemoryUse {
  const { used_heap_size: used, heap_size_limit: size } = getHeapStatistics()
  return { used, size }
}

const PERIOD_MS = 1000

/**
 * Looks at a memory once a second: tells of its use while that is at or above `threshold` percent and has changed, and once
 * when it is below again (event reference, E_CORE_SHM_THRESHOLD). Null where the threshold is 0.
 */
export function watchMemory(
  clock: Clock,
  threshold: number,
  read: () => MemoryUse,
  tell: (alarm: Alarm) => void,
): Timer | null {
  if (threshold <= 0) return null
  let toldUsage: number | null = null
  return clock.every(PERIOD_MS, () => {
    const { used, size } = read()
    const usage = Math.floor((100 * used) / size)
    const isAbove = usage >= threshold
    if (isAbove ? usage === toldUsage : toldUsage === null) return
    toldUsage = isAbove ? usage : null
    tell({ usage, threshold, used, size })
  })
}
