import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import type { CommandSpec, Commands } from '../../util/spec.ts'
import type { Balancer } from './balancer.ts'
import type { Destination } from './destination.ts'
import type { Registry } from './registry.ts'

const id = arg('destination_id', 'int', 'Id of the destination.')

/** Management commands. */
export const balancerCommands = {
  reload: {
    args: [],
    aliases: ['lb_reload'],
    doc: 'Loads the destinations anew; calls stay counted. When that fails nothing changes.',
  },
  resize: {
    args: [id, arg('res_name', 'str', 'Name of the resource.'), arg('new_capacity', 'int', 'How many calls it holds.')],
    aliases: ['lb_resize'],
    doc: 'Changes the capacity of a resource until the next load.',
  },
  list: { args: [], aliases: ['lb_list'], doc: 'Lists the destinations with their resources and loads.' },
  status: {
    args: [id, optional(arg('new_status', 'int', '0 disabled, 1 enabled.'))],
    aliases: ['lb_status'],
    doc: 'Enables or disables a destination, or tells whether it is enabled. Probing does not change what is disabled here.',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>

interface CommandParts {
  readonly balancer: Balancer
  readonly registry: Registry
  readonly reload: () => Promise<void>
}

/** Builds them. */
export function balancerCommandHandlers({
  balancer,
  registry,
  reload,
}: CommandParts): Commands<{ readonly commands: typeof balancerCommands }> {
  const find = (wanted: number): Destination => {
    const destination = registry.find(wanted)
    if (destination === undefined) throw new MiError(404, 'Destination ID not found')
    return destination
  }
  return {
    reload: async () => {
      try {
        await reload()
      } catch (error) {
        throw new MiError(500, 'Failed to reload', error instanceof Error ? error.message : String(error))
      }
      return 'OK'
    },
    resize: ({ destination_id, res_name, new_capacity }) => {
      const resource = find(destination_id).resource(res_name)
      if (resource === undefined) throw new MiError(404, 'Destination has no such resource')
      if (new_capacity < 0) throw new MiError(400, 'Bad parameter value', 'expected a capacity from 0')
      resource.max = new_capacity
      return 'OK'
    },
    list: () => ({ Destinations: registry.all.map(destination => describe(balancer, destination)) }),
    status: ({ destination_id, new_status }) => {
      const destination = find(destination_id)
      if (new_status === undefined) return { enable: yesNo(destination.isEnabled) }
      destination.isLocked = new_status === 0
      registry.switch(destination, new_status !== 0, 'MI command')
      return 'OK'
    },
  }
}

const yesNo = (is: boolean): 'yes' | 'no' => (is ? 'yes' : 'no')

function describe(balancer: Balancer, destination: Destination): unknown {
  const { data, uri, isEnabled, isRevived } = destination
  const resources = data.resources.map(({ name, max }) => ({ name, max, load: balancer.load(destination, name) }))
  return {
    uri,
    id: data.id,
    group: data.group,
    enabled: yesNo(isEnabled),
    'auto-reenable': isRevived ? 'on' : 'off',
    Resources: resources,
    ...(data.attrs === null ? {} : { attrs: data.attrs }),
  }
}
