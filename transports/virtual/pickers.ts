import { keyReader, type WireEvent } from '../../src/events/transport.ts'

/** The numbers of the children in the order in which an event is to try them. */
export type Picker = (event: WireEvent) => readonly number[]

/** FAILOVER: always in the order written. */
export function inOrder(count: number): Picker {
  const order = Array.from({ length: count }, (_, i) => i)
  return () => order
}

/** ROUND-ROBIN: each event starts one child further on. */
export function roundRobin(count: number): Picker {
  const orders = Array.from({ length: count }, (_, from) => Array.from({ length: count }, (_, i) => (from + i) % count))
  let turn = 0
  return () => {
    const order = orders[turn] ?? []
    turn = (turn + 1) % count
    return order
  }
}

/**
 * WEIGHTED: of all events together each child is first for its share, and the shares are mixed: with 3 and 1 that is a, a,
 * b, a (each turn every child gains its weight, the richest goes first and pays for all). The others follow by wealth.
 */
export function weighted(weights: readonly number[]): Picker {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const credit = weights.map(() => 0)
  return () => {
    for (const [i, weight] of weights.entries()) credit[i] = (credit[i] ?? 0) + weight
    const order = weights.map((_, i) => i).sort((a, b) => (credit[b] ?? 0) - (credit[a] ?? 0) || a - b)
    const [first = 0] = order
    credit[first] = (credit[first] ?? 0) - total
    return order
  }
}

/**
 * HASH: events of one key go to one child. Each child draws a number from its name and the key, and the highest is first:
 * without a child its keys move to others and no other key moves. Events without a key go round.
 */
export function hashed(field: string, names: readonly string[]): Picker {
  const keyOf = keyReader(field)
  const otherwise = roundRobin(names.length)
  const seeds = names.map(name => hash(name, 0x811c9dc5))
  return event => {
    const key = keyOf(event)
    if (key === undefined) return otherwise(event)
    const draws = seeds.map(seed => mix(hash(key, seed)))
    return draws.map((_, i) => i).sort((a, b) => (draws[b] ?? 0) - (draws[a] ?? 0) || a - b)
  }
}

/** FNV-1a over UTF-16 units. */
function hash(text: string, seed: number): number {
  let value = seed
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}

/** Spreads neighbouring numbers (the finisher of MurmurHash3). */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
