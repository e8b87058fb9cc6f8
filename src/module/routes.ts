import type { RouteKind, Step } from '../script/context.ts'
import type { Program } from '../script/program.ts'
import type { Timer } from '../util/clock.ts'
import type { AssembledHost } from './assembly.ts'
import type { ReloadResult, RoutesInForce } from './define.ts'
import { changeEventRoutes } from './event-routes.ts'
import type { ScriptReloader } from './reload.ts'
import { watchSlowMessages } from './slow-messages.ts'
import { startTimerRoutes } from './timer-routes.ts'

/**
 * The routes that the proxy runs, and their replacement by those of a changed file. What has begun goes on with the steps it
 * holds; only what begins afterwards is given the new ones.
 */
export class Routes implements RoutesInForce {
  readonly #host: AssembledHost
  readonly #reloader: ScriptReloader
  #program: Program
  #generation = 1
  #loadedAtMs: number
  #needsRestart: readonly string[] = []
  #timers: readonly Timer[] = []
  #inService = false

  constructor(host: AssembledHost, program: Program, reloader: ScriptReloader) {
    this.#host = host
    this.#program = program
    this.#reloader = reloader
    this.#loadedAtMs = host.clock.nowMs()
  }

  get program(): Program {
    return this.#program
  }
  get generation(): number {
    return this.#generation
  }
  get loadedAtMs(): number {
    return this.#loadedAtMs
  }
  get needsRestart(): readonly string[] {
    return this.#needsRestart
  }

  /** Lets requests and timers come to the routes. */
  enterService(): void {
    const { proxy, settings, script, clock } = this.#host
    const program = this.#program
    const started = (kind: RouteKind, name: string): Step | null => {
      const step = program.route(kind, name)
      return step === undefined ? null : m => script.run(step, m)
    }
    const main = started('request', '0')
    const { exec_msg_threshold: thresholdUs } = settings
    proxy.routes = {
      main: main === null || thresholdUs === 0 ? main : watchSlowMessages(main, thresholdUs, this.#host),
      onreply: started('onreply', ''),
      error: started('error', ''),
    }
    this.stopTimers()
    this.#timers = startTimerRoutes(program.timers, script, clock)
    this.#inService = true
  }

  stopTimers(): void {
    for (const timer of this.#timers) timer.clear()
    this.#timers = []
  }

  /** Never throws. */
  reload(): ReloadResult {
    const log = this.#host.logger.part('core')
    if (!this.#inService) return { ok: false, generation: this.#generation, faults: ['the proxy is not in service'] }
    const loaded = this.#reloader.reload()
    if (loaded.program === null) {
      log.error('the routes stay as they are', { generation: this.#generation, reason: loaded.faults.join('; ') })
      return { ok: false, generation: this.#generation, faults: loaded.faults }
    }
    const { program, needsRestart } = loaded
    for (const name of program.eventNames) this.#host.bus.catalogue.define(name, null, 'script')
    changeEventRoutes(this.#host, this.#program, program, () => {
      this.#program = program
    })
    this.#generation++
    this.#loadedAtMs = this.#host.clock.nowMs()
    this.#needsRestart = needsRestart
    this.enterService()
    log.notice('routes reloaded', { generation: this.#generation })
    if (needsRestart.length > 0)
      log.warn('what changed beside the routes takes effect with the next start', {
        changed: needsRestart.join(', '),
      })
    return { ok: true, generation: this.#generation, needsRestart }
  }
}
