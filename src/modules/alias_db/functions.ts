import type { Log } from '../../log/log.ts'
import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import { MAX_BRANCHES, type RouteContext, target, type Verdict } from '../../script/context.ts'
import { type Aliases, type LookupFlags, parseLookupFlags } from './aliases.ts'

const table = arg('table', 'str', 'Table of the aliases.')
const flags = optional(arg('flags', 'str', '`d`: look by user alone; `r`: look for the alias of a user.'))
const returns = '1 found; −1 not'

/** Script functions of the alias_db module. */
export const aliasSpecs = {
  alias_db_lookup: {
    args: [table, flags],
    routes: ['request', 'failure'],
    returns,
    doc: 'Replaces the Request-URI, where it is an alias, by the URI of the user it stands for.',
  },
  alias_db_find: {
    args: [table, arg('input_uri', 'str', 'URI to look for.'), arg('output', 'var', 'Gets the URI found.'), flags],
    routes: ['request', 'failure', 'onreply', 'branch', 'local', 'startup'],
    returns,
    doc: 'Finds the URI of the user that an alias stands for.',
  },
} as const

interface AliasFunctionsParts {
  /** The table of this name; `expected` ones are looked at when the proxy starts. */
  readonly aliases: (name: string, isExpected: boolean) => Aliases
  readonly appendsBranches: boolean
  readonly log: Log
}

/** Handlers of {@link aliasSpecs}. */
export function aliasFunctions(parts: AliasFunctionsParts): FunctionHandlers<typeof aliasSpecs> {
  const { aliases, appendsBranches, log } = parts
  const tableArg = (name: Arg<string>): ((m: RouteContext) => Aliases) => {
    if (name.constant === undefined) return m => aliases(name.read(m), false)
    const found = aliases(name.constant, true)
    return () => found
  }
  const found = async (
    uris: Promise<readonly string[]>,
    use: (first: string, others: readonly string[]) => boolean,
  ): Promise<Verdict> => {
    try {
      const [first, ...others] = await uris
      return first !== undefined && use(first, others) ? 1 : -1
    } catch (error) {
      log.often().error('the aliases cannot be asked for', { reason: String(error) })
      return -1
    }
  }
  return {
    alias_db_lookup: (name, given) => {
      const [tableOf, flagsOf] = [tableArg(name), flagsArg(given)]
      return m => {
        const wanted = flagsOf(m)
        if (wanted === null) return -1
        return found(tableOf(m).find(m.target.uri, wanted), (first, others) => {
          m.target.uri = first
          if (appendsBranches) m.branches.push(...others.map(target).slice(0, MAX_BRANCHES - m.branches.length))
          return true
        })
      }
    },
    alias_db_find: (name, uri, output, given) => {
      const [tableOf, flagsOf] = [tableArg(name), flagsArg(given)]
      return m => {
        const wanted = flagsOf(m)
        if (wanted === null) return -1
        return found(tableOf(m).find(uri.read(m), wanted), first => output.read(m).set(m, first))
      }
    },
  }
}

/** Null for flags that cannot be read. */
function flagsArg(flagsText: Arg<string> | undefined): (m: RouteContext) => LookupFlags | null {
  if (flagsText !== undefined && flagsText.constant === undefined) return m => parseLookupFlags(flagsText.read(m))
  const parsed = parseLookupFlags(flagsText?.constant ?? '')
  if (parsed === null) flagsText?.reject(`expected d, r or both, got "${flagsText.constant}"`)
  return () => parsed
}
