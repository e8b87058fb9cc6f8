import type { Destination, DestinationSet } from './destination.ts'

/** The destinations to try, in this order; none when nothing is in service. */
export type Ranking = readonly Destination[]

/** From `start` on, around the ring, what is in service. */
export function ringFrom(members: readonly Destination[], start: number): Ranking {
  return [...members.slice(start), ...members.slice(0, start)].filter(({ isActive }) => isActive)
}

/**
 * By a hash, in the shares of the weights, evenly where nothing has one. The same hash gives the same destination while
 * the set is unchanged; one that is out of service passes its share on to all the others, in theirs.
 */
export function rankByHash(members: readonly Destination[], hash: number): Ranking {
  const chosen = memberOf(members, hash)
  const active = members.filter(({ isActive }) => isActive)
  const first = chosen?.isActive ? chosen : memberOf(active, hash)
  return first === undefined ? [] : ringFrom(members, members.indexOf(first))
}

function memberOf(members: readonly Destination[], hash: number): Destination | undefined {
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) return members[hash % members.length]
  let running = 0
  return members.find(({ weight }) => {
    running += weight
    return hash % total < running
  })
}

/**
 * In turn, each as often in a row as its weight says; without weights, or where all are 0, once each. What is out of
 * service is passed over.
 */
export function rankInTurn(set: DestinationSet, members: readonly Destination[], usesWeights: boolean): Ranking {
  const hasWeights = usesWeights && members.some(({ weight }) => weight > 0)
  const weightAt = (at: number): number => (hasWeights ? (members[at]?.weight ?? 0) : 1)
  const current = set.turn.at % members.length
  const stays = set.turn.used < weightAt(current)
  const ranking = ringFrom(members, stays ? current : nextWithWeight(current, members.length, weightAt))
  const [chosen] = ranking
  if (chosen === undefined) return ranking
  const at = members.indexOf(chosen)
  set.turn = { at, used: stays && at === current ? set.turn.used + 1 : 1 }
  return ranking
}

function nextWithWeight(current: number, length: number, weightAt: (at: number) => number): number {
  for (let step = 1; step < length; step++) {
    const at = (current + step) % length
    if (weightAt(at) > 0) return at
  }
  return current
}

/** By ascending score; those without one are left out, equals keep their order. */
export function rankByScore(members: readonly Destination[], scores: readonly (number | null)[]): Ranking {
  return members
    .flatMap((destination, i) => {
      const score = scores[i] ?? null
      return score === null || !destination.isActive ? [] : [{ destination, score }]
    })
    .sort((a, b) => a.score - b.score)
    .map(({ destination }) => destination)
}
