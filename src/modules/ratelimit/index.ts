import { cacheSystemOf } from '../../module/cache-systems.ts'
import { arg, defineModule, optional, optionalParam, param } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, RouteKind } from '../../script/context.ts'
import { ALGORITHMS, type AlgorithmName, parseAlgorithm } from './algorithms.ts'
import { commandHandlers, commandSpecs } from './commands.ts'
import { PipeReplication } from './pipe-replication.ts'
import { isReplicated, isShared, RateLimiter } from './rate-limiter.ts'
import { SharedCounter } from './shared-counter.ts'

const ROUTES: readonly RouteKind[] = ['request', 'failure', 'onreply', 'branch', 'local', 'timer', 'event', 'error']
const nameArg = arg(
  'name',
  'str',
  'Name of the pipe; `/s` at its end shares the count through the cache system, `/b` with the nodes of the cluster.',
)

/** Limits of rates, counted in named pipes (ratelimit reference). */
export default defineModule(
  {
    name: 'ratelimit',
    doc: 'Limits how many calls of any kind pass in a time.',
    depends: ['cache'],
    after: ['clusterer'],
    params: {
      timer_interval: param('int', 10, 'Length of an interval.', { unit: 's' }),
      limit_per_interval: param('int', 0, '1: limits are for an interval; 0: for a second.'),
      expire_time: param('int', 3600, 'How long a pipe that is not used is kept.', { unit: 's' }),
      default_algorithm: param('str', 'TAILDROP', `Algorithm of pipes that name none: ${ALGORITHMS.join(', ')}.`),
      window_size: param('int', 10, 'Length of the window of SBT.', { unit: 's' }),
      slot_period: param('int', 200, 'Length of the slots of that window.', { unit: 'ms' }),
      cachedb_url: optionalParam('str', 'Cache system that counts the pipes whose names end in `/s`.'),
      db_prefix: param('str', 'rl_pipe_', 'Put before the names of pipes there.'),
      hash_size: param('int', 1024, 'Accepted; pipes are found by name.', { ignored: true }),
      pipe_replication_cluster: param('int', 0, 'Cluster whose nodes count pipes named `…/b` together; 0 for none.'),
      repl_timer_interval: param('int', 200, 'How often a node tells the others its counts.', { unit: 'ms' }),
      repl_timer_expire: param('int', 10, 'How long what another node told is counted.', { unit: 's' }),
      repl_buffer_threshold: param('int', 32_767, 'About how much goes into one message.', { unit: 'bytes' }),
    },
    functions: {
      rl_check: {
        args: [
          nameArg,
          arg('limit', 'int', 'Calls that pass; of NETWORK bytes, of FEEDBACK processor load in per cent.'),
          optional(arg('algorithm', 'str', `One of ${ALGORITHMS.join(', ')}.`)),
        ],
        routes: ROUTES,
        returns: '1 it passes; −1 it is over the limit',
        doc: 'Counts a call in a pipe, which is made at its first call.',
      },
      rl_dec_count: {
        args: [nameArg],
        routes: ROUTES,
        returns: '1; −1 there is no such pipe',
        doc: 'Takes one call back.',
      },
      rl_reset_count: {
        args: [nameArg],
        routes: ROUTES,
        returns: '1; −1 there is no such pipe',
        doc: 'Begins the count of a pipe anew.',
      },
      rl_values: {
        args: [
          arg('names', 'var', 'Gets the names, one value each.'),
          optional(arg('pattern', 'regex', 'Only names that match.')),
        ],
        routes: ROUTES,
        returns: '1; −1 there are none, or the variable refuses them',
        doc: 'Lists the pipes.',
      },
    },
    commands: commandSpecs,
    pvars: {
      rl_count: { type: 'int', writable: false, inner: 'required', doc: 'What a pipe has counted; NULL without one.' },
    },
  },
  ({ host, clock, log, params, find, use }) => {
    for (const name of [
      'timer_interval',
      'expire_time',
      'window_size',
      'slot_period',
      'repl_timer_interval',
      'repl_timer_expire',
      'repl_buffer_threshold',
    ] as const)
      if (params[name] < 1) throw new Error(`${name}: expected at least 1, got ${params[name]}`)
    const usual = parseAlgorithm(params.default_algorithm)
    if (usual === undefined) throw new Error(`default_algorithm: ${complaint(params.default_algorithm)}`)
    const limiter = new RateLimiter({
      clock,
      log,
      intervalS: params.timer_interval,
      limitPerInterval: params.limit_per_interval !== 0,
      expireS: params.expire_time,
      windowMs: params.window_size * 1000,
      slotMs: params.slot_period,
      sockets: () => host.proxy.sockets,
    })
    const cluster = params.pipe_replication_cluster
    const clusterer = find('clusterer')
    if (cluster !== 0 && clusterer === undefined)
      throw new Error('pipe_replication_cluster is set: is a loadmodule "clusterer.so" missing?')
    const replication =
      cluster === 0
        ? null
        : new PipeReplication({
            clock,
            pipes: limiter.pipes,
            intervalMs: params.repl_timer_interval,
            expireMs: params.repl_timer_expire * 1000,
            messageBytes: params.repl_buffer_threshold,
          })
    limiter.replication = replication
    const capability =
      replication === null ? undefined : clusterer?.share(cluster, 'ratelimit-pipe-repl', replication.handlers)
    const replicated = new Set<string>()
    /** Says at load what a name asks for in vain. */
    const judgeName = (name: Arg<string>): void => {
      if (name.constant === undefined) return
      if (isShared(name.constant) && params.cachedb_url === undefined)
        name.reject(`"${name.constant}" is to be shared: that needs modparam("ratelimit", "cachedb_url", …)`)
      if (isReplicated(name.constant) && cluster === 0) replicated.add(name.constant)
    }
    return {
      functions: {
        rl_check: (name, limit, algorithm) => {
          judgeName(name)
          const algorithmOf = algorithmReader(algorithm, usual)
          return m => limiter.check(name.read(m), limit.read(m), algorithmOf(m))
        },
        rl_dec_count: name => m => limiter.decrement(name.read(m)),
        rl_reset_count: name => m => limiter.reset(name.read(m)),
        rl_values: (names, pattern) => m => {
          const wanted = pattern?.read(m)
          const variable = names.read(m)
          const found = limiter.pipes.all().filter(({ id }) => wanted === undefined || wanted.test(id))
          const isWritten = found.toReversed().every(({ id }) => variable.set(m, id))
          return found.length > 0 && isWritten ? 1 : -1
        },
      },
      commands: commandHandlers(limiter),
      pvars: {
        rl_count: ({ inner }) => ({
          get: m => limiter.count(inner?.read(m).trim() ?? ''),
        }),
      },
      warnings: () => [...replicated].map(name => `ratelimit: pipe "${name}" ${ALONE}`),
      start: () => {
        for (const name of replicated) log.warn(`a pipe ${ALONE}`, { pipe: name })
        if (params.cachedb_url !== undefined) {
          const system = use('cache').find(cacheSystemOf(params.cachedb_url))
          if (system === undefined) throw new Error(`cachedb_url: no module provides ${params.cachedb_url}`)
          limiter.shared = new SharedCounter({
            system,
            clock,
            prefix: params.db_prefix,
            intervalS: params.timer_interval,
          })
        }
        limiter.start()
        if (capability !== undefined) replication?.start(capability)
      },
      stop: () => {
        limiter.stop()
        replication?.stop()
      },
    }
  },
)

const ALONE = 'is counted by this proxy alone: there is no cluster'

const complaint = (text: string): string => `expected one of ${ALGORITHMS.join(', ')}, got "${text}"`

function algorithmReader(algorithm: Arg<string> | undefined, usual: AlgorithmName): (m: RouteContext) => AlgorithmName {
  if (algorithm === undefined) return () => usual
  if (algorithm.constant === undefined) return m => parseAlgorithm(algorithm.read(m)) ?? usual
  const found = parseAlgorithm(algorithm.constant) ?? algorithm.reject(complaint(algorithm.constant))
  return () => found
}
