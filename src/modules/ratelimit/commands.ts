import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import { wildcardMatcher } from '../../util/wildcard.ts'
import type { Pipe } from './pipes.ts'
import { pipeName, type RateLimiter } from './rate-limiter.ts'

const pipeArg = arg('pipe', 'str', 'Name of the pipe.')
const gain = (name: 'ki' | 'kp' | 'kd', what: string) => arg(name, 'json', `Weight of the ${what}, a number.`)

/** The management commands of ratelimit, for its spec. */
export const commandSpecs = {
  list: {
    args: [
      optional(pipeArg),
      optional(arg('filter', 'str', 'Shell wildcard: only pipes whose name matches.')),
      optional(arg('filter_out', 'str', 'Shell wildcard: only pipes whose name does not match.')),
    ],
    doc: 'lists the pipes with what they counted in the last interval',
    aliases: ['rl_list'],
  },
  reset_pipe: { args: [pipeArg], doc: 'resets the counter of a pipe', aliases: ['rl_reset_pipe'] },
  set_pid: {
    args: [gain('ki', 'integral'), gain('kp', 'error'), gain('kd', 'derivative')],
    doc: 'sets the weights of the controller behind FEEDBACK',
    aliases: ['rl_set_pid'],
  },
  get_pid: { args: [], doc: 'gives the weights of the controller behind FEEDBACK', aliases: ['rl_get_pid'] },
  dump_pipe: { args: [pipeArg], doc: 'shows what is inside a pipe', aliases: ['rl_dump_pipe'] },
} as const

/** A row of `ratelimit:list`. */
const row = ({ id, algorithm, limit, limiter }: Pipe) => ({ id, algorithm, limit, counter: limiter.closed })

interface ListArgs {
  readonly pipe: string | undefined
  readonly filter: string | undefined
  readonly filter_out: string | undefined
}

/** The handlers of {@link commandSpecs}. */
export function commandHandlers(limiter: RateLimiter) {
  const find = (name: string): Pipe => {
    const pipe = limiter.pipes.find(pipeName(name))
    if (pipe === undefined) throw new MiError(404, 'Pipe Not Found')
    return pipe
  }
  return {
    list: ({ pipe, filter = '*', filter_out }: ListArgs) => {
      if (pipe !== undefined) return { Pipe: [row(find(pipe))], drop_rate: limiter.dropRate }
      const wanted = wildcardMatcher(filter)
      const unwanted = filter_out === undefined ? null : wildcardMatcher(filter_out)
      const pipes = limiter.pipes.all().filter(({ id }) => wanted.matches(id) && unwanted?.matches(id) !== true)
      return { Pipe: pipes.map(row), drop_rate: limiter.dropRate }
    },
    reset_pipe: async ({ pipe }: { readonly pipe: string }) => {
      find(pipe)
      await limiter.reset(pipe)
      return 'OK'
    },
    set_pid: ({ ki, kp, kd }: Readonly<Record<'ki' | 'kp' | 'kd', unknown>>) => {
      limiter.feedback.gains = { ki: numberOf('ki', ki), kp: numberOf('kp', kp), kd: numberOf('kd', kd) }
      return 'OK'
    },
    get_pid: () => ({ ...limiter.feedback.gains }),
    dump_pipe: ({ pipe: name }: { readonly pipe: string }) => {
      const pipe = find(name)
      return { ...row(pipe), current: pipe.limiter.counter, slots: pipe.limiter.slots() }
    },
  }
}

function numberOf(name: string, value: unknown): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) throw new MiError(400, `Bad ${name}: expected a number`)
  return number
}
