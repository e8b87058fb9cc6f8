import { REPLICATED, SharedStates } from '../../cluster/shared-states.ts'
import type { ModuleContext } from '../../module/define.ts'
import { type Gateway, State } from './gateway.ts'
import type { DroutingParams } from './params.ts'
import type { Partition } from './partition.ts'
import type { Registry } from './registry.ts'
import type { Statuses } from './status.ts'

/** The states of gateways in a cluster. */
export interface GatewayStates {
  changed(partition: string, gateway: string): void
  probes(partition: Partition, gateway: Gateway): boolean
}

/** Shares them as the parameters say. Throws an Error where they cannot be. */
export function shareStates(
  find: ModuleContext['find'],
  params: DroutingParams,
  registry: Registry,
  statuses: () => Statuses,
): GatewayStates {
  const partitionOf = (name: string) => registry.all.find(partition => partition.name === name)
  const shared = new SharedStates({
    name: 'drouting-status-repl',
    clusterer: find('clusterer'),
    params,
    all: () => allStates(registry),
    apply: (key, number) => {
      const [name = '', id = ''] = key.split(' ')
      const partition = partitionOf(name)
      const gateway = partition?.data.gateways.get(id)
      const state = Object.values(State).find(known => known === number)
      if (partition !== undefined && gateway !== undefined && state !== undefined)
        statuses().set(partition, gateway, state, REPLICATED)
    },
  })
  return {
    changed: (name, id) => {
      const gateway = partitionOf(name)?.data.gateways.get(id)
      if (gateway !== undefined) shared.changed(keyOf(name, gateway), gateway.state)
    },
    probes: ({ name }, gateway) => shared.probes(keyOf(name, gateway)),
  }
}

const keyOf = (partition: string, { id }: Gateway): string => `${partition} ${id}`

function* allStates(registry: Registry): Iterable<readonly [string, number]> {
  for (const { data, name } of registry.all)
    for (const gateway of data.gateways.values()) yield [keyOf(name, gateway), gateway.state]
}
