/** Does the same with each item, one after the other, and gives what each gave; a promise only if one of them did. */
export function inTurn<T, R>(items: readonly T[], each: (item: T) => R | Promise<R>): R[] | Promise<R[]> {
  const results: R[] = []
  for (let index = 0; index < items.length; index++) {
    const result = each(items[index] as T)
    if (result instanceof Promise) return finishLater(items.slice(index + 1), result, results, each)
    results.push(result)
  }
  return results
}

async function finishLater<T, R>(
  rest: readonly T[],
  first: Promise<R>,
  results: R[],
  each: (item: T) => R | Promise<R>,
): Promise<R[]> {
  results.push(await first)
  for (const item of rest) results.push(await each(item))
  return results
}
