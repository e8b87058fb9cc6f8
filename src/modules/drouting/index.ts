import { defineModule, field } from '../../module/define.ts'
import { GroupBlacklists } from '../../proxy/group-blacklists.ts'
import { probingSocket } from '../../proxy/prober.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Timer } from '../../util/clock.ts'
import { droutingCommandHandlers, droutingCommands } from './commands.ts'
import { gatewayFunctions, gatewaySpecs } from './gateway-functions.ts'
import { locateGateways } from './locate-gateways.ts'
import { droutingParams } from './params.ts'
import { gatewayProber } from './probing.ts'
import { Registry } from './registry.ts'
import { Router } from './router.ts'
import { routingFunctions, routingSpecs } from './routing-functions.ts'
import type { DroutingServices } from './services.ts'
import { shareStates } from './shared-states.ts'
import { Statuses } from './status.ts'
import { CARRIERS_TABLE, GATEWAYS_TABLE, GROUPS_TABLE, PARTITIONS_TABLE, RULES_TABLE } from './tables.ts'

/** How often states that have changed are written to the database. */
const SAVE_PERIOD_MS = 15_000
const SOCKET_FILTERS = ['all', 'none', 'ignore', 'matched-only']

/** Routes calls to gateways by the prefixes of numbers (drouting reference). */
export default defineModule(
  {
    name: 'drouting',
    doc: 'Routes calls to gateways and carriers by the prefixes of numbers, and takes gateways that fail out of service.',
    depends: ['tm'],
    after: ['clusterer'],
    tables: [GATEWAYS_TABLE, RULES_TABLE, CARRIERS_TABLE, GROUPS_TABLE, PARTITIONS_TABLE],
    params: droutingParams,
    functions: { ...routingSpecs, ...gatewaySpecs },
    commands: droutingCommands,
    events: {
      E_DROUTING_STATUS: {
        doc: 'The state of a gateway changed.',
        fields: {
          partition: field('str', 'Its partition.'),
          gwid: field('str', 'Its id.'),
          address: field('str', 'Its address, as provisioned.'),
          status: field('str', '`active`, `inactive`, `probing` or `disabled MI`.'),
          reason: field('str', 'What changed it.'),
        },
        legacyFields: ['partition', 'gwid', 'address', 'status'],
      },
    },
  },
  ({ host, clock, find, log, params, raise, use }) => {
    const { proxy, script } = host
    checkSocketFilter(params.gw_socket_filter_mode)
    const tm = use('tm')
    const blacklists = new GroupBlacklists(proxy.blacklists, 'define_blacklist', params.define_blacklist)
    let isListening = false
    const settle = (): void => {
      // Sockets, and so addresses, are known from then on only.
      if (!isListening) return
      locateGateways({ registry, proxy, log, looksUpNames: params.force_dns !== 0 }, blacklists)
    }
    const registry = new Registry({
      params,
      databases: host.db,
      script,
      log,
      clock,
      reports: host.status,
      onLoaded: settle,
    })
    const shared = shareStates(find, params, registry, () => statuses)
    const statuses: Statuses = new Statuses(log, host.status, status => {
      raise.E_DROUTING_STATUS(status)
      shared.changed(status.partition, status.gwid)
    })
    const services: DroutingServices = {
      params,
      databases: host.db,
      proxy,
      registry,
      router: new Router({ script, clock, log, needsSocket: params.gw_socket_filter_mode === 'matched-only' }),
      statuses,
      log,
      partitionVariable: params.partition_id_pvar === undefined ? null : script.variable(params.partition_id_pvar),
    }
    const probing = { isOn: true }
    let socket: ListenSocket | null = null
    const prober = gatewayProber({
      params,
      clock,
      registry,
      statuses,
      isOurs: shared.probes,
      probing,
      send: probe => tm.request(probe),
      socket: () => socket,
    })
    let saving: Timer | null = null
    return {
      functions: { ...routingFunctions(services), ...gatewayFunctions(services) },
      commands: droutingCommandHandlers({ ...services, probing }),
      start: async () => {
        if (params.rule_tables_query !== undefined)
          log.warn('rule_tables_query is not supported: rules are those of drr_table')
        await registry.start()
        saving = clock.every(SAVE_PERIOD_MS, () => void registry.save())
      },
      listening: () => {
        isListening = true
        socket = probingSocket('probing_socket', params.probing_socket, text => proxy.findSocket(text))
        settle()
        prober.start()
      },
      drain: async () => prober.stop(),
      stop: async () => {
        prober.stop()
        saving?.clear()
        await registry.save()
      },
    }
  },
)

function checkSocketFilter(mode: string): void {
  if (!SOCKET_FILTERS.includes(mode))
    throw new Error(`gw_socket_filter_mode "${mode}": expected one of ${SOCKET_FILTERS.join(', ')}`)
}
