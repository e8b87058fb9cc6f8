import type { ScriptAccess } from '../access.ts'
import { StatementCompiler } from '../compile-statement.ts'
import type { Step } from '../context.ts'
import type { Route } from '../route-table.ts'
import type { Source } from '../source.ts'
import { Unit } from '../unit.ts'
import { StatementObserver } from './observer.ts'

/**
 * The routes of a script a second time, in a form that tells what it does. A route is compiled to it when the first
 * message that somebody follows runs it, so nothing of this is there while nobody does, and messages that nobody
 * follows run the form they always run.
 */
export class TracedRoutes {
  readonly #plain: Unit
  readonly #sources: readonly Source[]
  readonly #access: ScriptAccess
  readonly #bodies = new Map<Route, Step>()

  constructor(plain: Unit, sources: readonly Source[], access: ScriptAccess) {
    this.#plain = plain
    this.#sources = sources
    this.#access = access
  }

  body(route: Route): Step {
    const known = this.#bodies.get(route)
    if (known !== undefined) return known
    const body = this.#compile(route)
    this.#bodies.set(route, body)
    return body
  }

  #compile(route: Route): Step {
    const { environment, settings, routes } = this.#plain
    const unit = new Unit(environment, settings, routes, this.#plain, new StatementObserver(this.#sources))
    const { kind, body } = route.node
    const statements = new StatementCompiler(unit, NOBODY)
    // Builders of functions ask it for variables and routes: those of this script, which need not be the one in force.
    const { unit: inForce } = this.#access
    this.#access.switchTo(unit)
    try {
      const traced = statements.compileBlock(body, { kind, route: route.shown })
      const [fault] = unit.diagnostics.list.filter(({ severity }) => severity === 'error')
      if (fault === undefined) return traced
      // A message must never run less than it would without being traced.
      unit.log.error('a route cannot be traced', { ...fault, route: route.shown })
      return route.body
    } finally {
      this.#access.switchTo(inForce)
    }
  }
}

const NOBODY = { note: () => {}, noteRaised: () => {} }
