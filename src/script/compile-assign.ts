import type { AssignNode, KeepNode } from './ast.ts'
import { type CompiledValue, type CompileTruth, compileValue, valueOrFault } from './compile-value.ts'
import { Flow, type RouteContext, type Step, type Verdict } from './context.ts'
import { ScriptError } from './diagnostic.ts'
import { after } from './sequence.ts'
import type { CompiledVariable } from './text-compiler.ts'
import type { Unit } from './unit.ts'
import { combine } from './values.ts'

/** Compiles an assignment: 1 done; −1 the value is missing or refused, and the target keeps its own. Throws ScriptError. */
export function compileAssignment(unit: Unit, node: AssignNode, compileTruth: CompileTruth): Step {
  const target = compileTarget(unit, node)
  const value = compileValue(unit, node.value, compileTruth)
  const { op, place } = node
  const store = (m: RouteContext, result: ReturnType<CompiledValue['read']>, replace: boolean): number => {
    if (result === undefined) unit.warn('assignment failed', place, { variable: target.text })
    else if (target.set(m, result, replace)) return 1
    else unit.warn('assignment refused', place, { variable: target.text })
    return -1
  }
  if (op === '=' || op === ':=') {
    const replace = op === ':='
    if (value.constant !== undefined) {
      const { constant } = value
      return m => store(m, constant, replace)
    }
    return m => store(m, value.read(m), replace)
  }
  return m => {
    const operand = value.read(m)
    if (operand === undefined) return store(m, undefined, true)
    const result = valueOrFault(unit, combine(op, target.get(m), operand), op, place)
    return store(m, result, true)
  }
}

/** Compiles `$var(x) = f()`; `call` is the right side. A call that gives 0 ends the script. Throws ScriptError. */
export function compileKeep(unit: Unit, node: KeepNode, call: Step): Step {
  const target = compileTarget(unit, node)
  const keep = (given: Verdict, m: RouteContext): Verdict => {
    if (given === 0 || m.flow !== Flow.next) return given
    if (target.set(m, given, node.op === ':=')) return 1
    unit.warn('assignment refused', node.place, { variable: target.text })
    return -1
  }
  return m => after(call(m), given => keep(given, m))
}

function compileTarget(unit: Unit, { target }: AssignNode | KeepNode): CompiledVariable {
  if (/\{/.test(target.text) && target.text.startsWith('$('))
    throw new ScriptError('E_READ_ONLY', target.place, `${target.text}: a transformation cannot be assigned to`)
  const variable = unit.texts.variable(target.text, target.place)
  if (!variable.writable) throw new ScriptError('E_READ_ONLY', target.place, `${target.text} is read-only`)
  return variable
}
