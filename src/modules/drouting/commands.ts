import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import { asctime } from '../../util/asctime.ts'
import type { CommandSpec, Commands } from '../../util/spec.ts'
import { Carrier } from './destinations.ts'
import type { Gateway } from './gateway.ts'
import type { DroutingParams } from './params.ts'
import type { Partition } from './partition.ts'
import type { Registry } from './registry.ts'
import type { Router } from './router.ts'
import type { Statuses } from './status.ts'

const partition = optional(arg('partition_name', 'str', 'Partition; the default one if absent.'))

/** Management commands. */
export const droutingCommands = {
  reload: {
    args: [
      optional(arg('partition_name', 'str', 'Partition; every one if absent.')),
      optional(arg('inherit_state', 'str', 'n: states are those of the tables; else they are kept.')),
    ],
    aliases: ['dr_reload'],
    doc: 'Loads gateways, carriers and rules anew. When that fails nothing changes.',
  },
  gw_status: {
    args: [
      partition,
      optional(arg('gw_id', 'str', 'Id of the gateway; all if absent.')),
      optional(arg('status', 'int', '1 enables it; 0 disables it, and probing does not change that.')),
    ],
    namedOnly: true,
    aliases: ['dr_gw_status'],
    doc: 'Lists gateways with their states, or changes one.',
  },
  carrier_status: {
    args: [
      partition,
      optional(arg('carrier_id', 'str', 'Id of the carrier; all if absent.')),
      optional(arg('status', 'int', '1 enables it, 0 disables it.')),
    ],
    namedOnly: true,
    aliases: ['dr_carrier_status'],
    doc: 'Lists carriers with their states, or changes one.',
  },
  reload_status: { args: [partition], aliases: ['dr_reload_status'], doc: 'Tells when the tables were loaded last.' },
  number_routing: {
    args: [
      optional(arg('group_id', 'int', 'Number of the group; `default_group`, or 0, if absent.')),
      arg('number', 'str', 'Number to route.'),
      partition,
    ],
    namedOnly: true,
    aliases: ['dr_number_routing'],
    doc: 'Tells which prefix and which gateways or carriers a number has.',
  },
  enable_probing: {
    args: [optional(arg('status', 'int', '1 on, 0 off.'))],
    aliases: ['dr_enable_probing'],
    doc: 'Turns probing of gateways on or off, or tells whether it is on.',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>

interface CommandParts {
  readonly params: DroutingParams
  readonly registry: Registry
  readonly router: Router
  readonly statuses: Statuses
  readonly probing: { isOn: boolean }
}

/** Builds them. */
export function droutingCommandHandlers({
  params,
  registry,
  router,
  statuses,
  probing,
}: CommandParts): Commands<{ readonly commands: typeof droutingCommands }> {
  const choose = (name: string | undefined): Partition => {
    const found = registry.find(name)
    if (found === undefined) throw new MiError(404, 'Partition not found')
    return found
  }
  return {
    reload: async ({ partition_name: name, inherit_state: inherit = 'y' }) => {
      const chosen = name === undefined ? registry.all : [choose(name)]
      if (params.no_concurrent_reload !== 0 && chosen.some(({ isReloading }) => isReloading))
        throw new MiError(500, 'A reload is already under way')
      try {
        for (const one of chosen) await registry.reload(one, !/^[n0]/i.test(inherit.trim()))
      } catch (error) {
        throw new MiError(500, 'Failed to reload', error instanceof Error ? error.message : String(error))
      }
      return 'OK'
    },
    gw_status: ({ partition_name: name, gw_id: id, status }) => {
      const found = choose(name)
      if (id === undefined) return { Gateways: [...found.data.gateways.values()].map(describeGateway) }
      const gateway = found.data.gateways.get(id)
      if (gateway === undefined) throw new MiError(404, 'GW ID not found')
      if (status === undefined) return { ...attrsOf(gateway), State: stateOf(gateway) }
      statuses.change(found, gateway, status === 0 ? 'lock' : 'enable', 'MI command')
      return 'OK'
    },
    carrier_status: ({ partition_name: name, carrier_id: id, status }) => {
      const { carriers } = choose(name).data
      if (id === undefined)
        return { Carriers: [...carriers.values()].map(one => ({ ID: one.id, Enabled: yesNo(one.isEnabled) })) }
      const carrier = carriers.get(id)
      if (carrier === undefined) throw new MiError(404, 'Carrier ID not found')
      if (status === undefined) return { ID: carrier.id, Enabled: yesNo(carrier.isEnabled) }
      carrier.isUnsaved ||= carrier.isEnabled !== (status !== 0)
      carrier.isEnabled = status !== 0
      return 'OK'
    },
    reload_status: ({ partition_name: name }) => {
      if (name !== undefined || registry.all.length === 1)
        return { Date: asctime(choose(name ?? registry.all[0]?.name).loadedMs) }
      return { Partitions: registry.all.map(one => ({ name: one.name, Date: asctime(one.loadedMs) })) }
    },
    number_routing: ({ group_id: group = params.default_group ?? 0, number, partition_name: name }) => {
      const { value: rule } = router.rules(choose(name), number, { group, isStrict: false }).next()
      if (rule === undefined) throw new MiError(404, 'No match')
      const members = rule.members.map(({ to }) => to)
      const carriers = members.filter(to => to instanceof Carrier).map(({ id }) => id)
      const gateways = members.filter(to => !(to instanceof Carrier)).map(({ id }) => id)
      return {
        'Matched Prefix': rule.prefix,
        ...(gateways.length === 0 ? {} : { 'GW List': gateways }),
        ...(carriers.length === 0 ? {} : { 'CARRIER List': carriers }),
      }
    },
    enable_probing: ({ status }) => {
      if (status === undefined) return { Status: probing.isOn ? 1 : 0 }
      probing.isOn = status !== 0
      return 'OK'
    },
  }
}

const yesNo = (is: boolean): 'yes' | 'no' => (is ? 'yes' : 'no')

const STATES = { active: 'Active', inactive: 'Inactive', probing: 'Probing', 'disabled MI': 'Disabled MI' } as const
const stateOf = ({ status }: Gateway): string => STATES[status]
const attrsOf = ({ data }: Gateway) => (data.attrs === null ? {} : { ATTRS: data.attrs })

function describeGateway(gateway: Gateway): unknown {
  return { ID: gateway.id, IP: gateway.data.address, ...attrsOf(gateway), State: stateOf(gateway) }
}
