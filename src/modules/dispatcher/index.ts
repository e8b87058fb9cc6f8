import { defineModule, field, optionalField } from '../../module/define.ts'
import { GroupBlacklists } from '../../proxy/group-blacklists.ts'
import { locate } from '../../proxy/locate.ts'
import { probingSocket } from '../../proxy/prober.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Timer } from '../../util/clock.ts'
import { Algorithms } from './algorithms.ts'
import { dispatcherCommandHandlers, dispatcherCommands } from './commands.ts'
import { WeightWatch } from './freeswitch.ts'
import { dispatcherParams } from './params.ts'
import type { Partition } from './partition.ts'
import { destinationProber } from './probing.ts'
import { queryFunctions, querySpecs } from './query-functions.ts'
import { Registry } from './registry.ts'
import { selectFunctions, selectSpecs } from './select-functions.ts'
import { Selector } from './selection.ts'
import { type DispatcherServices, partitionReader } from './services.ts'
import { shareStates } from './shared-states.ts'
import { Statuses } from './status.ts'
import { DISPATCHER_TABLE } from './table-source.ts'

/** How often states that have changed are written to the database. */
const SAVE_PERIOD_MS = 15_000

/** Spreads requests over sets of destinations, probes them, and goes on to others when they fail (dispatcher reference). */
export default defineModule(
  {
    name: 'dispatcher',
    doc: 'Spreads requests over sets of destinations and takes those that fail out of service.',
    depends: ['tm'],
    after: ['freeswitch', 'clusterer'],
    tables: [DISPATCHER_TABLE],
    params: dispatcherParams,
    functions: { ...selectSpecs, ...querySpecs },
    commands: dispatcherCommands,
    events: {
      E_DISPATCHER_STATUS: {
        doc: 'A destination went into or out of service.',
        fields: {
          partition: optionalField('str', 'Its partition; left out for the default one.'),
          group: field('int', 'Its set.'),
          address: field('str', 'Its URI, as provisioned.'),
          status: field('str', '`active`, or `inactive` for inactive and probing ones.'),
          reason: field('str', 'What changed it.'),
        },
        legacyFields: ['partition', 'group', 'address', 'status'],
      },
    },
  },
  ({ host, clock, log, params, raise, use, find }) => {
    const { proxy, script } = host
    const blacklists = new Map<Partition, GroupBlacklists>()
    let isListening = false
    const settle = (partition: Partition): void => {
      // Sockets, and so addresses, are known from then on only.
      if (!isListening) return
      locate(partition.destinations, proxy, log, () => {
        const members = partition.destinations.map(({ data, addresses }) => ({ group: data.setId, addresses }))
        blacklists.get(partition)?.update(members)
      })
    }
    const freeswitch = params.fetch_freeswitch_stats === 0 ? undefined : find('freeswitch')
    const weights = freeswitch === undefined ? null : new WeightWatch(freeswitch, params.max_freeswitch_weight)
    const onLoaded = (partition: Partition): void => {
      weights?.follow(partition.name, partition.destinations)
      settle(partition)
    }
    const registry = new Registry({ params, databases: host.db, log, onLoaded })
    for (const partition of registry.all())
      if (partition.settings.blacklists.length > 0)
        blacklists.set(
          partition,
          new GroupBlacklists(proxy.blacklists, 'ds_define_blacklist', partition.settings.blacklists),
        )
    const shared = shareStates(find, params, registry, () => statuses)
    const statuses: Statuses = new Statuses(params.ds_probing_threshold, log, status => {
      raise.E_DISPATCHER_STATUS(status)
      const partition = registry.find(status.partition)
      const destination = partition?.find(status.group, status.address)
      if (partition !== undefined && destination !== undefined) shared.changed(partition, destination)
    })
    const findSocket = (text: string) => proxy.findSocket(text)
    const services: DispatcherServices = {
      params,
      registry,
      selector: new Selector(new Algorithms(script, params, log)),
      statuses,
      script,
      log,
      findSocket,
      partitionArg: partitionReader(registry),
    }
    const tm = use('tm')
    let socket: ListenSocket | null = null
    const prober = destinationProber({
      params,
      clock,
      log,
      statuses,
      isOurs: shared.probes,
      partitions: () => registry.all(),
      send: probe => tm.request(probe),
      socket: () => socket,
    })
    let saving: Timer | null = null
    return {
      functions: { ...selectFunctions(services), ...queryFunctions(services) },
      commands: dispatcherCommandHandlers(registry, statuses),
      start: async () => {
        if (params.fetch_freeswitch_stats !== 0 && weights === null)
          log.warn('weights of fs:// destinations stay as they are: the module freeswitch is needed')
        for (const partition of registry.all()) await registry.load(partition, false)
        saving = clock.every(SAVE_PERIOD_MS, () => void registry.save())
      },
      listening: () => {
        isListening = true
        socket = probingSocket('ds_probing_sock', params.ds_probing_sock, findSocket)
        for (const partition of registry.all()) settle(partition)
        prober.start()
      },
      drain: async () => prober.stop(),
      stop: async () => {
        prober.stop()
        saving?.clear()
        weights?.close()
        await registry.save()
      },
    }
  },
)
