import type { Value } from '../util/spec.ts'
import type { ArgNode, AsyncNode, LaunchNode, ReturnNode, RouteCallNode, StringNode } from './ast.ts'
import { grant } from './budget.ts'
import type { CallCompiler } from './compile-call.ts'
import { Flow, NO_PARAMS, RouteContext, type RouteParams, type Step, type Verdict } from './context.ts'
import { ScriptError } from './diagnostic.ts'
import { dummyContext } from './dummy.ts'
import type { AsyncCall } from './environment.ts'
import { didYouMean } from './nearest.ts'
import type { Route } from './route-table.ts'
import { runStep } from './run.ts'
import type { CompiledText } from './text-compiler.ts'
import { withTimeLimit } from './time-limit.ts'
import type { Scope, Unit } from './unit.ts'

/** Deepest nesting of route() (script reference, return codes). */
export const MAX_DEPTH = 100

/** Parameters by position. */
class CallParams implements RouteParams {
  readonly #values: readonly Value[]
  constructor(values: readonly Value[]) {
    this.#values = values
  }
  at(index: number): Value | undefined {
    return this.#values[index - 1]
  }
  named(): undefined {
    return undefined
  }
}

/** Compiles the value of a parameter of a route, or of return(). Throws ScriptError. */
function compileParam(unit: Unit, node: ArgNode): (m: RouteContext) => Value {
  switch (node.type) {
    case 'null':
      return () => null
    case 'number':
      return () => node.value
    case 'string': {
      const text = unit.texts.format(node.value, node.place)
      return m => text.read(m)
    }
    case 'variable': {
      const variable = unit.texts.variable(node.text, node.place)
      return m => variable.get(m)
    }
  }
}

/** `route(name, …)`: what the route gives. Throws ScriptError. */
export function compileRouteCall(unit: Unit, node: RouteCallNode): Step {
  const params = node.args.map(arg => compileParam(unit, arg))
  const find = compileRouteName(unit, node)
  const call = (route: Route, m: RouteContext): Verdict | Promise<Verdict> => {
    if (m.depth >= MAX_DEPTH) {
      unit.failOften('routes call each other too deeply', node.place, { depth: m.depth, route: route.shown })
      return -1
    }
    const outer = m.params
    m.params = params.length === 0 ? NO_PARAMS : new CallParams(params.map(read => read(m)))
    m.depth++
    const leave = (verdict: Verdict): Verdict => {
      m.depth--
      m.params = outer
      return verdict
    }
    const verdict = route.step(m)
    return typeof verdict === 'number' ? leave(verdict) : verdict.then(leave)
  }
  return m => {
    const route = find(m)
    return route === undefined ? -1 : call(route, m)
  }
}

/** A constant name must exist; any other is looked up when the script runs. */
function compileRouteName(unit: Unit, { name, place }: RouteCallNode): (m: RouteContext) => Route | undefined {
  const text: CompiledText = unit.texts.format(name.type === 'variable' ? name.text : name.value, name.place)
  if (text.constant !== undefined) {
    const route = findRoute(unit, text.constant, name)
    return () => route
  }
  return m => {
    const wanted = text.read(m)
    const route = unit.routes.find('request', wanted)
    if (route === undefined) unit.fail('no such route', place, { route: wanted })
    return route
  }
}

function findRoute(unit: Unit, name: string, node: { readonly place: StringNode['place'] }): Route {
  const route = unit.routes.find('request', name)
  if (route !== undefined) return route
  const hint = didYouMean(name, unit.routes.names('request'))
  throw new ScriptError('E_ROUTE', node.place, `there is no route[${name}]`, hint)
}

/** `return`: the code ends the route; 0 ends the script. Throws ScriptError. */
export function compileReturn(unit: Unit, node: ReturnNode): Step {
  const extra = node.extra.map(value => compileParam(unit, value))
  const code = compileCode(unit, node)
  return m => {
    const verdict = code(m)
    m.returned = extra.length === 0 ? NO_VALUES : extra.map(read => read(m))
    m.flow = verdict === 0 ? Flow.exit : Flow.return
    return verdict
  }
}

