import { MAX_DEPTH } from './compile-routes.ts'
import type { RouteContext, RouteParams, Step, Verdict } from './context.ts'

/** How a route ended that was run within another. */
export interface InnerEnd {
  readonly rc: Verdict
  /** It ended with `drop`. */
  readonly isDropped: boolean
}

/**
 * Runs a route in the midst of another; whatever it does, the one that runs goes on behind it. Routes that run each other
 * too deeply end as by `drop`.
 */
export function runWithin(m: RouteContext, route: Step, params: RouteParams): InnerEnd | Promise<InnerEnd> {
  const { params: own, flow, rc, returned, dropped } = m
  if (m.depth >= MAX_DEPTH) return { rc: -1, isDropped: true }
  const leave = (): boolean => {
    const isDropped = m.dropped
    m.depth--
    Object.assign(m, { params: own, flow, rc, returned, dropped })
    return isDropped
  }
  m.params = params
  m.dropped = false
  m.depth++
  try {
    const verdict = route(m)
    if (typeof verdict === 'number') return { rc: verdict, isDropped: leave() }
    return verdict.then(
      inner => ({ rc: inner, isDropped: leave() }),
      (error: unknown) => {
        leave()
        throw error
      },
    )
  } catch (error) {
    leave()
    throw error
  }
}
