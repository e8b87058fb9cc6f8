import { arg, functionGroup, type Host, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, Step, Target } from '../../script/context.ts'

type Change = 'set' | 'reset' | 'test'

/** The mask of a flag whose name is an argument; a constant name gets its bit at load. */
function bitReader(name: Arg<string>, bitOf: (name: string) => number): (m: RouteContext) => number {
  if (name.constant === undefined) return m => bitOf(name.read(m))
  const bit = bitOf(name.constant)
  return () => bit
}

function messageFlag(host: Host, name: Arg<string>, change: Change): Step {
  const bitOf = bitReader(name, text => host.script.flagBit(text))
  return m => {
    const bit = bitOf(m)
    if (change === 'test') return (m.flags & bit) === 0 ? -1 : 1
    m.flags = change === 'set' ? m.flags | bit : m.flags & ~bit
    return 1
  }
}

const isNumber = (a: Arg<string>): boolean => /^\d+$/.test(a.constant ?? '')

/**
 * 4.x writes (flag, branch), 2.x (branch, flag). A number is a branch where the other argument is none; of two numbers
 * the era decides which is which.
 */
function branchFlag(host: Host, a: Arg<string>, b: Arg<string> | undefined, change: Change): Step {
  const isSwapped = b !== undefined && isNumber(a) && (host.settings.era === '2.4' || !isNumber(b))
  const [name, index] = b !== undefined && isSwapped ? [b, a] : [a, b]
  if (index?.constant !== undefined && !isNumber(index))
    index.reject(`expected the index of a branch, got "${index.constant}"`)
  const bitOf = bitReader(name, text => host.script.branchFlagBit(text))
  return m => {
    const bit = bitOf(m)
    const branch = branchAt(m, index === undefined ? 0 : Number(index.read(m)))
    if (branch === undefined) return -1
    if (change === 'test') return (branch.flags & bit) === 0 ? -1 : 1
    branch.flags = change === 'set' ? branch.flags | bit : branch.flags & ~bit
    return 1
  }
}

/** Branch 0 is the Request-URI. */
const branchAt = (m: RouteContext, index: number): Target | undefined =>
  index === 0 ? m.target : m.branches[index - 1]

const flagArg = arg('flag', 'str', 'Name of the flag; any word, or a number as in 2.x.')
const branchArgs = [
  arg('flag', 'str', 'Name of the flag. 2.x wrote the branch first: `(1, "F")` is understood too.'),
  optional(arg('branch', 'str', 'Index of the branch, 0 (the Request-URI) if absent.')),
] as const

/** Functions on message flags and branch flags. */
export const flagFunctions = functionGroup(
  {
    setflag: { args: [flagArg], routes: 'any', returns: '1', doc: 'Sets a message flag.' },
    resetflag: { args: [flagArg], routes: 'any', returns: '1', doc: 'Clears a message flag.' },
    isflagset: { args: [flagArg], routes: 'any', returns: '1 set; −1 not', doc: 'Whether a message flag is set.' },
    setbflag: {
      args: branchArgs,
      routes: 'any',
      aliases: ['setbranchflag'],
      returns: '1; −1 no such branch',
      doc: 'Sets a branch flag.',
    },
    resetbflag: {
      args: branchArgs,
      routes: 'any',
      aliases: ['resetbranchflag'],
      returns: '1; −1 no such branch',
      doc: 'Clears a branch flag.',
    },
    isbflagset: {
      args: branchArgs,
      routes: 'any',
      aliases: ['isbranchflagset'],
      returns: '1 set; −1 not, or no such branch',
      doc: 'Whether a branch flag is set.',
    },
  },
  ({ host }) => ({
    setflag: name => messageFlag(host, name, 'set'),
    resetflag: name => messageFlag(host, name, 'reset'),
    isflagset: name => messageFlag(host, name, 'test'),
    setbflag: (flag, branch) => branchFlag(host, flag, branch, 'set'),
    resetbflag: (flag, branch) => branchFlag(host, flag, branch, 'reset'),
    isbflagset: (flag, branch) => branchFlag(host, flag, branch, 'test'),
  }),
)
