import { BudgetFault, usedUp } from './budget.ts'
import { Flow, type RouteContext, type Verdict } from './context.ts'
import { StatementFault } from './statement-fault.ts'
import type { Statement } from './unit.ts'

/** Of the innermost statement. */
function located(error: unknown, statement: Statement): unknown {
  if (error instanceof BudgetFault) error.leave(statement)
  return error instanceof Error && !(error instanceof StatementFault)
    ? new StatementFault(statement.traced.place, error)
    : error
}

/**
 * Runs statements from one of them on. It stays synchronous until a statement gives a promise: only then does the rest
 * run in a continuation. Each verdict becomes `$rc`; 0 ends the script. What a statement throws becomes a StatementFault.
 */
export function runFrom(statements: readonly Statement[], start: number, m: RouteContext): Verdict | Promise<Verdict> {
  let last: Verdict = 1
  for (let i = start; i < statements.length; i++) {
    const statement = statements[i]
    if (statement === undefined) break
    if (--m.statementsLeft < 0) usedUp(m, statement.traced.place)
    if (m.trace !== null) m.trace(statement.traced)
    let verdict: Verdict | Promise<Verdict>
    try {
      verdict = statement.step(m)
    } catch (error) {
      throw located(error, statement)
    }
    if (typeof verdict !== 'number') return continueAfter(verdict, statements, i, m)
    last = verdict
    if (statement.setsRc) m.rc = verdict
    if (verdict === 0 && m.flow === Flow.next) m.flow = Flow.exit
    if (m.flow !== Flow.next) return verdict
  }
  return last
}

async function continueAfter(
  pending: Promise<Verdict>,
  statements: readonly Statement[],
  index: number,
  m: RouteContext,
): Promise<Verdict> {
  const statement = statements[index]
  let verdict: Verdict
  try {
    verdict = await pending
  } catch (error) {
    throw statement === undefined ? error : located(error, statement)
  }
  if (statement?.setsRc === true) m.rc = verdict
  if (verdict === 0 && m.flow === Flow.next) m.flow = Flow.exit
  if (m.flow !== Flow.next || index + 1 >= statements.length) return verdict
  return runFrom(statements, index + 1, m)
}

/** Goes on with a value now if it is there, later if it is a promise. */
export function after<T>(value: number | Promise<number>, next: (value: number) => T | Promise<T>): T | Promise<T> {
  return typeof value === 'number' ? next(value) : value.then(next)
}
