import { ARGUMENT_FAILED } from './args.ts'
import type { CallNode } from './ast.ts'
import { compileArgs } from './compile-args.ts'
import type { RouteContext, Step, Verdict } from './context.ts'
import type { ScriptFunction } from './environment.ts'
import { nearest } from './nearest.ts'
import { COMMANDS } from './parse-commands.ts'
import type { Place } from './source.ts'
import { NOTHING, type Scope, type Unit } from './unit.ts'

/** Functions whose first argument names an event. */
const EVENT_FUNCTIONS: ReadonlySet<string> = new Set([
  'raise_event',
  'subscribe_event',
  'notify_on_event',
  'wait_for_event',
  'subscribe',
])

/** What the compiler learns of the events a script names. */
export interface EventNotes {
  note(name: string, place: Place): void
  /** The script raises it by itself. */
  noteRaised(name: string): void
}

/** Compiles calls of functions. */
export class CallCompiler {
  readonly #unit: Unit
  readonly #events: EventNotes

  constructor(unit: Unit, events: EventNotes) {
    this.#unit = unit
    this.#events = events
  }

  /** Reports what is wrong with the call; then gives a step that does nothing. The step never throws. */
  compile(call: CallNode, scope: Scope): Step {
    const found = this.#find(call)
    if (found === undefined || !this.#isAllowed(call, found, scope)) return NOTHING.step
    this.#noteEvent(call)
    const args = compileArgs(this.#unit, call, found.args)
    if (args === undefined) return NOTHING.step
    const build = found.build.bind(found) as (...args: readonly unknown[]) => Step
    const given = this.#unit.observer?.args(found.args, call, args) ?? args
    const step = this.#unit.attempt(call.place, () => build(...given), NOTHING.step)
    return guarded(this.#unit, step, call)
  }

  /** The same for a call inside `async()` or `launch()`. */
  compileAsync(call: CallNode, scope: Scope, statement: 'async' | 'launch'): Step {
    const found = this.#unit.findFunction(call.name)
    if (found !== undefined && found.async !== true) {
      const names = [...this.#unit.environment.functions].flatMap(([name, { async }]) => (async === true ? [name] : []))
      const hint = names.length === 0 ? undefined : `functions that can: ${names.join(', ')}`
      this.#unit.diagnostics.error('E_FUNCTION', call.place, `${call.name}() cannot be used in ${statement}()`, hint)
      return NOTHING.step
    }
    return this.compile(call, scope)
  }

  #find(call: CallNode): ScriptFunction | undefined {
    const found = this.#unit.findFunction(call.name)
    if (found !== undefined) return found
    this.#unit.diagnostics.error('E_FUNCTION', call.place, `unknown function ${call.name}()`, this.#hint(call.name))
    return undefined
  }

  /** What was meant: a function of a module that is not loaded, or one of a similar name. */
  #hint(name: string): string | undefined {
    const others = this.#unit.environment.otherFunctions ?? new Map<string, string>()
    const module = others.get(name)
    if (module !== undefined) return `it is in module ${module}: add loadmodule "${module}.so"`
    const similar = nearest(name, [...this.#unit.functionNames(), ...COMMANDS, ...others.keys()])
    if (similar === undefined) return undefined
    const owner = this.#unit.findFunction(similar) === undefined ? others.get(similar) : undefined
    return owner === undefined ? `did you mean "${similar}"?` : `did you mean "${similar}" of module ${owner}?`
  }

  #isAllowed(call: CallNode, { routes }: ScriptFunction, scope: Scope): boolean {
    if (routes === 'any' || routes.includes(scope.kind)) return true
    const hint = `it can be used in these kinds of route: ${routes.join(', ')}`
    this.#unit.diagnostics.error('E_ROUTE_KIND', call.place, `${call.name}() cannot be used in ${scope.route}`, hint)
    return false
  }

  #noteEvent(call: CallNode): void {
    const [event] = call.args
    if (!EVENT_FUNCTIONS.has(call.name) || event?.type !== 'string' || event.value.includes('$')) return
    // It knows other names for some events too.
    if (call.name === 'subscribe' && !event.value.startsWith('E_')) return
    this.#events.note(event.value, event.place)
    if (call.name === 'raise_event') this.#events.noteRaised(event.value)
  }
}

/** A step that turns whatever a function throws into a logged −1. */
function guarded(unit: Unit, step: Step, { name, place }: CallNode): Step {
  const failed = (m: RouteContext, error: unknown): Verdict => {
    // The argument that failed has logged why.
    if (error !== ARGUMENT_FAILED) {
      const reason = error instanceof Error ? error.message : String(error)
      unit.fail('function failed', place, { function: name, reason })
      m.recorder?.fault(reason)
    } else m.recorder?.fault('an argument has no usable value')
    return -1
  }
  return (m: RouteContext) => {
    try {
      const verdict = step(m)
      return typeof verdict === 'number' ? verdict : verdict.catch((error: unknown) => failed(m, error))
    } catch (error) {
      return failed(m, error)
    }
  }
}
