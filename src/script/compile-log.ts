import { LogLevel } from '../log/log.ts'
import type { LogNode } from './ast.ts'
import type { RouteContext, Step } from './context.ts'
import type { Unit } from './unit.ts'

/** Compiles `xlog`, `xdbg`, `log` and `error`: always 1. Throws ScriptError. */
export function compileLog(unit: Unit, node: LogNode): Step {
  const levelOf = compileLevel(unit, node)
  if (node.raw) {
    const { value } = node.text
    return m => {
      unit.print(levelOf(m), value)
      return 1
    }
  }
  const text = unit.texts.format(node.text.value, node.text.place)
  const limit = unit.settings.xlog_buf_size
  return m => {
    const level = levelOf(m)
    // A line that is not printed is not put together either.
    if (level > unit.xlogLevel.get()) return 1
    const line = text.read(m)
    if (line.length <= limit) unit.print(level, line)
    else unit.fail('xlog line is longer than xlog_buf_size', node.place, { length: line.length, limit })
    return 1
  }
}

function compileLevel(unit: Unit, { level, raw }: LogNode): (m: RouteContext) => number {
  const usual = raw ? LogLevel.notice : unit.settings.xlog_print_level
  if (level === undefined) return () => usual
  if (level.type === 'number') return () => level.value
  const variable = unit.texts.variable(level.text, level.place)
  return m => {
    const value = variable.get(m)
    return typeof value === 'number' ? value : usual
  }
}
