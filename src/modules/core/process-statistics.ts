import { performance } from 'node:perf_hooks'
import type { StatisticsRegistry } from '../../stats/stats.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import { processMemory } from './memory-watch.ts'

const MINUTE_S = 60
const TEN_MINUTES_S = 600

/** Busy share of the event loop over the last second, minute and ten minutes, sampled once a second. */
class LoadMeter {
  readonly #busy: number[] = []
  #last = performance.eventLoopUtilization()

  sample(): void {
    const now = performance.eventLoopUtilization()
    this.#busy.push(performance.eventLoopUtilization(now, this.#last).utilization)
    this.#last = now
    if (this.#busy.length > TEN_MINUTES_S) this.#busy.shift()
  }

  /** Whole percent over the last `seconds` samples; 0 before the first. */
  percent(seconds: number): number {
    const window = this.#busy.slice(-seconds)
    if (window.length === 0) return 0
    return Math.round((100 * window.reduce((sum, share) => sum + share, 0)) / window.length)
  }
}

/**
 * Registers the groups `load` and `shmem` (script reference, statistics). Load is that of the event loop; memory is
 * that of the process, since there is no shared pool: total is the limit of the JavaScript heap plus what lives
 * outside it. Give back the timer that samples the load.
 */
export function registerProcessStatistics(stats: StatisticsRegistry, clock: Clock): Timer {
  const meter = new LoadMeter()
  for (const suffix of ['', '-all']) {
    stats.gauge('load', `load${suffix}`, 'Busy share of the event loop, last second, percent.').read = () =>
      meter.percent(1)
    stats.gauge('load', `load1m${suffix}`, 'Busy share of the event loop, last minute, percent.').read = () =>
      meter.percent(MINUTE_S)
    stats.gauge('load', `load10m${suffix}`, 'Busy share of the event loop, last ten minutes, percent.').read = () =>
      meter.percent(TEN_MINUTES_S)
  }
  let maxUsed = 0
  const used = (): number => {
    const rss = process.memoryUsage.rss()
    maxUsed = Math.max(maxUsed, rss)
    return rss
  }
  stats.gauge('shmem', 'total_size', 'Memory the process may have, bytes.').read = () => processMemory().size
  stats.gauge('shmem', 'max_used_size', 'Most memory the process has had, bytes, as far as it was read.').read = () =>
    Math.max(maxUsed, used())
  stats.gauge('shmem', 'used_size', 'JavaScript heap in use, bytes.').read = () => process.memoryUsage().heapUsed
  stats.gauge('shmem', 'real_used_size', 'Resident memory of the process, bytes.').read = used
  stats.gauge('shmem', 'fragments', 'Always 0: the JavaScript engine manages memory.').read = () => 0
  stats.gauge('shmem', 'free_size', 'Memory still available to the process, bytes.').read = () =>
    process.availableMemory()
  return clock.every(1000, () => meter.sample())
}
