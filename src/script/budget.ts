import type { RouteContext, StatementBudget } from './context.ts'
import { NOWHERE, type Place } from './source.ts'
import { StatementFault } from './statement-fault.ts'
import type { Statement } from './unit.ts'

/** Where there is no limit: a number that costs as little to count down as a small one. */
const UNLIMITED = 2 ** 30

/** Most loops and calls of routes that are named for a run that was stopped. */
const MOST_NAMED = 5

/** A run has come to more statements than it may. */
export class BudgetFault extends StatementFault {
  override readonly name = 'BudgetFault'
  /** The loops, and the calls of routes, that were running: the innermost first, each once. */
  readonly #around: Statement['traced'][] = []

  constructor(place: Place, { limit, setting }: StatementBudget) {
    super(place, `it ran more than ${limit} statements: end the loop, or raise ${setting} if it is to run so long`)
  }

  /** Told of each statement that it ends, from the inside out. */
  leave({ traced }: Statement): void {
    if (!CAN_REPEAT.has(traced.what) || this.#around.includes(traced)) return
    // Of a deep recursion the innermost calls tell all; a loop around it is looked for further on.
    if (this.#around.length < MOST_NAMED || traced.what !== 'core route') this.#around.push(traced)
  }

  /** The innermost loop; where there is none, the innermost call of a route, or else the statement itself. */
  get loop(): Place {
    const loop = this.#around.find(({ what }) => what !== 'core route') ?? this.#around[0]
    return loop?.place ?? this.place
  }

  /** `while test.cfg:3:5 in route test.cfg:9:1`, or undefined where nothing was repeated. */
  get around(): string | undefined {
    if (this.#around.length === 0) return undefined
    return this.#around.slice(0, MOST_NAMED).map(named).join(' in ')
  }
}

const CAN_REPEAT: ReadonlySet<string> = new Set(['core while', 'core foreach', 'core route'])

function named({ what, place: { file, line, column } }: Statement['traced']): string {
  return `${what.replace('core ', '')} ${file}:${line}:${column}`
}

/** A run begins: it may come to as many statements as `budget` says. */
export function grant(m: RouteContext, budget: StatementBudget): void {
  m.budget = budget
  m.statementsLeft = budget.limit > 0 ? Math.min(budget.limit, UNLIMITED) : UNLIMITED
}

/** For when `m.statementsLeft` has run out. Throws a BudgetFault, unless there is no limit. */
export function usedUp(m: RouteContext, place: Place = NOWHERE): void {
  const { budget } = m
  if (budget !== null && budget.limit > 0) throw new BudgetFault(place, budget)
  m.statementsLeft = UNLIMITED
}
