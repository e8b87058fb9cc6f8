import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, optional } from '../../module/define.ts'
import type { Statistic, StatisticsRegistry } from '../../stats/stats.ts'

const wanted = optional(arg('statistics', 'list', 'Names: `all`, `group:`, `name` or `group:name`.'))

/** The statistics of all parts, for management. Always loaded. */
export default defineModule(
  {
    name: 'statistics',
    doc: 'Counters and gauges of every part of the proxy.',
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
  ({ host }) => ({
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
  }),
)

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
