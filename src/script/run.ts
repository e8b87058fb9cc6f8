import { ARGUMENT_FAILED } from './args.ts'
import { Flow, type RouteContext, type Step, type Verdict } from './context.ts'
import type { Unit } from './unit.ts'

/**
 * Runs a route to its end, as the start of a script: nothing of an earlier run on the same context is left in its way.
 * Never throws or rejects: what goes wrong is logged and gives −1.
 */
export function runStep(unit: Unit, step: Step, m: RouteContext, rc: Verdict = 1): Verdict | Promise<Verdict> {
  m.flow = Flow.next
  m.depth = 0
  m.rc = rc
  m.routeStack.length = 0
  try {
    const verdict = step(m)
    return typeof verdict === 'number' ? verdict : verdict.catch((error: unknown) => failed(unit, m, error))
  } catch (error) {
    return failed(unit, m, error)
  }
}

function failed(unit: Unit, m: RouteContext, error: unknown): Verdict {
  const reason =
    error === ARGUMENT_FAILED ? 'an argument has no value' : error instanceof Error ? error.message : String(error)
  unit.log.error('route failed', { route: m.routeStack.at(-1), reason })
  m.flow = Flow.exit
  return -1
}
