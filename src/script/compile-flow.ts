import type { ForEachNode, StatementNode, SwitchNode, WhileNode } from './ast.ts'
import { usedUp } from './budget.ts'
import type { Condition } from './compile-condition.ts'
import { Flow, type RouteContext, type Step, type Verdict } from './context.ts'
import { ScriptError } from './diagnostic.ts'
import { after, runFrom } from './sequence.ts'
import type { Statement, Unit } from './unit.ts'
import { textOf } from './values.ts'

/** `if`: `$rc` is what the branch that ran gave, or the truth when none did. */
export function makeIf(condition: Condition, then: readonly Statement[], otherwise: readonly Statement[]): Step {
  const choose = (truth: number, m: RouteContext): Verdict | Promise<Verdict> => {
    if (m.flow !== Flow.next) return m.rc
    const body = truth === 1 ? then : otherwise
    if (body.length > 0) return runFrom(body, 0, m)
    m.rc = truth
    return 1
  }
  return m => {
    const truth = condition(m)
    return typeof truth === 'number' ? choose(truth, m) : truth.then(late => choose(late, m))
  }
}

/** One round of a loop has ended: whether the loop goes on. `break` ends here, everything else goes up. */
function goesOn(m: RouteContext): boolean {
  if (m.flow === Flow.next) return true
  if (m.flow === Flow.break) m.flow = Flow.next
  return false
}

/** `while`, up to `max_while_loops` rounds. */
export function makeWhile(unit: Unit, node: WhileNode, condition: Condition, body: readonly Statement[]): Step {
  const limit = unit.settings.max_while_loops
  const stop = (last: Verdict): Verdict => {
    unit.failOften('while stopped after max_while_loops rounds', node.place, { rounds: limit })
    return last
  }
  /** What the round gave; undefined when there is no further one. */
  const round = (m: RouteContext): Verdict | undefined | Promise<Verdict | undefined> => {
    const run = (truth: number): Verdict | undefined | Promise<Verdict | undefined> => {
      if (m.flow !== Flow.next || truth !== 1) return undefined
      return runFrom(body, 0, m)
    }
    const truth = condition(m)
    return typeof truth === 'number' ? run(truth) : truth.then(run)
  }
  return m => rounds(m, round, limit, stop)
}

/** Repeats a round; synchronous until one gives a promise. */
function rounds(
  m: RouteContext,
  round: (m: RouteContext) => Verdict | undefined | Promise<Verdict | undefined>,
  limit: number,
  stop: (last: Verdict) => Verdict,
): Verdict | Promise<Verdict> {
  let last: Verdict = 1
  for (let count = 0; count < limit; count++) {
    if (--m.statementsLeft < 0) usedUp(m)
    const verdict = round(m)
    if (typeof verdict === 'object') return continueRounds(m, verdict, count, last, round, limit, stop)
    if (verdict === undefined) return last
    last = verdict
    if (!goesOn(m)) return last
  }
  return stop(last)
}

async function continueRounds(
  m: RouteContext,
  pending: Promise<Verdict | undefined>,
  done: number,
  before: Verdict,
  round: (m: RouteContext) => Verdict | undefined | Promise<Verdict | undefined>,
  limit: number,
  stop: (last: Verdict) => Verdict,
): Promise<Verdict> {
  let last = before
  let verdict = await pending
  for (let count = done + 1; verdict !== undefined; count++) {
    last = verdict
    if (!goesOn(m)) return last
    if (count >= limit) return stop(last)
    if (--m.statementsLeft < 0) usedUp(m)
    verdict = await round(m)
  }
  return last
}

/** `for ($var(it) in $(list[*]))`: index 0 first, over the values there are when it starts. Throws ScriptError. */
export function makeForEach(unit: Unit, node: ForEachNode, body: readonly Statement[]): Step {
  const iterator = unit.texts.variable(node.iterator.text, node.iterator.place)
  if (!iterator.writable) throw new ScriptError('E_READ_ONLY', node.iterator.place, `${iterator.text} is read-only`)
  const source = unit.texts.variable(node.source.text, node.source.place)
  if (!source.isWhole)
    throw new ScriptError(
      'E_VARIABLE',
      node.source.place,
      'a for loop runs over a list',
      `write $(${source.name}(…)[*])`,
    )
  return m => {
    const values = source.all(m)
    let at = 0
    const round = (context: RouteContext): Verdict | undefined | Promise<Verdict> => {
      const value = values[at++] ?? null
      if (value === null) return undefined
      iterator.set(context, value, true)
      return runFrom(body, 0, context)
    }
    return rounds(m, round, values.length + 1, last => last)
  }
}

/** `switch`: from the first case that fits on, through the ones behind it, up to a `break`. Throws ScriptError. */
export function makeSwitch(
  unit: Unit,
  node: SwitchNode,
  compileBody: (body: readonly StatementNode[]) => readonly Statement[],
): Step {
  const subject = unit.texts.variable(node.subject.text, node.subject.place)
  const statements: Statement[] = []
  const byText = new Map<string, number>()
  const byNumber = new Map<number, number>()
  let otherwise: number | undefined
  for (const { value, body } of node.cases) {
    const start = statements.length
    if (value === undefined) otherwise = start
    else if (value.type === 'number') setFirst(byNumber, value.value, start)
    else setFirst(byText, value.value.toLowerCase(), start)
    statements.push(...compileBody(body))
  }
  return m => {
    const value = subject.get(m)
    const start =
      (typeof value === 'number' ? byNumber.get(value) : undefined) ??
      (value === null ? undefined : byText.get(textOf(value).toLowerCase())) ??
      otherwise
    if (start === undefined) return 1
    return after(runFrom(statements, start, m), last => {
      goesOn(m)
      return last
    })
  }
}

function setFirst<K>(map: Map<K, number>, key: K, value: number): void {
  if (!map.has(key)) map.set(key, value)
}
