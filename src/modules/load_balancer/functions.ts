import type { Log } from '../../log/log.ts'
import { arg, type FunctionHandlers, type FunctionSpec, type ModuleApis, optional } from '../../module/define.ts'
import { isAt } from '../../proxy/locate.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Step } from '../../script/context.ts'
import { canonicalHost } from '../../sip/net/address.ts'
import { type Balancer, Choice, type ChoiceFlags, type Dialog } from './balancer.ts'
import type { Destination } from './destination.ts'
import type { Registry } from './registry.ts'
import { namesIn } from './resource.ts'

const group = arg('group', 'int', 'Group of the destinations.')
const attrs = optional(arg('attrs', 'var', 'Takes the attributes of the destination, NULL for none.'))
const startArgs = [
  group,
  arg('resources', 'str', 'Resources that the call needs, divided by semicolons.'),
  optional(arg('flags', 'str', 'n also destinations that are full, r by per cent left, s by chance among equals.')),
  attrs,
] as const
const routes = ['request', 'failure', 'branch'] as const
const selects = {
  routes,
  returns:
    '1 chosen; −1 the call cannot be followed; −2 all that serve are full; −3 none is enabled, provides what is needed and was not tried; −4 unknown resource',
} as const
const ip = arg('ip', 'str', 'Address of the destination.')
const port = arg('port', 'int', 'Its port; 0 for any.')

