import type { Log } from '../../log/log.ts'
import { arg } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, RouteKind, Step } from '../../script/context.ts'
import type { Statistic, StatisticsRegistry } from '../../stats/stats.ts'
import type { DynamicStatistics } from './dynamic.ts'
import type { SeriesBook } from './series.ts'

const ROUTES: readonly RouteKind[] = ['request', 'branch', 'failure', 'onreply', 'local', 'startup', 'timer', 'event']
const name = arg('name', 'str', 'Statistic, `name` or `group:name`; without a group it is in `dynamic`.')
const iterator = arg('iter', 'str', 'Name of the iterator.')
/** Most iterators at a time: a script that never comes to the end of one must not fill the memory. */
const MAX_ITERATORS = 1000

/** Functions on statistics, as data. */
export const statisticsFunctionSpecs = {
  update_stat: {
    args: [name, arg('value', 'int', 'What to add; negative takes away, 0 does nothing.')],
    routes: ROUTES,
    returns: '1; −1 the group is not declared, or the statistic is computed',
    doc: 'Adds to a statistic; it is made on first use.',
  },
  reset_stat: {
    args: [name],
    routes: ROUTES,
    returns: '1; −1 the group is not declared',
    doc: 'Sets a statistic back to 0, unless it is one that is not to be reset; it is made when it is missing.',
  },
  stat_iter_init: {
    args: [arg('group', 'str', 'Group to go through.'), iterator],
    routes: ROUTES,
    returns: '1; −1 there is no such group',
    doc: 'Begins to go through the statistics of a group.',
  },
  stat_iter_next: {
    args: [arg('name', 'var', 'Gets the name.'), arg('value', 'var', 'Gets the value.'), iterator],
    routes: ROUTES,
    returns: '1 while there are any; −1 at the end',
    doc: 'Reads the next statistic of an iterator.',
  },
  update_stat_series: {
    args: [
      arg('profile', 'str', 'One of stat_series_profile.'),
      arg('name', 'str', 'Name of the series.'),
      arg('value', 'int', 'The value to report.'),
    ],
    routes: ROUTES,
    returns: '1; −1 there is no such profile',
    doc: 'Reports a value of a series, which is read as a statistic of the group of its profile.',
  },
} as const

interface Parts {
  readonly stats: StatisticsRegistry
  readonly dynamic: DynamicStatistics
  readonly series: SeriesBook
  readonly log: Log
}

/** Builds those functions. */
export function statisticsFunctions({ stats, dynamic, series, log }: Parts) {
  const iterators = new Map<string, Iterator<Statistic>>()
  const attempt =
    (work: (m: RouteContext) => void): Step =>
    m => {
      try {
        work(m)
        return 1
      } catch (error) {
        if (!(error instanceof Error)) throw error
        log.error('statistic not changed', { reason: error.message })
        return -1
      }
    }
  return {
    update_stat: (which: Arg<string>, value: Arg<number>) => attempt(m => dynamic.add(which.read(m), value.read(m))),
    reset_stat: (which: Arg<string>) => attempt(m => dynamic.reset(which.read(m))),
    stat_iter_init:
      (group: Arg<string>, iter: Arg<string>): Step =>
      m => {
        const all = stats.group(group.read(m))
        const key = iter.read(m)
        if (all === undefined || (iterators.size >= MAX_ITERATORS && !iterators.has(key))) return -1
        iterators.set(key, all.values())
        return 1
      },
    stat_iter_next:
      (nameOut: Arg<PvarRef>, valueOut: Arg<PvarRef>, iter: Arg<string>): Step =>
      m => {
        const key = iter.read(m)
        const next = iterators.get(key)?.next()
        if (next === undefined || next.done === true) {
          iterators.delete(key)
          return -1
        }
        nameOut.read(m).set(m, next.value.name, true)
        valueOut.read(m).set(m, next.value.read(), true)
        return 1
      },
    update_stat_series: (profile: Arg<string>, which: Arg<string>, value: Arg<number>) =>
      attempt(m => series.update(profile.read(m), which.read(m), value.read(m))),
  }
}
