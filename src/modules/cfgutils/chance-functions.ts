import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import type { Probability } from './probability.ts'

/** The functions about chance, for the spec of cfgutils. */
export const chanceSpecs = {
  rand_event: {
    args: [optional(arg('probability', 'int', 'Per cent; the set probability if absent.'))],
    routes: 'any',
    returns: '1 or −1, by chance',
    doc: 'Is true with a probability.',
  },
  rand_set_prob: {
    args: [arg('probability', 'int', '0…100 per cent.')],
    routes: 'any',
    returns: '1; −1 not from 0 to 100',
    doc: 'Sets the probability.',
  },
  rand_reset_prob: { args: [], routes: 'any', returns: '1', doc: 'Sets the probability back to the initial one.' },
  rand_get_prob: {
    args: [],
    routes: 'any',
    returns: 'the probability in per cent; 0 ends the script, as any 0',
    doc: 'Gives the probability.',
  },
} as const

/** The builders of {@link chanceSpecs}. */
export function chanceHandlers(probability: Probability): FunctionHandlers<typeof chanceSpecs> {
  return {
    rand_event: percent => m => (probability.happens(percent?.read(m)) ? 1 : -1),
    rand_set_prob: percent => m => (probability.set(percent.read(m)) ? 1 : -1),
    rand_reset_prob: () => () => {
      probability.reset()
      return 1
    },
    rand_get_prob: () => () => probability.current,
  }
}
