import type { Log } from '../../log/log.ts'
import type { CacheSystem, CacheSystems } from '../../module/cache-systems.ts'
import { arg, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Step, Verdict } from '../../script/context.ts'
import { andThen } from '../../util/and-then.ts'

const ERROR = -1
const NOT_FOUND = -2

const system = arg('system', 'str', 'Cache system, `local` or `local:group`.')
const key = arg('key', 'str', 'Key of the value.')
const lifetime = optional(arg('lifetime', 'int', 'Seconds the value is kept; 0 or absent is for ever.'))
const failed = '−1 there is no such system, or it failed'

/** Functions on cache systems, as data. */
export const cacheFunctionSpecs = {
  cache_store: {
    args: [system, key, arg('value', 'str', 'The value.'), lifetime],
    routes: 'any',
    async: true,
    returns: `1 stored; ${failed}`,
    doc: 'Stores a value under a key.',
  },
  cache_fetch: {
    args: [system, key, arg('value', 'var', 'Gets the value; left as it is when there is none.')],
    routes: 'any',
    async: true,
    returns: `1 found; −2 not found; ${failed}`,
    doc: 'Reads a value.',
  },
  cache_remove: {
    args: [system, key],
    routes: 'any',
    async: true,
    returns: `1 removed, or there was none; ${failed}`,
    doc: 'Removes a value.',
  },
  cache_add: {
    args: [
      system,
      key,
      arg('increment', 'int', 'What to add.'),
      lifetime,
      optional(arg('new', 'var', 'Gets the sum.')),
    ],
    routes: 'any',
    async: true,
    returns: `1 added; ${failed}, or the value is no integer`,
    doc: 'Adds to a counter, which begins at 0, and renews its lifetime.',
  },
  cache_sub: {
    args: [
      system,
      key,
      arg('decrement', 'int', 'What to subtract.'),
      lifetime,
      optional(arg('new', 'var', 'Gets the difference.')),
    ],
    routes: 'any',
    async: true,
    returns: `1 subtracted; ${failed}, or the value is no integer`,
    doc: 'Subtracts from a counter, which begins at 0, and renews its lifetime.',
  },
  cache_counter_fetch: {
    args: [system, key, arg('value', 'var', 'Gets the counter, an integer; left as it is when there is none.')],
    routes: 'any',
    async: true,
    returns: `1 found; −2 not found; ${failed}, or the value is no integer`,
    doc: 'Reads a counter.',
  },
  cache_raw_query: {
    args: [
      system,
      arg('query', 'str', 'Query in the language of the system.'),
      optional(arg('result', 'str', 'Variables for the columns, `$avp(a);$avp(b)`; row 0 comes first.')),
    ],
    routes: 'any',
    async: true,
    returns: `1 done; −2 nothing found; ${failed}, or it takes no queries`,
    doc: 'Runs a query in the language of the cache system.',
  },
} as const

interface Parts {
  readonly systems: CacheSystems
  readonly log: Log
  /** Compiles the name of a variable. Throws when it is none. */
  readonly variable: (text: string) => PvarRef
}

/** Builds those functions. */
export function cacheFunctions({ systems, log, variable }: Parts) {
  /** Finds the system and does the work; whatever goes wrong is logged and gives −1. */
  const using =
    (name: Arg<string>, work: (system: CacheSystem, m: RouteContext) => Verdict | Promise<Verdict>): Step =>
    m => {
      const wanted = name.read(m)
      const found = systems.find(wanted)
      if (found === undefined) {
        log.error('no such cache system', { system: wanted, known: systems.names().join(', ') })
        return ERROR
      }
      const fail = (error: unknown): Verdict => {
        if (!(error instanceof Error)) throw error
        log.often(wanted).error('cache system failed', { system: wanted, reason: error.message })
        return ERROR
      }
      try {
        const verdict = work(found, m)
        return typeof verdict === 'number' ? verdict : verdict.catch(fail)
      } catch (error) {
        return fail(error)
      }
    }
  const adding = (
    sign: 1 | -1,
    name: Arg<string>,
    at: Arg<string>,
    delta: Arg<number>,
    ttl?: Arg<number>,
    out?: Arg<PvarRef>,
  ): Step =>
    using(name, (found, m) =>
      andThen(found.add(at.read(m), sign * delta.read(m), lifetimeOf(ttl, m)), sum =>
        out === undefined || out.read(m).set(m, sum, true) ? 1 : ERROR,
      ),
    )
  return {
    cache_store: (name: Arg<string>, at: Arg<string>, value: Arg<string>, ttl?: Arg<number>) =>
      using(name, (found, m) => andThen(found.store(at.read(m), value.read(m), lifetimeOf(ttl, m)), () => 1)),
    cache_fetch: (name: Arg<string>, at: Arg<string>, out: Arg<PvarRef>) =>
      using(name, (found, m) =>
        andThen(found.fetch(at.read(m)), cached => {
          if (cached === null) return NOT_FOUND
          return out.read(m).set(m, cached.value, true) ? 1 : ERROR
        }),
      ),
    cache_remove: (name: Arg<string>, at: Arg<string>) =>
      using(name, (found, m) => andThen(found.remove(at.read(m)), () => 1)),
    cache_add: (name: Arg<string>, at: Arg<string>, delta: Arg<number>, ttl?: Arg<number>, out?: Arg<PvarRef>) =>
      adding(1, name, at, delta, ttl, out),
    cache_sub: (name: Arg<string>, at: Arg<string>, delta: Arg<number>, ttl?: Arg<number>, out?: Arg<PvarRef>) =>
      adding(-1, name, at, delta, ttl, out),
    cache_counter_fetch: (name: Arg<string>, at: Arg<string>, out: Arg<PvarRef>) =>
      using(name, (found, m) =>
        andThen(found.fetch(at.read(m)), cached => {
          if (cached === null) return NOT_FOUND
          if (!/^[+-]?\d+$/.test(cached.value)) throw new Error(`"${cached.value}" is no integer`)
          return out.read(m).set(m, Number(cached.value), true) ? 1 : ERROR
        }),
      ),
    cache_raw_query: (name: Arg<string>, text: Arg<string>, result?: Arg<string>) => {
      const columns = columnsOf(result, variable)
      return using(name, (found, m) => {
        if (found.query === undefined) throw new Error('it takes no queries')
        return andThen(found.query(text.read(m)), rows => {
          // AVPs are stacks: the row that comes first is written last.
          for (const row of rows.toReversed())
            for (const [i, column] of columns.entries()) column.set(m, row[i] ?? null)
          return rows.length > 0 ? 1 : NOT_FOUND
        })
      })
    },
  }
}

/** The text names variables to write to, so it is taken as written and not as a format. */
function columnsOf(result: Arg<string> | undefined, variable: (text: string) => PvarRef): readonly PvarRef[] {
  if (result === undefined) return []
  const names = result.text.replace(/^(["'])(.*)\1$/s, '$2')
  return names
    .split(';')
    .filter(name => name.trim() !== '')
    .map(variable)
}

function lifetimeOf(ttl: Arg<number> | undefined, m: RouteContext): number {
  return Math.max(0, ttl?.read(m) ?? 0)
}
