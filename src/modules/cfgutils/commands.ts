import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import type { ConfigHash } from './config-hash.ts'
import type { Probability } from './probability.ts'
import type { SharedValues } from './shared-values.ts'

/** The management commands of cfgutils, for its spec. */
export const commandSpecs = {
  rand_set_prob: {
    args: [arg('prob_proc', 'int', '0…100 per cent.')],
    doc: 'sets the probability of rand_event()',
  },
  rand_reset_prob: { args: [], doc: 'sets the probability back to the initial one' },
  rand_get_prob: { args: [], doc: 'gives the probability' },
  get_config_hash: { args: [], doc: 'gives the hash of hash_file at the start' },
  check_config_hash: { args: [], doc: 'compares hash_file with what it was' },
  shv_get: {
    args: [optional(arg('name', 'str', 'Name of the variable; all if absent.'))],
    doc: 'gives shared variables',
  },
  shv_set: {
    args: [
      arg('name', 'str', 'Name of the variable.'),
      arg('type', 'str', '`int` or `str`.'),
      arg('value', 'json', 'The value, a number or a text.'),
    ],
    doc: 'sets a shared variable',
  },
} as const

interface Parts {
  readonly probability: Probability
  readonly shared: SharedValues
  readonly hash: ConfigHash
}

/** The handlers of {@link commandSpecs}. */
export function commandHandlers({ probability, shared, hash }: Parts) {
  return {
    rand_set_prob: ({ prob_proc }: { readonly prob_proc: number }) => {
      if (!probability.set(prob_proc)) throw new MiError(400, 'Bad probability: expected 0…100')
      return 'OK'
    },
    rand_reset_prob: () => {
      probability.reset()
      return 'OK'
    },
    rand_get_prob: () => ({ Probability: probability.current }),
    get_config_hash: () => hash.get(),
    check_config_hash: () => hash.check(),
    shv_get: ({ name }: { readonly name: string | undefined }) => {
      if (name === undefined) return { VARs: shared.all().map(([one, value]) => row(one, value)) }
      if (!shared.has(name)) throw new MiError(404, 'Variable not found')
      return row(name, shared.get(name))
    },
    shv_set: ({ name, type, value }: { readonly name: string; readonly type: string; readonly value: unknown }) => {
      if (!shared.set(name, parseValue(type, value))) throw new MiError(500, 'Too many variables')
      return 'OK'
    },
  }
}

/** A shared variable as management shows it. */
const row = (name: string, value: string | number) => ({ name, type: typeof value === 'number' ? 'int' : 'str', value })

function parseValue(type: string, value: unknown): string | number {
  if (typeof value !== 'string' && typeof value !== 'number') throw new MiError(400, 'Bad value')
  if (type === 'str') return String(value)
  if (type !== 'int') throw new MiError(400, 'Bad type: expected int or str')
  if (!/^[-+]?\d+$/.test(String(value))) throw new MiError(400, 'Bad value: expected a whole number')
  return Number(value)
}
