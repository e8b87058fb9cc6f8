import { LogLevel } from '../log/log.ts'
import type { AssertNode, ConditionNode, IfNode, StatementNode } from './ast.ts'
import { compileAssignment, compileKeep } from './compile-assign.ts'
import { CallCompiler, type EventNotes } from './compile-call.ts'
import { type Condition, ConditionCompiler } from './compile-condition.ts'
import { makeForEach, makeIf, makeSwitch, makeWhile } from './compile-flow.ts'
import { compileLog } from './compile-log.ts'
import { compileAsync, compileLaunch, compileReturn, compileRouteCall } from './compile-routes.ts'
import { Flow, type RouteContext, type RouteKind, type Step, type Verdict } from './context.ts'
import { runFrom } from './sequence.ts'
import { NOTHING, type Scope, type Statement, type Unit } from './unit.ts'

/** Turns statements into steps. Every fault is reported; a statement that has one does nothing. */
export class StatementCompiler {
  readonly #unit: Unit
  readonly #calls: CallCompiler
  readonly #conditions: ConditionCompiler

  constructor(unit: Unit, events: EventNotes) {
    this.#unit = unit
    this.#calls = new CallCompiler(unit, events)
    this.#conditions = new ConditionCompiler(unit, (body, scope) => this.compile(body, scope))
  }

  /** A block as one step. */
  compileBlock(body: readonly StatementNode[], scope: Scope): Step {
    const statements = this.compile(body, scope)
    return m => runFrom(statements, 0, m)
  }

  compile(body: readonly StatementNode[], scope: Scope): readonly Statement[] {
    return body.map(node => this.#unit.attempt(node.place, () => this.#observed(node, scope), NOTHING))
  }

  #observed(node: StatementNode, scope: Scope): Statement {
    const statement = this.#statement(node, scope)
    return this.#unit.observer?.statement(node, statement) ?? statement
  }

  #condition(node: ConditionNode, scope: Scope): Condition {
    const condition = this.#conditions.compile(node, scope)
    return this.#unit.observer?.condition(condition) ?? condition
  }

  #statement(node: StatementNode, scope: Scope): Statement {
    // An `if` whose bodies did not run has the truth as its code, but does not end the script when that is 0.
    const traced = { what: describe(node), place: node.place }
    if (node.type === 'if') return { step: this.#if(node, scope), setsRc: false, traced }
    return { step: this.#step(node, scope), setsRc: !KEEPS_RC.has(node.type), traced }
  }

  #step(node: Exclude<StatementNode, IfNode>, scope: Scope): Step {
    const unit = this.#unit
    switch (node.type) {
      case 'call':
        return this.#calls.compile(node, scope)
      case 'assign':
        return compileAssignment(unit, node, inner => this.#conditions.compileTruth(inner, scope))
      case 'keep':
        return compileKeep(unit, node, this.#statement(node.statement, scope).step)
      case 'while':
        return makeWhile(unit, node, this.#condition(node.condition, scope), this.compile(node.body, scope))
      case 'foreach': {
        const body = this.compile(node.body, scope)
        return makeForEach(unit, node, body)
      }
      case 'switch':
        return makeSwitch(unit, node, body => this.compile(body, scope))
      case 'break':
        return BREAK
      case 'exit':
        return EXIT
      case 'drop':
        return DROP
      case 'return':
        return compileReturn(unit, node)
      case 'assert':
        return this.#assert(node, scope)
      case 'log':
        return compileLog(unit, node)
      case 'route':
        return compileRouteCall(unit, node)
      case 'async':
        return compileAsync(unit, this.#calls, node, scope)
      case 'launch':
        return compileLaunch(unit, this.#calls, node, scope)
    }
  }

  #if(node: IfNode, scope: Scope): Step {
    const condition = this.#condition(node.condition, scope)
    const then = this.compile(node.then, scope)
    return makeIf(condition, then, this.compile(node.otherwise ?? [], scope))
  }

  /** Without `enable_asserts` the condition is not even looked at. */
  #assert(node: AssertNode, scope: Scope): Step {
    const unit = this.#unit
    const condition = this.#condition(node.condition, scope)
    if (unit.settings.enable_asserts === 0) return NOTHING.step
    const check = (truth: number, m: RouteContext): Verdict | Promise<Verdict> => {
      if (truth === 1 || m.flow !== Flow.next) return 1
      return this.#assertionFailed(node, m)
    }
    return m => {
      const truth = condition(m)
      return typeof truth === 'number' ? check(truth, m) : truth.then(late => check(late, m))
    }
  }

  #assertionFailed(node: AssertNode, m: RouteContext): Verdict | Promise<Verdict> {
    const unit = this.#unit
    const { file, line } = node.place
    unit.print(LogLevel.crit, `ASSERTION FAILED (${node.info}) at ${file}:${line}`)
    if (unit.settings.abort_on_assert !== 0) process.abort()
    m.fault = { class: 4, level: 1, info: node.info, status: 500, reason: 'Server Internal Error' }
    const stop = (): Verdict => {
      m.flow = Flow.exit
      return 0
    }
    const route = WITHOUT_ERROR_ROUTE.has(m.kind) ? undefined : unit.routes.find('error', '')
    if (route === undefined) return stop()
    const verdict = route.step(m)
    return typeof verdict === 'number' ? stop() : verdict.then(stop)
  }
}

/** A statement as `script_trace` names it. */
function describe(node: StatementNode): string {
  if (node.type === 'call') return `module ${node.name}`
  return node.type === 'assign' || node.type === 'keep' ? 'assign' : `core ${node.type}`
}

/** Where a failed assertion ends the script without an error route. */
const WITHOUT_ERROR_ROUTE: ReadonlySet<RouteKind> = new Set<RouteKind>(['error', 'onreply', 'local'])

/** Statements that leave `$rc` to the statements in them. */
const KEEPS_RC: ReadonlySet<StatementNode['type']> = new Set<StatementNode['type']>([
  'while',
  'foreach',
  'switch',
  'break',
])

const BREAK: Step = m => {
  m.flow = Flow.break
  // 0 as the code of a false `if` must not end the script.
  return m.rc === 0 ? 1 : m.rc
}
const EXIT: Step = m => {
  m.flow = Flow.exit
  return 0
}
const DROP: Step = m => {
  m.flow = Flow.exit
  m.dropped = true
  return 0
}
