import { defineModule } from '../../module/define.ts'
import { DEFAULT_IDENTIFIER } from '../../stats/status-report.ts'
import type { Timer } from '../../util/clock.ts'
import { branchFunctions } from './branch-functions.ts'
import { coreCommandHandlers, coreCommands } from './commands.ts'
import { coreEvents } from './events.ts'
import { flagFunctions } from './flag-functions.ts'
import { logEventFields } from './log-events.ts'
import { heapMemory, processMemory, watchMemory } from './memory-watch.ts'
import { registerProcessStatistics } from './process-statistics.ts'
import { sendingFunctions } from './sending-functions.ts'
import { traceCommand, traceCommandHandler } from './trace-command.ts'
import { traceFunctions } from './trace-functions.ts'
import { uriFunctions } from './uri-functions.ts'
import { valueFunctions } from './value-functions.ts'

/** Core functions, events and commands. Always loaded. */
export default defineModule(
  {
    name: 'core',
    doc: 'What every script may use without loading a module.',
    functions: {
      ...uriFunctions.specs,
      ...branchFunctions.specs,
      ...flagFunctions.specs,
      ...sendingFunctions.specs,
      ...valueFunctions.specs,
      ...traceFunctions.specs,
    },
    events: coreEvents,
    commands: { ...coreCommands, ...traceCommand },
  },
  context => {
    const { host, clock, log, raise } = context
    let timers: readonly (Timer | null)[] = []
    return {
      functions: {
        ...uriFunctions.handlers(context),
        ...branchFunctions.handlers(context),
        ...flagFunctions.handlers(context),
        ...sendingFunctions.handlers(context),
        ...valueFunctions.handlers(context),
        ...traceFunctions.handlers(context),
      },
      commands: { ...coreCommandHandlers(context), ...traceCommandHandler(context) },
      start: () => {
        host.network.onDisconnect(closed =>
          raise.E_CORE_TCP_DISCONNECT({
            src_ip: closed.sourceAddress,
            src_port: closed.sourcePort,
            dst_ip: closed.localAddress,
            dst_port: closed.localPort,
            proto: closed.proto,
          }),
        )
        const { event_shm_threshold: processLimit, event_pkg_threshold: heapLimit } = host.settings
        timers = [
          registerProcessStatistics(host.stats, clock),
          watchMemory(clock, processLimit, processMemory, alarm => raise.E_CORE_SHM_THRESHOLD(alarm)),
          watchMemory(clock, heapLimit, heapMemory, alarm =>
            raise.E_CORE_PKG_THRESHOLD({ ...alarm, pid: process.pid }),
          ),
        ]
        if (host.settings.syslog_enabled !== 0)
          log.notice('there is no syslog: the log goes to standard error', { setting: 'syslog_enabled' })
        host.stats.gauge('core', 'timestamp', 'Seconds since the start.').read = () =>
          Math.floor((clock.nowMs() - host.instance.startedAtMs) / 1000)
        host.status.onChange = change =>
          raise.E_CORE_SR_STATUS_CHANGED({
            group: change.group,
            identifier: change.identifier,
            status: change.status,
            details: change.details ?? undefined,
            old_status: change.oldStatus,
          })
        host.status.report('core', DEFAULT_IDENTIFIER, 'initializing')
        host.status.set('core', DEFAULT_IDENTIFIER, 1, 'running')
        host.status.report('core', DEFAULT_IDENTIFIER, 'initialization completed, ready now')
        if (host.settings.log_event_enabled) {
          const { log_prefix: prefix, log_event_level_filter: filter } = host.settings
          host.logger.listener = record => {
            if (filter === 0 || record.level <= filter) raise.E_CORE_LOG(logEventFields(record, prefix))
          }
        }
      },
      stop: () => {
        for (const timer of timers) timer?.clear()
        host.logger.listener = null
        host.status.onChange = null
      },
    }
  },
)
