import type { LogFields } from '../log/log.ts'
import { ARGUMENT_FAILED } from './args.ts'
import { BudgetFault, grant } from './budget.ts'
import { Flow, type RouteContext, type Step, type Verdict } from './context.ts'
import { StatementFault } from './statement-fault.ts'
import type { RunRecorder } from './trace/run-recorder.ts'
import { type Unit, where } from './unit.ts'

/**
 * Runs a route to its end, as the start of a script: nothing of an earlier run on the same context is left in its way.
 * Never throws or rejects: what goes wrong is logged and gives −1.
 */
export function runStep(unit: Unit, step: Step, m: RouteContext, rc: Verdict = 1): Verdict | Promise<Verdict> {
  m.flow = Flow.next
  m.depth = 0
  m.rc = rc
  m.trace = null
  m.route = null
  if (m.budget !== unit.eventBudget) grant(m, unit.routeBudget)
  // A run that goes on in another route, as behind async(), stays the one it is.
  const recorder = unit.traces.isOn && m.recorder === null ? unit.traces.begin(m) : null
  return recorder === null ? runToEnd(unit, step, m) : runTraced(unit, step, m, recorder)
}

function runTraced(unit: Unit, step: Step, m: RouteContext, recorder: RunRecorder): Verdict | Promise<Verdict> {
  const end = (verdict: Verdict): Verdict => {
    m.recorder = null
    recorder.end(m, verdict)
    return verdict
  }
  m.recorder = recorder
  const verdict = runToEnd(unit, step, m)
  return typeof verdict === 'number' ? end(verdict) : verdict.then(end)
}

function runToEnd(unit: Unit, step: Step, m: RouteContext): Verdict | Promise<Verdict> {
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
  unit.log.error('route failed', { ...placeOf(error), route: m.route?.name, reason })
  m.flow = Flow.exit
  return -1
}

function placeOf(error: unknown): LogFields {
  if (error instanceof BudgetFault) return { ...where(error.loop), running: error.around }
  return error instanceof StatementFault ? where(error.place) : {}
}
