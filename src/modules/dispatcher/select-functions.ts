import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, Step } from '../../script/context.ts'
import { Algorithms, NEEDED_PARAM } from './algorithms.ts'
import { changeOf } from './commands.ts'
import { current, goToNext, type Mode } from './failover.ts'
import type { Selection } from './selection.ts'
import { parseFlags, parseSelection, type SelectFlags, splitPartition } from './selection-text.ts'
import type { DispatcherServices } from './services.ts'

/** Most alternatives where the script names no limit. */
const MOST_ALTERNATIVES = 1000

const selectArgs = [
  arg('set', 'str', 'Number of the set; 2.x: `[partition:]set[:max], set[:max] …`.'),
  arg('alg', 'str', 'Number of the algorithm; 2.x: one for each set, divided by commas.'),
  optional(arg('flags', 'str', 'f failover, u hash user parts only, d last destination as last resort, a append.')),
  optional(arg('partition', 'str', 'Partition; 2.x: most alternatives.')),
  optional(arg('max_res', 'int', 'Most alternatives that are kept.')),
] as const
const selects = {
  args: selectArgs,
  routes: ['request', 'failure', 'branch', 'local'],
  returns: '1 chosen; −1 there is no such set, nothing in it is in service, or what is hashed is missing',
} as const
const nextArgs = [optional(arg('partition', 'str', 'Partition; the default one if absent.'))] as const
const goesOn = { args: nextArgs, routes: ['request', 'failure'], returns: '1 there is one; −1 there is none' } as const

/** Functions that choose destinations. */
export const selectSpecs = {
  ds_select_dst: { ...selects, doc: 'Chooses a destination of a set as the next hop (`$du`).' },
  ds_select_domain: { ...selects, doc: 'Chooses a destination of a set as host and port of the Request-URI.' },
  ds_next_dst: { ...goesOn, doc: 'Takes the next of the destinations that flag f kept as the next hop.' },
  ds_next_domain: { ...goesOn, doc: 'Takes the next of the destinations that flag f kept as host of the Request-URI.' },
  ds_mark_dst: {
    args: [
      optional(arg('state', 'str', 'i inactive, p probing, a active; i if absent. 2.x: `[partition:]state`.')),
      optional(arg('partition', 'str', 'Partition; the default one if absent.')),
    ],
    routes: ['request', 'failure'],
    returns: '1 done; −1 no destination is in use, or it is gone',
    doc: 'Sets the state of the destination in use. p counts a failure and takes it out of service at the threshold.',
  },
} as const

/** Handlers of {@link selectSpecs}. */
export function selectFunctions(services: DispatcherServices): FunctionHandlers<typeof selectSpecs> {
  const next =
    (mode: Mode) =>
    (partition: Arg<string> | undefined): Step => {
      const find = services.partitionArg(partition)
      return m => {
        const found = find(m)
        return found !== undefined && goToNext(m, found.settings.avps, mode, services.findSocket) ? 1 : -1
      }
    }
  return {
    ds_select_dst: (...args) => selectStep(services, 'next hop', args),
    ds_select_domain: (...args) => selectStep(services, 'domain', args),
    ds_next_dst: next('next hop'),
    ds_next_domain: next('domain'),
    ds_mark_dst: (state, partition) => markStep(services, state, partition),
  }
}

type Given<T> = Arg<T> | undefined
type SelectArgs = readonly [Arg<string>, Arg<string>, Given<string>, Given<string>, Given<number>]

function selectStep(services: DispatcherServices, mode: Mode, args: SelectArgs): Step {
  const [set, alg, flags, partition, most] = args
  if (alg.constant !== undefined) checkAlgorithms(services, alg)
  const prepare = (m: RouteContext | null): Selection | string => {
    const value = <T>(given: Given<T>): T | undefined => (m === null ? given?.constant : given?.read(m))
    return makeSelection(services, mode, {
      sets: value(set) ?? '',
      algorithms: value(alg) ?? '',
      flags: value(flags) ?? '',
      partition: value(partition),
      most: value(most),
    })
  }
  if (args.every(given => given === undefined || given.constant !== undefined)) {
    const selection = prepare(null)
    if (typeof selection === 'string') return set.reject(selection)
    return m => services.selector.select(m, selection)
  }
  return m => {
    const selection = prepare(m)
    if (typeof selection !== 'string') return services.selector.select(m, selection)
    services.log.error('a selection cannot be made', { reason: selection })
    return -1
  }
}

function checkAlgorithms({ params, log }: DispatcherServices, alg: Arg<string>): void {
  for (const text of (alg.constant ?? '').split(',')) {
    const needed = NEEDED_PARAM[Number(text)]
    if (needed !== undefined && params[needed] === undefined)
      alg.reject(`algorithm ${text.trim()} needs the parameter ${needed} of the dispatcher module`)
    if (!Algorithms.has(Number(text)))
      log.warn('unknown algorithm; the first destination will be taken', { algorithm: text.trim() })
  }
}

interface SelectionTexts {
  readonly sets: string
  readonly algorithms: string
  readonly flags: string
  readonly partition: string | undefined
  readonly most: number | undefined
}

/** The selection that texts ask for, or what is wrong with them. */
function makeSelection(services: DispatcherServices, mode: Mode, texts: SelectionTexts): Selection | string {
  const written = parseSelection(texts.sets, texts.algorithms)
  if (typeof written === 'string') return written
  const flags = parseFlags(texts.flags, usualFlags(services))
  if (typeof flags === 'string') return flags
  // A number in the place of the partition is the limit of 2.x.
  const named = texts.partition?.trim()
  const isLimit = named !== undefined && /^\d+$/.test(named) && services.registry.find(named) === undefined
  const name = (isLimit || named === '' ? undefined : named) ?? written.partition
  const partition = services.registry.find(name)
  if (partition === undefined)
    return `there is no partition "${name}", expected one of ${services.registry.names().join(', ')}`
  const most = texts.most ?? (isLimit ? Number(named) : (flags.most ?? MOST_ALTERNATIVES))
  return { partition, sets: written.sets, flags, mode, most }
}

function usualFlags({ params }: DispatcherServices): SelectFlags {
  return {
    userOnly: (params.flags & 1) !== 0,
    failover: (params.flags & 2) !== 0,
    lastResort: params.use_default !== 0,
    append: false,
    most: null,
  }
}

function markStep(services: DispatcherServices, state: Given<string>, partition: Given<string>): Step {
  const read = (text: string) => {
    const { partition: name, rest } = splitPartition(text)
    return { name, change: changeOf(rest) }
  }
  if (state?.constant !== undefined && read(state.constant).change === undefined)
    state.reject(`expected i, p or a, got "${state.constant}"`)
  const find = services.partitionArg(partition)
  return m => {
    const { name, change } = read(state?.read(m) ?? 'i')
    const found = name === null ? find(m) : services.registry.find(name)
    const used = found === undefined ? null : current(m, found.settings.avps)
    const destination = used === null ? undefined : found?.find(used.setId, used.uri)
    if (found === undefined || destination === undefined || change === undefined) return -1
    services.statuses.change(found, destination, change, 'script function ds_mark()')
    return 1
  }
}
