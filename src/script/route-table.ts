import type { RouteNode } from './ast.ts'
import type { RouteContext, RouteKind, RunningRoute, Step, Verdict } from './context.ts'
import { Flow } from './context.ts'

/** How each kind is written in scripts. */
export const ROUTE_WORD: Readonly<Record<RouteKind, string>> = {
  request: 'route',
  failure: 'failure_route',
  onreply: 'onreply_route',
  branch: 'branch_route',
  error: 'error_route',
  local: 'local_route',
  startup: 'startup_route',
  timer: 'timer_route',
  event: 'event_route',
}

/** `route`, `route[x]`, `timer_route[tick]`. */
export function showRoute(kind: RouteKind, name: string): string {
  return name === '' || (kind === 'request' && name === '0') ? ROUTE_WORD[kind] : `${ROUTE_WORD[kind]}[${name}]`
}

/** One route of the script: callable from the moment it was read, though its body is built later. */
export interface Route {
  readonly node: RouteNode
  readonly shown: string
  /** Runs it; `return` ends here, `exit` does not. */
  readonly step: Step
  /** Set once, by the compiler. */
  body: Step
  /** The same, for a message that is followed; set with `body`. */
  traced: Step
}

const NOT_BUILT: Step = () => -1

/** The routes of a script by kind and name. */
export class RouteTable {
  readonly #routes = new Map<RouteKind, Map<string, Route>>()

  constructor(nodes: readonly RouteNode[]) {
    for (const node of nodes) {
      const named = this.#routes.get(node.kind) ?? new Map<string, Route>()
      this.#routes.set(node.kind, named)
      named.set(node.name, makeRoute(node))
    }
  }

  /** Of the kinds without names, and the global onreply route, the name is ''; of the main route '0'. */
  find(kind: RouteKind, name: string): Route | undefined {
    return this.#routes.get(kind)?.get(name)
  }

  all(kind: RouteKind): readonly Route[] {
    return [...(this.#routes.get(kind)?.values() ?? [])]
  }

  names(kind: RouteKind): readonly string[] {
    return [...(this.#routes.get(kind)?.keys() ?? [])]
  }

  *[Symbol.iterator](): Iterator<Route> {
    for (const named of this.#routes.values()) yield* named.values()
  }
}

function makeRoute(node: RouteNode): Route {
  const shown = showRoute(node.kind, node.name)
  const name = `${ROUTE_WORD[node.kind]}[${node.kind === 'request' && node.name === '0' ? '' : node.name}]`
  const outermost: RunningRoute = { name, caller: null }
  const leave = (m: RouteContext, verdict: Verdict): Verdict => {
    m.route = m.route?.caller ?? null
    if (m.flow === Flow.return) m.flow = Flow.next
    return verdict
  }
  const route: Route = {
    node,
    shown,
    body: NOT_BUILT,
    traced: NOT_BUILT,
    step: m => {
      m.route = m.route === null ? outermost : { name, caller: m.route }
      const verdict = m.recorder === null ? route.body(m) : route.traced(m)
      return typeof verdict === 'number' ? leave(m, verdict) : verdict.then(late => leave(m, late))
    },
  }
  return route
}
