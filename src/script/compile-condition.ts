import type { ConditionNode, LogicNode, RunNode, StatementNode } from './ast.ts'
import { compileComparison, FALSE, FAULT, TRUE, type Truth } from './compile-compare.ts'
import { compileValue } from './compile-value.ts'
import { Flow, type RouteContext } from './context.ts'
import { runFrom } from './sequence.ts'
import type { Scope, Statement, Unit } from './unit.ts'
import { isTrue } from './values.ts'

/**
 * A condition, built. A promise only where a call in it waits. When it ran something that ended the route, `m.flow` says
 * so and the truth means nothing.
 */
export type Condition = (m: RouteContext) => Truth | Promise<Truth>

/** Compiles the statements that a condition holds. */
export type CompileBody = (body: readonly StatementNode[], scope: Scope) => readonly Statement[]

/** Compiles conditions. Faults are reported; a part that has one counts as false. */
export class ConditionCompiler {
  readonly #unit: Unit
  readonly #compileBody: CompileBody

  constructor(unit: Unit, compileBody: CompileBody) {
    this.#unit = unit
    this.#compileBody = compileBody
  }

  compile(node: ConditionNode, scope: Scope): Condition {
    switch (node.type) {
      case 'and':
      case 'or':
        return this.#logic(node, scope)
      case 'not':
        return negated(this.compile(node.operand, scope))
      case 'run':
        return this.#run(node, scope)
      default:
        return this.#unit.attempt<Condition>(
          node.place,
          () => this.#immediate(node, scope),
          () => FALSE,
        )
    }
  }

  /** A condition without calls, which never waits. */
  compileTruth(node: ConditionNode, scope: Scope): (m: RouteContext) => Truth {
    const condition = this.compile(node, scope)
    return m => {
      const truth = condition(m)
      return typeof truth === 'number' ? truth : FAULT
    }
  }

  #immediate(node: Extract<ConditionNode, { type: 'compare' | 'test' }>, scope: Scope): Condition {
    if (node.type === 'compare') return compileComparison(this.#unit, node)
    const value = compileValue(this.#unit, node.value, inner => this.compileTruth(inner, scope))
    if (value.constant !== undefined) {
      const fixed = isTrue(value.constant) ? TRUE : FALSE
      return () => fixed
    }
    return m => {
      const read = value.read(m)
      return read === undefined ? FAULT : isTrue(read) ? TRUE : FALSE
    }
  }

  /** A fault on the left ends it, as does a truth that decides, or the end of the route. */
  #logic(node: LogicNode, scope: Scope): Condition {
    const left = this.compile(node.left, scope)
    const right = this.compile(node.right, scope)
    const goesOn = node.type === 'and' ? TRUE : FALSE
    const decide = (truth: Truth, m: RouteContext): Truth | Promise<Truth> =>
      truth === goesOn && m.flow === Flow.next ? right(m) : truth
    return m => {
      const truth = left(m)
      return typeof truth === 'number' ? decide(truth, m) : truth.then(late => decide(late, m))
    }
  }

  #run(node: RunNode, scope: Scope): Condition {
    const body = this.#compileBody(node.body, scope)
    const [only] = body
    const truthOf = (verdict: number): Truth => (verdict > 0 ? TRUE : FALSE)
    if (body.length !== 1 || only === undefined) return m => mapTruth(runFrom(body, 0, m), truthOf)
    const settle = (verdict: number, m: RouteContext): Truth => {
      if (only.setsRc) m.rc = verdict
      if (verdict === 0 && m.flow === Flow.next) m.flow = Flow.exit
      return verdict > 0 ? TRUE : FALSE
    }
    return m => {
      if (m.trace !== null) m.trace(only.traced)
      const verdict = only.step(m)
      return typeof verdict === 'number' ? settle(verdict, m) : verdict.then(late => settle(late, m))
    }
  }
}

function mapTruth(verdict: number | Promise<number>, map: (verdict: number) => Truth): Truth | Promise<Truth> {
  return typeof verdict === 'number' ? map(verdict) : verdict.then(map)
}

/** A fault stays one. */
function negated(operand: Condition): Condition {
  const negate = (truth: Truth): Truth => (truth === FAULT ? FAULT : 1 - truth)
  return m => mapTruth(operand(m), negate)
}
