import type { Log } from '../../log/log.ts'
import { MiError } from '../../mi/management-interface.ts'
import {
  arg,
  defineModule,
  optional,
  optionalParam,
  type PvarHandler,
  type PvarSite,
  repeatedParam,
} from '../../module/define.ts'
import type { Statistic, StatisticsRegistry } from '../../stats/stats.ts'
import { DynamicStatistics } from './dynamic.ts'
import { statisticsFunctionSpecs, statisticsFunctions } from './functions.ts'
import { parseSeriesProfile, SeriesBook } from './series.ts'

const wanted = optional(arg('statistics', 'list', 'Names: `all`, `group:`, `name` or `group:name`.'))

/** The statistics of all parts, for scripts and management. Always loaded. */
export default defineModule(
  {
    name: 'statistics',
    doc: 'Counters and gauges of every part of the proxy.',
    params: {
      variable: repeatedParam('str', 'Statistic to make at the start, `[group:]name[/no_reset]`.'),
      stat_groups: optionalParam('str', 'Groups in which scripts may make statistics, divided by commas.'),
      stat_series_profile: repeatedParam(
        'str',
        'How series of values are read, `name: algorithm=accumulate|average|percentage window=60 slots=60 group=stats`.',
      ),
    },
    functions: statisticsFunctionSpecs,
    pvars: {
      stat: {
        type: 'int',
        writable: true,
        inner: 'required',
        doc: 'A statistic, `$stat(name)` or `$stat(group:name)`. Any assignment sets it back to 0.',
      },
    },
    commands: {
      get: {
        args: [arg('statistics', 'list', 'Names: `all`, `group:`, `name` or `group:name`.')],
        variadic: true,
        doc: 'prints the statistics (all, group or one) realtime values',
        aliases: ['get_statistics'],
      },
      list: {
        args: [wanted],
        variadic: true,
        doc: 'lists all the registered statistics and their types',
        aliases: ['list_statistics'],
      },
      reset: {
        args: [arg('statistics', 'list', 'Names: `group:`, `name` or `group:name`.')],
        variadic: true,
        doc: 'resets the value of a statistic variable',
        aliases: ['reset_statistics'],
      },
      reset_all: { args: [], doc: 'resets all the statistics that can be reset', aliases: ['reset_all_statistics'] },
    },
  },
  ({ host, log, clock, params }) => {
    const dynamic = new DynamicStatistics(host.stats)
    const series = new SeriesBook(host.stats, clock)
    for (const group of (params.stat_groups ?? '').split(',').map(name => name.trim()))
      if (group !== '') dynamic.declareGroup(group)
    for (const text of params.variable) dynamic.declare(text)
    for (const text of params.stat_series_profile) series.define(parseSeriesProfile(text))
    return {
      functions: statisticsFunctions({ stats: host.stats, dynamic, series, log }),
      pvars: { stat: site => statVariable(dynamic, log, site) },
      commands: {
        get: ({ statistics }) => byName(select(host.stats, statistics), s => s.read()),
        list: ({ statistics }) =>
          byName(select(host.stats, statistics ?? ['all']), s =>
            s.type === 'counter' ? 'incremental' : 'non-incremental',
          ),
        reset: ({ statistics }) => {
          const found = select(host.stats, statistics)
          if (found.length === 0) throw new MiError(404, 'Statistics Not Found')
          for (const statistic of found) statistic.reset()
          return 'OK'
        },
        reset_all: () => {
          for (const statistic of host.stats.all()) statistic.reset()
          return 'OK'
        },
      },
    }
  },
)

function statVariable(dynamic: DynamicStatistics, log: Log, { inner, reject }: PvarSite): PvarHandler {
  if (inner === undefined) return reject('$stat takes the name of a statistic')
  return {
    get: m => dynamic.find(inner.read(m))?.read() ?? null,
    set: (m, value) => {
      const name = inner.read(m)
      if (value !== 0) log.warn('a statistic can only be set to 0', { name, given: value })
      try {
        dynamic.reset(name)
        return true
      } catch (error) {
        log.error('statistic not reset', { name, reason: String(error) })
        return false
      }
    },
  }
}

function byName<T>(statistics: readonly Statistic[], read: (s: Statistic) => T): Record<string, T> {
  return Object.fromEntries(statistics.map(s => [`${s.group}:${s.name}`, read(s)]))
}

/** What the names stand for, in order; unknown names are passed over (recorded behaviour). */
function select(stats: StatisticsRegistry, names: readonly unknown[]): Statistic[] {
  return names.map(String).flatMap(name => {
    if (name === 'all') return [...stats.all()]
    if (name.endsWith(':')) return [...(stats.group(name.slice(0, -1)) ?? [])]
    const found = stats.find(name)
    return found === undefined ? [] : [found]
  })
}
