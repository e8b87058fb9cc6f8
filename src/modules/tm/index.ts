import { defineModule } from '../../module/define.ts'
import { type TmApi, tmApi } from './api.ts'
import { branchEvents } from './branch-events.ts'
import { tmCommandHandlers, tmCommands } from './commands.ts'
import { requestSender } from './local-request.ts'
import { absorbRequest, afterScript, matchReply } from './matching.ts'
import { checkObservationRoutes, openObserver } from './observation.ts'
import { tmParams, tmSettings } from './params.ts'
import { tmPvarHandlers, tmPvars } from './pvars.ts'
import { dropPhantom } from './release.ts'
import { routingFunctions, routingSpecs } from './routing-functions.ts'
import { emptyTables, type TmServices } from './services.ts'
import { stateFunctions, stateSpecs } from './state-functions.ts'
import { tmStats } from './statistics.ts'

declare module '../../module/define.ts' {
  interface ModuleApis {
    tm: TmApi
  }
}

/** Stateful transactions: RFC 3261 §16 and §17, with the functions, variables and commands of the tm reference. */
export default defineModule(
  {
    name: 'tm',
    doc: 'Stateful transactions: forwarding, forking, answering, and retransmission.',
    params: tmParams,
    functions: { ...routingSpecs, ...stateSpecs },
    stats: tmStats,
    commands: tmCommands,
    pvars: tmPvars,
  },
  ({ host, clock, log, params, stats }) => {
    const { local_request_route, local_reply_route } = params
    const services: TmServices = {
      proxy: host.proxy,
      clock,
      script: host.script,
      log,
      settings: tmSettings(params, host, name => host.script.branchFlagBit(name)),
      stats,
      tables: emptyTables(),
      observers: { created: [], reply: [], routed: [], final: [], failed: [] },
      observer: openObserver(host.script, local_request_route, local_reply_route),
      events: branchEvents(() => services),
    }
    stats.inuse_transactions.read = () => services.tables.all.size
    const sender = requestSender(services)
    host.proxy.hooks.beforeRequest(m => absorbRequest(services, m))
    host.proxy.hooks.afterRequest(m => afterScript(services, m))
    host.proxy.hooks.matchReply(m => matchReply(services, m))
    return {
      api: tmApi(services, sender),
      functions: { ...routingFunctions(services), ...stateFunctions(services, sender) },
      commands: tmCommandHandlers(services, sender),
      pvars: tmPvarHandlers(services),
      start: () => checkObservationRoutes(host.script, { local_request_route, local_reply_route }),
      drain: signal => allAnswered(services, signal),
      stop: () => stopAll(services),
    }
  },
)

/** How often a stop looks whether the last request has been answered. */
const DRAIN_PERIOD_MS = 50

/** Resolves once every request has its final reply, or `signal` aborts. */
function allAnswered({ clock, tables }: TmServices, signal: AbortSignal): Promise<void> {
  const isOver = (): boolean => signal.aborted || ![...tables.all].some(t => t.finalStatus === 0)
  return new Promise(resolve => {
    if (isOver()) return resolve()
    const timer = clock.every(DRAIN_PERIOD_MS, () => {
      if (!isOver()) return
      timer.clear()
      resolve()
    })
  })
}

/** Ends every transaction where it stands, so that no timer outlives the module. */
function stopAll(services: TmServices): void {
  for (const t of services.tables.all) {
    t.holds++
    dropPhantom(t)
    t.idleTimer?.clear()
    t.server?.stop()
    for (const branch of t.branches) branch.stopTimerC()
  }
  for (const client of services.tables.clients.values()) client.stop()
  services.tables.all.clear()
}
