import { Registry } from 'prom-client'
import { defineModule, param } from '../../module/define.ts'
import { EventMetrics } from './event-metrics.ts'
import { type Naming, StatisticMetrics } from './statistic-metrics.ts'

/** Statistics, and what became of events, for Prometheus (prometheus reference). */
export default defineModule(
  {
    name: 'prometheus',
    doc: 'Shows the statistics, and what became of events by event, subscription and transport, to a Prometheus server.',
    depends: ['httpd'],
    params: {
      http_root: param('str', 'metrics', 'First segment of the path: `http://ip:port/<root>`.', {
        formerly: ['root'],
      }),
      prefix: param('str', 'opensips', 'Put before the name of each statistic; empty for nothing.'),
      delimiter: param('str', '_', 'Stands between the parts of a name.'),
      group_mode: param('int', 0, 'The group of a statistic: 0 is left out, 1 is part of the name, 2 is a label.'),
      group_label: param('str', 'group', 'Name of that label.'),
      statistics: param('str', 'all', 'What is shown: `all`, groups (`tm:`) and names, separated by blanks.'),
    },
  },
  ({ host, params, use }) => {
    const registry = new Registry()
    const statistics = new StatisticMetrics(registry, host.stats, namingOf(params))
    const events = new EventMetrics(registry, host.bus, host.clock)
    use('httpd').mount(params.http_root, 'prometheus', async () => {
      statistics.refresh()
      await events.refresh()
      return { status: 200, contentType: registry.contentType, body: await registry.metrics() }
    })
    return { stop: () => events.stop() }
  },
)

interface NamingParams {
  readonly prefix: string
  readonly delimiter: string
  readonly group_mode: number
  readonly group_label: string
  readonly statistics: string
}

function namingOf({ prefix, delimiter, group_mode: mode, group_label, statistics }: NamingParams): Naming {
  if (mode !== 0 && mode !== 1 && mode !== 2) throw new Error(`prometheus: group_mode is 0, 1 or 2, not ${mode}`)
  if (!/^[a-zA-Z_]\w*$/.test(group_label))
    throw new Error(`prometheus: group_label is a word of letters, digits and "_", not "${group_label}"`)
  return { prefix, delimiter, groupMode: mode, groupLabel: group_label, selection: statistics }
}