const NO_VALUES: readonly Value[] = []

function compileCode(unit: Unit, { code }: ReturnNode): (m: RouteContext) => Verdict {
  if (code === undefined) return () => 1
  if (code.type === 'number') return () => code.value
  const variable = unit.texts.variable(code.text, code.place)
  return m => {
    const value = variable.get(m)
    return typeof value === 'number' ? value : value === null ? -1 : 1
  }
}

/** `async(call, resume[, timeout])`: ends the run; the resume route follows when the call is done. Throws ScriptError. */
export function compileAsync(unit: Unit, calls: CallCompiler, node: AsyncNode, scope: Scope): Step {
  const step = limited(unit, calls.compileAsync(node.call, scope, 'async'), node)
  const resume = findRoute(unit, node.resume.value, node.resume)
  const { file, line } = node.place
  const call: AsyncCall = {
    start: m => step(m),
    resume: (m, rc) => {
      m.params = NO_PARAMS
      return runStep(unit, resume.step, m, rc)
    },
    text: `${node.call.name}() at ${file}:${line}`,
  }
  const finish = (m: RouteContext): Verdict => {
    m.flow = Flow.exit
    return 0
  }
  return m => {
    m.flow = Flow.exit
    const done = unit.environment.startAsync?.(m, call) ?? runThrough(call, m)
    return typeof done === 'number' ? finish(m) : done.then(() => finish(m))
  }
}

function limited(unit: Unit, step: Step, { call, timeoutS = 0, place }: AsyncNode): Step {
  if (timeoutS <= 0) return step
  const onLate = (): void => unit.warn('function gave no result in time', place, { function: call.name, timeoutS })
  return withTimeLimit(step, timeoutS, unit.clock, onLate)
}

function runThrough(call: AsyncCall, m: RouteContext): Verdict | Promise<Verdict> {
  const rc = call.start(m)
  return typeof rc === 'number' ? call.resume(m, rc) : rc.then(late => call.resume(m, late))
}

/**
 * `launch(call[, report[, "param"]])`: the script goes on at once. The call reads its arguments from the message; what it
 * writes, and the report route, belong to a context of their own. Throws ScriptError.
 */
export function compileLaunch(unit: Unit, calls: CallCompiler, node: LaunchNode, scope: Scope): Step {
  const step = calls.compileAsync(node.call, scope, 'launch')
  const report = node.report === undefined ? undefined : findRoute(unit, node.report.value, node.report)
  const param = node.param === undefined ? undefined : compileParam(unit, node.param)
  return m => {
    const aside = detached(m)
    const params = param === undefined ? NO_PARAMS : new CallParams([param(m)])
    aside.recorder = m.recorder
    const rc = step(aside)
    aside.recorder = null
    const tell = (code: Verdict, avps?: RouteContext['avps']): void => {
      if (report === undefined) return
      const context = dummyContext('request', unit.varCount)
      if (avps !== undefined) context.avps = avps
      context.params = params
      if (m.budget === unit.eventBudget) grant(context, unit.eventBudget)
      void runStep(unit, report.step, context, code)
    }
    // In a turn of its own: a report that launches the same again must not keep everybody else from theirs.
    const finish = (code: Verdict, avps?: RouteContext['avps']): void => void setImmediate(() => tell(code, avps))
    if (typeof rc === 'number') {
      finish(rc)
      return 1
    }
    const { avps } = dummyContext('request', 0)
    aside.avps = avps
    void rc.then(late => finish(late, avps))
    return 1
  }
}

/** The same message, with copies of what the script has set. */
function detached(m: RouteContext): RouteContext {
  const { kind, message, origin, avps } = m
  const copy = new RouteContext({
    kind,
    message,
    origin,
    avps,
    target: { ...m.target },
    edits: m.edits.clone(),
    vars: [...m.vars],
  })
  copy.params = m.params
  copy.request = m.request
  copy.reply = m.reply
  // What modules know of the message, for the arguments of the call: `$json(x)`, `$mqv(q)`.
  copy.slots = m.slots.slice()
  return copy
}
