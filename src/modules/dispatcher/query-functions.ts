import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import { isAt } from '../../proxy/locate.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { canonicalHost } from '../../sip/net/address.ts'
import { wildcardMatcher } from '../../util/wildcard.ts'
import { pushScriptAttrs } from './commands.ts'
import type { Destination } from './destination.ts'
import type { Partition } from './partition.ts'
import { splitPartition } from './selection-text.ts'
import type { DispatcherServices } from './services.ts'

const routes = ['request', 'failure', 'onreply', 'branch', 'local', 'startup', 'timer', 'event'] as const
const ip = arg('ip', 'str', 'Address of the destination.')
const port = arg('port', 'int', 'Its port; 0 for any.')
const partition = optional(arg('partition', 'str', 'Partition; the default one if absent.'))

/** Functions that ask about destinations. */
export const querySpecs = {
  ds_is_in_list: {
    args: [
      ip,
      port,
      optional(arg('set', 'str', 'Number of the set, −1 for any; any if absent. 2.x: `[partition:]set`.')),
      optional(arg('partition', 'str', 'Partition; the default one if absent. 2.x: active_only.')),
      optional(arg('active_only', 'int', '1: look at destinations in service only.')),
      optional(arg('attrs', 'str', 'Shell wildcard for the attributes.')),
    ],
    routes,
    returns: '1 it is there; −1 it is not',
    doc: 'Whether an address is that of a destination. Then `setid_pvar` and `attrs_avp` are set.',
  },
  ds_count: {
    args: [
      arg('set', 'str', 'Number of the set. 2.x: `[partition:]set`.'),
      arg('filter', 'str', 'Which are counted: a active, i inactive, p probing, or several of them.'),
      arg('result', 'var', 'Takes the number.'),
      partition,
    ],
    routes,
    returns: '1 counted; −1 there is no such set',
    doc: 'Counts the destinations of a set by their states.',
  },
  ds_push_script_attrs: {
    args: [
      arg('attrs', 'str', 'Attributes for scripts.'),
      ip,
      port,
      arg('set', 'int', 'Number of the set.'),
      partition,
    ],
    routes,
    returns: '1 done; −1 there is no such destination',
    doc: 'Gives script attributes to the destinations of a set with this address.',
  },
  ds_get_script_attrs: {
    args: [
      arg('uri', 'str', 'URI of the destination, as provisioned.'),
      arg('set', 'int', 'Number of the set.'),
      arg('partition', 'str', 'Partition; the default one if empty.'),
      arg('result', 'var', 'Takes the attributes.'),
    ],
    routes,
    returns: '1 it has some; −1 there is no such destination, or it has none',
    doc: 'Reads the script attributes of a destination.',
  },
} as const

/** Handlers of {@link querySpecs}. */
export function queryFunctions(services: DispatcherServices): FunctionHandlers<typeof querySpecs> {
  const { params } = services
  const setIdVariable = params.setid_pvar === undefined ? null : services.script.variable(params.setid_pvar)
  return {
    ds_is_in_list: (...args) => {
      const find = findInList(services, args)
      return m => {
        const found = find(m)
        if (found === null) return -1
        setIdVariable?.set(m, found.destination.data.setId, true)
        const { attrs } = found.partition.settings.avps
        if (attrs !== undefined && found.destination.data.attrs !== null) {
          m.avps.removeAll(attrs)
          m.avps.push(attrs, found.destination.data.attrs)
        }
        return 1
      }
    },
    ds_count: (set, filter, result, where) => {
      if (filter.constant !== undefined && !isFilter(filter.constant))
        filter.reject('expected letters out of a, i and p')
      const find = services.partitionArg(where)
      return m => {
        const { partition: name, rest } = splitPartition(set.read(m))
        const found = (name === null ? find(m) : services.registry.find(name))?.set(Number(rest))
        const letters = filter.read(m).toLowerCase()
        if (found === undefined || !isFilter(letters)) return -1
        const count = found.destinations.filter(({ state }) => letters.includes(state.charAt(0).toLowerCase())).length
        return result.read(m).set(m, count) ? 1 : -1
      }
    },
    ds_push_script_attrs: (attrs, address, at, set, where) => {
      const find = services.partitionArg(where)
      return m => {
        const found = find(m)
        const to = { attrs: attrs.read(m), ip: address.read(m), port: at.read(m), setId: set.read(m) }
        return found !== undefined && pushScriptAttrs(found, to) ? 1 : -1
      }
    },
    ds_get_script_attrs: (uri, set, where, result) => {
      const find = services.partitionArg(where)
      return m => {
        const attrs = find(m)?.find(set.read(m), uri.read(m))?.scriptAttrs ?? null
        return attrs !== null && result.read(m).set(m, attrs) ? 1 : -1
      }
    },
  }
}

const isFilter = (text: string): boolean => /^[aip]+$/i.test(text)

interface Found {
  readonly partition: Partition
  readonly destination: Destination
}
type Given<T> = Arg<T> | undefined
type ListArgs = readonly [Arg<string>, Arg<number>, Given<string>, Given<string>, Given<number>, Given<string>]

function findInList(services: DispatcherServices, args: ListArgs): (m: RouteContext) => Found | null {
  const [address, at, set, where, activeOnly, attrs] = args
  return m => {
    const written = splitPartition(set?.read(m) ?? '-1')
    const fourth = where?.read(m).trim() ?? ''
    // A number in the place of the partition is the active_only of 2.x.
    const isActiveOnly = /^\d+$/.test(fourth) && services.registry.find(fourth) === undefined
    const name = fourth === '' || isActiveOnly ? written.partition : fourth
    const found = services.registry.find(name)
    if (found === undefined) return null
    const onlyActive = (activeOnly?.read(m) ?? (isActiveOnly ? Number(fourth) : 0)) !== 0
    const attrsMatcher = attrs === undefined ? null : wildcardMatcher(attrs.read(m))
    const ipText = canonicalHost(address.read(m))
    const portNumber = at.read(m)
    const destination = candidates(found, Number(written.rest)).find(
      one =>
        isAt(one, ipText, portNumber) &&
        (!onlyActive || one.isActive) &&
        (attrsMatcher === null || attrsMatcher.matches(one.data.attrs ?? '')),
    )
    return destination === undefined ? null : { partition: found, destination }
  }
}

function candidates(found: Partition, setId: number): readonly Destination[] {
  return setId < 0 ? found.destinations : (found.set(setId)?.destinations ?? [])
}
