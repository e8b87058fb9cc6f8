/** What a leaf does with an event: takes it, refuses it (for now, or for good), leaves it in doubt, or never answers. */
export const BEHAVIOURS = ['delivered', 'failed', 'refused', 'unknown', 'slow'] as const
export type Behaviour = (typeof BEHAVIOURS)[number]

/** A tree of sockets, as plain data. */
export type Tree = { readonly leaf: string } | Group
export interface Group {
  readonly policy: string
  readonly needed?: number
  readonly children: readonly Tree[]
}

export type Outcome = 'delivered' | 'failed' | 'refused' | 'unknown'

interface Result {
  readonly outcome: Outcome
  /** When the outcome is known. */
  readonly endMs: number
}

const WEIGHT = { refused: 0, failed: 1, unknown: 2 } as const

/**
 * What the policies promise, written for reading: events one after the other, each over before the next. Keeps the
 * breakers; notes which leaves an event was tried on.
 */
export class Model {
  readonly tried: string[] = []
  readonly #restMs: number
  readonly #restsUntil = new Map<Tree, number>()

  constructor(restMs: number) {
    this.#restMs = restMs
  }

  /** `does` says what a leaf does with this event; `order` gives the children of a sequence in the order to try. */
  send(
    tree: Tree,
    startMs: number,
    deadlineMs: number,
    does: (leaf: string) => Behaviour,
    order: (tree: Tree) => readonly number[],
  ): Result {
    if ('leaf' in tree) return this.#leaf(tree.leaf, startMs, deadlineMs, does)
    const child = (one: Tree, fromMs: number, untilMs: number) => this.send(one, fromMs, untilMs, does, order)
    if (tree.policy === 'PARALLEL' || tree.policy === 'QUORUM') {
      const results = tree.children.map(one => child(one, startMs, deadlineMs))
      return together(results, tree.needed ?? results.length)
    }
    const inOrder = order(tree).map(i => tree.children[i] as Tree)
    const rested = inOrder.filter(one => (this.#restsUntil.get(one) ?? 0) <= startMs)
    return this.#inTurn(rested.length === 0 ? inOrder : rested, startMs, deadlineMs, child)
  }

  #leaf(leaf: string, startMs: number, deadlineMs: number, does: (leaf: string) => Behaviour): Result {
    this.tried.push(leaf)
    const behaviour = does(leaf)
    return behaviour === 'slow' ? { outcome: 'unknown', endMs: deadlineMs } : { outcome: behaviour, endMs: startMs }
  }

  /** The first that takes it has it; each is left an equal share of the time; one that fails rests. */
  #inTurn(
    children: readonly Tree[],
    startMs: number,
    deadlineMs: number,
    child: (one: Tree, fromMs: number, untilMs: number) => Result,
  ): Result {
    let nowMs = startMs
    let worst: Outcome = 'refused'
    for (const [i, one] of children.entries()) {
      const { outcome, endMs } = child(one, nowMs, nowMs + (deadlineMs - nowMs) / (children.length - i))
      nowMs = endMs
      if (outcome === 'delivered') {
        this.#restsUntil.delete(one)
        return { outcome, endMs }
      }
      this.#restsUntil.set(one, endMs + this.#restMs)
      if (WEIGHT[outcome] > WEIGHT[worst]) worst = outcome
    }
    return { outcome: worst, endMs: nowMs }
  }
}

/** All at once: delivered when enough have it, at the moment the last of these does; else the worst that may yet change. */
function together(results: readonly Result[], needed: number): Result {
  const times = results
    .filter(({ outcome }) => outcome === 'delivered')
    .map(({ endMs }) => endMs)
    .sort((a, b) => a - b)
  if (times.length >= needed) return { outcome: 'delivered', endMs: times[needed - 1] as number }
  const rest = results.map(({ outcome }) => outcome).filter(outcome => outcome !== 'delivered')
  const outcome = rest.reduce((a, b) => (WEIGHT[b] > WEIGHT[a] ? b : a))
  return { outcome, endMs: Math.max(...results.map(({ endMs }) => endMs)) }
}