/** Script functions. */
export const balancerSpecs = {
  lb_start: {
    ...selects,
    args: startArgs,
    doc: 'Sends the call to the destination with the most capacity left (`$du`), which it then takes up.',
  },
  lb_start_or_next: {
    ...selects,
    args: startArgs,
    aliases: ['load_balance'],
    doc: 'As lb_start() for the first time, as lb_next() from then on.',
  },
  lb_next: {
    ...selects,
    args: [attrs],
    doc: 'Sends the call to the best destination it was not sent to yet; what it took up at the last one is free again.',
  },
  lb_reset: {
    args: [],
    routes,
    returns: '1 done; −1 it was not started',
    doc: 'Forgets the selection; what the call took up is free again.',
  },
  lb_is_started: {
    args: [],
    routes,
    returns: '1 it was; −1 it was not',
    doc: 'Whether a destination was chosen for the call.',
  },
  lb_disable_dst: {
    args: [],
    routes,
    returns: '1 done; −1 none was chosen',
    aliases: ['lb_disable'],
    doc: 'Disables the destination that was chosen. Probing may enable it again.',
  },
  lb_is_destination: {
    args: [
      ip,
      port,
      optional(arg('group', 'int', 'Group; −1 for any.')),
      optional(arg('active', 'int', '1: enabled destinations only.')),
      attrs,
    ],
    routes: ['request', 'failure', 'onreply', 'branch', 'local'],
    returns: '1 it is; −1 it is not',
    doc: 'Whether an address is that of a destination.',
  },
  lb_count_call: {
    args: [
      ip,
      port,
      arg('group', 'int', 'Group; −1 for any.'),
      arg('resources', 'str', 'Resources that the call takes up, divided by semicolons.'),
      optional(arg('undo', 'int', '1: it does not any more.')),
    ],
    routes,
    returns: '1 counted; −1 there is no such destination or resource, or the call cannot be followed',
    doc: 'Counts a call at a destination that was not chosen here.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

interface FunctionParts {
  readonly balancer: Balancer
  readonly registry: Registry
  readonly dialogs: ModuleApis['dialog']
  readonly log: Log
}
type Given<T> = Arg<T> | undefined
type StartArgs = readonly [Arg<number>, Arg<string>, Given<string>, Given<PvarRef>]

/** Builds them. */
export function balancerFunctions(parts: FunctionParts): FunctionHandlers<typeof balancerSpecs> {
  const { balancer, dialogs, registry } = parts
  const test =
    (run: (dialog: Dialog) => boolean): Step =>
    m => {
      const dialog = dialogs.current(m)
      return dialog !== null && run(dialog) ? 1 : -1
    }
  return {
    lb_start: (...args) => startStep(parts, args, false),
    lb_start_or_next: (...args) => startStep(parts, args, true),
    lb_next: into => m => {
      const dialog = dialogs.current(m)
      return dialog === null ? Choice.failed : take(parts, m, dialog, balancer.goOn(dialog), into)
    },
    lb_reset: () => test(dialog => balancer.end(dialog)),
    lb_is_started: () => test(dialog => balancer.session(dialog) !== undefined),
    lb_disable_dst: () =>
      test(dialog => {
        const current = balancer.session(dialog)?.current ?? null
        // A reload may have replaced it.
        const destination = current === null ? undefined : registry.find(current.data.id)
        if (destination !== undefined) registry.switch(destination, false, 'script function lb_disable_dst()')
        return destination !== undefined
      }),
    lb_is_destination: (address, at, inGroup, active, into) => m => {
      const isActiveOnly = (active?.read(m) ?? 0) !== 0
      const found = findAll(registry, address.read(m), at.read(m), inGroup?.read(m) ?? -1)
      const destination = found.find(one => one.isEnabled || !isActiveOnly)
      if (destination === undefined) return -1
      into?.read(m).set(m, destination.data.attrs)
      return 1
    },
    lb_count_call: (address, at, inGroup, resources, undo) => m => {
      const needed = namesIn(resources.read(m))
      const destination = findAll(registry, address.read(m), at.read(m), inGroup.read(m)).find(one =>
        needed.every(name => one.resource(name) !== undefined),
      )
      const dialog = dialogs.current(m) ?? dialogs.create(m)
      if (destination === undefined || dialog === null || needed.length === 0) return -1
      balancer.count(dialog, destination, needed, (undo?.read(m) ?? 0) === 0 ? 1 : -1)
      return 1
    },
  }
}

function startStep(parts: FunctionParts, [inGroup, resources, written, into]: StartArgs, goesOn: boolean): Step {
  const { balancer, dialogs, log } = parts
  const constant = written === undefined ? '' : written.constant
  const known = constant === undefined ? null : parseFlags(constant)
  if (typeof known === 'string') written?.reject(known)
  return m => {
    const flags = known ?? parseFlags(written?.read(m) ?? '')
    const dialog = dialogs.current(m) ?? dialogs.create(m)
    if (dialog === null || typeof flags === 'string') {
      log.error('a call cannot be balanced', { reason: typeof flags === 'string' ? flags : 'no call begins here' })
      return Choice.failed
    }
    if (goesOn && balancer.session(dialog) !== undefined) return take(parts, m, dialog, balancer.goOn(dialog), into)
    const needs = { group: inGroup.read(m), resources: namesIn(resources.read(m)), flags }
    return take(parts, m, dialog, balancer.begin(dialog, needs), into)
  }
}

function take(
  { balancer }: FunctionParts,
  m: RouteContext,
  dialog: Dialog,
  choice: Choice,
  into: Given<PvarRef>,
): Choice {
  const current = balancer.session(dialog)?.current
  if (choice !== Choice.done || current == null) return choice
  m.target.dstUri = current.uri
  into?.read(m).set(m, current.data.attrs)
  return choice
}

function findAll(registry: Registry, address: string, port: number, inGroup: number): readonly Destination[] {
  const host = canonicalHost(address)
  return registry.all.filter(one => (inGroup < 0 || one.data.group === inGroup) && isAt(one, host, port))
}

/** Reads the letters; of 1.x the numbers of its algorithms too. Gives what is wrong where there is something else. */
function parseFlags(text: string): ChoiceFlags | string {
  const wrong = /[^nrs01\s]/.exec(text)
  if (wrong !== null) return `unknown flag "${wrong[0]}", expected n, r or s`
  return { allowsFull: text.includes('n'), isRelative: /[r1]/.test(text), isRandom: text.includes('s') }
}
