import { arg, functionGroup } from '../../module/define.ts'

/** Functions on the values of AVPs. */
export const valueFunctions = functionGroup(
  {
    set_count: {
      args: [
        arg('set', 'var', 'A variable with several values, `$(avp(x)[*])`.'),
        arg('count', 'var', 'Gets the number.'),
      ],
      routes: 'any',
      returns: '1; −1 the variable refuses the number',
      doc: 'Counts the values of a variable.',
    },
    set_select_weight: {
      args: [arg('weights', 'var', 'A variable whose values are weights, whole numbers.')],
      routes: 'any',
      returns: 'which value was chosen, 1 for the one at index 0; −1 there are no weights above 0',
      doc: 'Chooses one of several values by chance; one with twice the weight is chosen twice as often.',
    },
    shuffle_avps: {
      args: [arg('set', 'var', 'A variable with several values.')],
      routes: 'any',
      returns: '1; −1 the variable refuses a value',
      doc: 'Puts the values of a variable into an order made by chance.',
    },
  },
  () => ({
    set_count: (set, count) => m => (count.read(m).set(m, set.read(m).all(m).length) ? 1 : -1),
    set_select_weight: weights => m => {
      const index = chooseByWeight(weights.read(m).all(m).map(Number), Math.random())
      return index < 0 ? -1 : index + 1
    },
    shuffle_avps: set => m => {
      const variable = set.read(m)
      const [last, ...others] = shuffled(variable.all(m))
      if (last === undefined) return 1
      return variable.set(m, last, true) && others.every(value => variable.set(m, value)) ? 1 : -1
    },
  }),
)

/** The index that a number from 0 to 1 falls on when each index gets a share of its weight; −1 without weights above 0. */
export function chooseByWeight(weights: readonly number[], chance: number): number {
  const shares = weights.map(weight => (weight > 0 ? weight : 0))
  let left = chance * shares.reduce((sum, share) => sum + share, 0)
  for (const [index, share] of shares.entries()) {
    if (share > 0 && left < share) return index
    left -= share
  }
  return -1
}

/** Fisher and Yates's shuffle, of a copy. */
function shuffled<T>(values: readonly T[]): T[] {
  const copy = [...values]
  for (let end = copy.length - 1; end > 0; end--) {
    const at = Math.floor(Math.random() * (end + 1))
    const [a, b] = [copy[at], copy[end]]
    if (a === undefined || b === undefined) continue
    copy[at] = b
    copy[end] = a
  }
  return copy
}
