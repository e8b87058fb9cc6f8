import { REPLICATED, SharedStates } from '../../cluster/shared-states.ts'
import { defineModule, field } from '../../module/define.ts'
import { GroupBlacklists } from '../../proxy/group-blacklists.ts'
import { locate } from '../../proxy/locate.ts'
import { Balancer } from './balancer.ts'
import { balancerCommandHandlers, balancerCommands } from './commands.ts'
import type { Destination } from './destination.ts'
import { CapacityWatch } from './freeswitch.ts'
import { balancerFunctions, balancerSpecs } from './functions.ts'
import { loadBalancerParams } from './params.ts'
import { destinationProber } from './probing.ts'
import { Registry } from './registry.ts'
import { LOAD_BALANCER_TABLE, loadDestinations } from './table-source.ts'

/** Sends calls to the destination with the most capacity left (load_balancer reference). */
export default defineModule(
  {
    name: 'load_balancer',
    doc: 'Sends calls to the destination that has the most of what they need left, and takes those that fail out of service.',
    depends: ['tm', 'dialog'],
    after: ['freeswitch', 'clusterer'],
    tables: [LOAD_BALANCER_TABLE],
    params: loadBalancerParams,
    functions: balancerSpecs,
    commands: balancerCommands,
    events: {
      E_LOAD_BALANCER_STATUS: {
        doc: 'A destination was enabled or disabled.',
        fields: {
          group: field('int', 'Its group.'),
          uri: field('str', 'Its URI, as provisioned.'),
          status: field('str', '`enabled` or `disabled`.'),
        },
      },
    },
  },
  ({ host, clock, log, params, raise, use, find }) => {
    const tm = use('tm')
    const dialogs = use('dialog')
    const registry: Registry = new Registry(log, status => {
      raise.E_LOAD_BALANCER_STATUS(status)
      const changed = registry.all.find(({ data, uri }) => data.group === status.group && uri === status.uri)
      if (changed !== undefined) shared.changed(changed.key, stateNumber(changed))
    })
    const shared = new SharedStates({
      name: 'load_balancer-status-repl',
      clusterer: find('clusterer'),
      params: { ...params, cluster_probing_mode: params.cluster_sharing_tag === undefined ? 'all' : 'by-shtag' },
      all: () => registry.all.map(destination => [destination.key, stateNumber(destination)] as const),
      apply: (key, state) => {
        const destination = registry.find(Number(key))
        if (destination === undefined) return
        destination.isLocked = state === LOCKED
        registry.switch(destination, state === ENABLED, REPLICATED)
      },
    })
    const balancer = new Balancer(dialogs, registry)
    const blacklists = new GroupBlacklists(host.proxy.blacklists, 'lb_define_blacklist', params.lb_define_blacklist)
    let isListening = false
    const settle = (): void => {
      // Sockets, and so addresses, are known from then on only.
      if (!isListening) return
      const located = registry.all
      locate(located, host.proxy, log, () =>
        blacklists.update(located.map(({ data, addresses }) => ({ group: data.group, addresses }))),
      )
    }
    const freeswitch = params.fetch_freeswitch_stats === 0 ? undefined : find('freeswitch')
    const capacities = freeswitch === undefined ? null : new CapacityWatch(freeswitch, balancer)
    const reload = async (): Promise<void> => {
      const { rows } = await loadDestinations(host.db, params, log)
      registry.replace(rows)
      if (capacities === null && rows.some(({ resources }) => resources.some(one => one.freeswitch !== null)))
        log.warn(
          'capacities of FreeSWITCH stay as they are: fetch_freeswitch_stats and the module freeswitch are needed',
        )
      capacities?.follow(registry.all)
      settle()
    }
    const prober = destinationProber({
      params,
      clock,
      registry,
      isOurs: ({ key }) => shared.probes(key),
      send: probe => tm.request(probe),
    })
    return {
      functions: balancerFunctions({ balancer, registry, dialogs, log }),
      commands: balancerCommandHandlers({ balancer, registry, reload }),
      start: async () => {
        await reload()
      },
      listening: () => {
        isListening = true
        settle()
        prober.start()
      },
      drain: async () => prober.stop(),
      stop: () => {
        prober.stop()
        capacities?.follow([])
      },
    }
  },
)

/** As nodes tell each other. */
const [DISABLED, ENABLED, LOCKED] = [0, 1, 2]

function stateNumber({ isEnabled, isLocked }: Destination): number {
  if (isEnabled) return ENABLED
  return isLocked ? LOCKED : DISABLED
}
