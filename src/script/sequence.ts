import { Flow, type RouteContext, type Verdict } from './context.ts'
import type { Statement } from './unit.ts'

/** A run has used up the statements it was given (`max_event_statements`). */
class StatementLimit extends Error {
  override readonly name = 'StatementLimit'
  constructor(line: number) {
    super(`stopped at line ${line}: it ran more statements than max_event_statements allows`)
  }
}

/**
 * Runs statements from one of them on. It stays synchronous until a statement gives a promise: only then does the rest
 * run in a continuation. Each verdict becomes `$rc`; 0 ends the script.
 */
export function runFrom(statements: readonly Statement[], start: number, m: RouteContext): Verdict | Promise<Verdict> {
  let last: Verdict = 1
  for (let i = start; i < statements.length; i++) {
    const statement = statements[i]
    if (statement === undefined) break
    if (--m.statementsLeft < 0) throw new StatementLimit(statement.traced.line)
    if (m.trace !== null) m.trace(statement.traced)
    const verdict = statement.step(m)
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
  const verdict = await pending
  if (statements[index]?.setsRc === true) m.rc = verdict
  if (verdict === 0 && m.flow === Flow.next) m.flow = Flow.exit
  if (m.flow !== Flow.next || index + 1 >= statements.length) return verdict
  return runFrom(statements, index + 1, m)
}

/** Goes on with a value now if it is there, later if it is a promise. */
export function after<T>(value: number | Promise<number>, next: (value: number) => T | Promise<T>): T | Promise<T> {
  return typeof value === 'number' ? next(value) : value.then(next)
}
