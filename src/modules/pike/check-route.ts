import type { ModuleContext } from '../../module/define.ts'
import { RouteContext, type Step } from '../../script/context.ts'

/** Finds the route that `check_route` names. Throws an Error when there is none. */
export function findCheckRoute({ host }: ModuleContext, name: string): Step {
  const route = host.script.route('request', name)
  if (route === undefined) throw new Error(`check_route: there is no route[${name}] in the script`)
  return route
}

/**
 * Whether the check route lets a message pass unchecked, by `drop`. It decides at once: a route that waits for something
 * exempts nothing.
 */
export function exempts({ host, log }: ModuleContext, route: Step): (m: RouteContext) => boolean {
  let hasComplained = false
  return m => {
    const aside = beside(m)
    const verdict = host.script.run(route, aside)
    if (verdict instanceof Promise) {
      if (!hasComplained) log.error('check_route waits for something: it exempts nothing')
      hasComplained = true
      return false
    }
    return aside.dropped
  }
}

/** A run of its own on the same message: what it sets stays for the main route, how it ends does not. */
function beside({ message, origin, target, edits, avps, vars }: RouteContext): RouteContext {
  return new RouteContext({ kind: 'request', message, origin, target, edits, avps, vars })
}
