import { REPLICATED, SharedStates } from '../../cluster/shared-states.ts'
import type { ModuleContext } from '../../module/define.ts'
import type { Destination } from './destination.ts'
import type { DispatcherParams } from './params.ts'
import type { Partition } from './partition.ts'
import type { Registry } from './registry.ts'
import type { Statuses } from './status.ts'

/** The states of destinations in a cluster. */
export interface DestinationStates {
  changed(partition: Partition, destination: Destination): void
  probes(partition: Partition, destination: Destination): boolean
}

/** Shares them as the parameters say. Throws an Error where they cannot be. */
export function shareStates(
  find: ModuleContext['find'],
  params: DispatcherParams,
  registry: Registry,
  statuses: () => Statuses,
): DestinationStates {
  const shared = new SharedStates({
    name: 'dispatcher-status-repl',
    clusterer: find('clusterer'),
    params,
    all: () => allStates(registry),
    apply: (key, state) => {
      const [name = '', set = '', ...uri] = key.split(' ')
      const partition = registry.find(name)
      const destination = partition?.find(Number(set), uri.join(' '))
      if (partition !== undefined && destination !== undefined && state >= 0 && state <= 2)
        statuses().adopt(partition, destination, state, REPLICATED)
    },
  })
  return {
    changed: (partition, destination) => shared.changed(keyOf(partition, destination), destination.stateNumber),
    probes: (partition, destination) => shared.probes(keyOf(partition, destination)),
  }
}

const keyOf = ({ name }: Partition, { data }: Destination): string => `${name} ${data.setId} ${data.uri}`

function* allStates(registry: Registry): Iterable<readonly [string, number]> {
  for (const partition of registry.all())
    for (const destination of partition.destinations) yield [keyOf(partition, destination), destination.stateNumber]
}
