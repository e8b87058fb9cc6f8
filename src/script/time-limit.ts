import type { Clock } from '../util/clock.ts'
import { AvpStore } from './avp.ts'
import type { RouteContext, Step, TimeLimit, Verdict } from './context.ts'

/** Longest delay that a timer takes. */
const MAX_DELAY_MS = 0x7fff_ffff

/**
 * A step that has its result after `limitS` seconds, whatever `step` does. A function that registers at `m.timeLimit` ends
 * its work then and gives its own code; any other is left to itself and counts as −1, and `onLate` is called: what it
 * does to the message later on goes nowhere. `step` must not throw or reject.
 */
export function withTimeLimit(step: Step, limitS: number, clock: Clock, onLate: () => void): Step {
  const limitMs = Math.min(limitS * 1000, MAX_DELAY_MS)
  return m => {
    const limit: TimeLimit = { onOver: null }
    const own = aside(m, limit)
    const done = step(own)
    if (typeof done === 'number') return keep(m, own, done)
    return new Promise(resolve => {
      let isCut = false
      const timer = clock.after(limitMs, () => {
        if (limit.onOver !== null) return limit.onOver()
        isCut = true
        cutOff(own)
        onLate()
        resolve(-1)
      })
      void done.then(verdict => {
        timer.clear()
        if (!isCut) resolve(keep(m, own, verdict))
      })
    })
  }
}

/** The same message for a function with a limit. What it changes in place is shared; what it sets stays here until `keep`. */
function aside(m: RouteContext, timeLimit: TimeLimit): RouteContext {
  const own = Object.create(m) as RouteContext
  own.timeLimit = timeLimit
  return own
}

function keep(m: RouteContext, own: RouteContext, verdict: Verdict): Verdict {
  own.timeLimit = null
  Object.assign(m, own)
  return verdict
}

/** From now on nothing that is done to it reaches the message. */
function cutOff(own: RouteContext): void {
  Object.assign(own, {
    avps: new AvpStore(),
    vars: [...own.vars],
    slots: [...own.slots],
    target: { ...own.target },
    branches: own.branches.map(branch => ({ ...branch })),
    edits: own.edits.clone(),
  })
}
