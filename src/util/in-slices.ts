import { setImmediate as turn } from 'node:timers/promises'

/** Items that are worked off in one turn of the event loop: some tenths of a millisecond for what lists are made of. */
export const SLICE = 200

/** Makes something of each item; at once where there are few, else a slice in each turn of the event loop. */
export function mapInSlices<T, R>(items: readonly T[], make: (item: T) => R): R[] | Promise<R[]> {
  return items.length <= SLICE ? items.map(item => make(item)) : mapLater(items, make)
}

async function mapLater<T, R>(items: readonly T[], make: (item: T) => R): Promise<R[]> {
  const made: R[] = []
  for (const item of items) {
    if (made.length > 0 && made.length % SLICE === 0) await turn()
    made.push(make(item))
  }
  return made
}
