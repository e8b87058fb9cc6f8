import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import { addressTexts, isAt } from '../../proxy/locate.ts'
import { canonicalHost } from '../../sip/net/address.ts'
import type { Commands } from '../../util/spec.ts'
import type { Destination } from './destination.ts'
import type { Partition } from './partition.ts'
import type { Registry } from './registry.ts'
import { splitPartition } from './selection-text.ts'
import type { Change, Statuses } from './status.ts'

const partition = optional(arg('partition', 'str', 'Partition; every one, or the default one, if absent.'))

/** Management commands. */
export const dispatcherCommands = {
  set_state: {
    args: [
      arg('state', 'str', 'a active, i inactive, p probing.'),
      arg('group', 'str', 'Number of the set; `partition:number` outside of the default partition.'),
      arg('address', 'str', 'URI of the destination, as provisioned.'),
    ],
    aliases: ['ds_set_state'],
    doc: 'Takes a destination into or out of service.',
  },
  list: {
    args: [optional(arg('full', 'json', 'Anything but 0: weights, priorities and descriptions too.')), partition],
    aliases: ['ds_list'],
    doc: 'Lists the sets and their destinations.',
  },
  reload: {
    args: [partition, optional(arg('inherit_state', 'str', 'n: states are those of the source; else they are kept.'))],
    aliases: ['ds_reload'],
    doc: 'Loads the destinations anew. When that fails nothing changes.',
  },
  push_script_attrs: {
    args: [
      arg('attrs', 'str', 'Attributes for scripts.'),
      arg('ip', 'str', 'Address of the destination.'),
      arg('port', 'int', 'Its port; 0 for any.'),
      arg('set', 'int', 'Its set.'),
      partition,
    ],
    aliases: ['ds_push_script_attrs'],
    doc: 'Gives script attributes to the destinations of a set with this address.',
  },
} as const

const CHANGES: Readonly<Record<string, Change>> = {
  a: 'activate',
  '0': 'activate',
  i: 'deactivate',
  '1': 'deactivate',
  p: 'probe',
  '2': 'probe',
}

/** The change a letter stands for, in any case; of longer words the first letter counts. */
export const changeOf = (word: string): Change | undefined => CHANGES[word.trim().charAt(0).toLowerCase()]

/** Handlers of {@link dispatcherCommands}. */
export function dispatcherCommandHandlers(
  registry: Registry,
  statuses: Statuses,
): Commands<{ readonly commands: typeof dispatcherCommands }> {
  return {
    set_state: ({ state, group, address }) => {
      const change = changeOf(state)
      if (change === undefined) throw new MiError(500, 'Bad state value')
      const { partition: name, rest } = splitPartition(group)
      if (!/^\s*\d+\s*$/.test(rest)) throw new MiError(500, 'Bad group value')
      const found = choose(registry, name ?? undefined)
      const destination = found.find(Number(rest), address)
      if (destination === undefined) throw new MiError(404, 'destination not found')
      statuses.change(found, destination, change, 'MI command')
      return 'OK'
    },
    list: ({ full, partition: name }) => {
      const isFull = full !== undefined && full !== null && full !== 0 && full !== '0' && full !== false
      const chosen = name === undefined ? [...registry.all()] : [choose(registry, name)]
      return { PARTITIONS: chosen.map(one => describe(one, isFull)) }
    },
    reload: async ({ partition: name, inherit_state: inherit = 'y' }) => {
      const chosen = name === undefined ? [...registry.all()] : [choose(registry, name)]
      try {
        for (const one of chosen) await registry.load(one, !/^[n0]/i.test(inherit.trim()))
      } catch (error) {
        throw new MiError(500, 'ERROR Reloading data', error instanceof Error ? error.message : String(error))
      }
      return 'OK'
    },
    push_script_attrs: ({ attrs, ip, port, set, partition: name }) => {
      const isFound = pushScriptAttrs(choose(registry, name), { attrs, ip, port, setId: set })
      if (!isFound) throw new MiError(404, 'destination not found')
      return 'OK'
    },
  }
}

/** Gives script attributes to the destinations of a set at an address. False when there is none. */
export function pushScriptAttrs(
  partitionOf: Partition,
  {
    attrs,
    ip,
    port,
    setId,
  }: { readonly attrs: string; readonly ip: string; readonly port: number; readonly setId: number },
): boolean {
  const found =
    partitionOf.set(setId)?.destinations.filter(destination => isAt(destination, canonicalHost(ip), port)) ?? []
  for (const destination of found) destination.scriptAttrs = attrs
  return found.length > 0
}

function choose(registry: Registry, name: string | undefined): Partition {
  const found = registry.find(name)
  if (found === undefined) throw new MiError(500, 'ERROR Unknown partition')
  return found
}

/** Sets come the last one named first, as recorded. */
function describe({ name, sets }: Partition, isFull: boolean): unknown {
  const described = sets.toReversed().map(({ id, destinations }) => ({
    id,
    Destinations: destinations.map(destination => describeDestination(destination, isFull)),
  }))
  return { name, SETS: described }
}

function describeDestination(destination: Destination, isFull: boolean): unknown {
  const { uri, state, hits, socket, scriptAttrs, weight, data } = destination
  const { attrs, priority, description } = data
  return {
    URI: uri,
    state,
    first_hit_counter: hits,
    ...(socket === null ? {} : { socket: socket.text }),
    ...(attrs === null ? {} : { attr: attrs }),
    ...(scriptAttrs === null ? {} : { script_attr: scriptAttrs }),
    ...(isFull ? { weight, priority } : {}),
    ...(isFull && description !== null ? { description } : {}),
    resolved_addresses: addressTexts(destination),
  }
}
