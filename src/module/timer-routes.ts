import type { ScriptAccess } from '../script/access.ts'
import type { TimerRoute } from '../script/program.ts'
import type { Clock, Timer } from '../util/clock.ts'

/** Runs the script's timer routes. A run that is late is skipped: a route never overlaps itself. Gives the timers. */
export function startTimerRoutes(routes: readonly TimerRoute[], script: ScriptAccess, clock: Clock): Timer[] {
  return routes.map(({ intervalS, step }) => {
    let isRunning = false
    return clock.every(intervalS * 1000, () => {
      if (isRunning) return
      const verdict = script.run(step, script.dummyContext('timer'))
      if (typeof verdict === 'number') return
      isRunning = true
      void verdict.then(() => {
        isRunning = false
      })
    })
  })
}
