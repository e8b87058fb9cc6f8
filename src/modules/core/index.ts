import { defineModule } from '../../module/define.ts'
import { DEFAULT_IDENTIFIER } from '../../stats/status-report.ts'
import type { Timer } from '../../util/clock.ts'
import { branchFunctions } from './branch-functions.ts'
import { coreCommandHandlers, coreCommands } from './commands.ts'
import { coreEvents } from './events.ts'
import { flagFunctions } from './flag-functions.ts'
import { logEventFields } from './log-events.ts'
import { registerProcessStatistics } from './process-statistics.ts'
import { sendingFunctions } from './sending-functions.ts'
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
    },
    events: coreEvents,
    commands: coreCommands,
  },
  context => {
    const { host, clock, raise } = context
    let loadTimer: Timer | null = null
    return {
      functions: {
        ...uriFunctions.handlers(context),
        ...branchFunctions.handlers(context),
        ...flagFunctions.handlers(context),
        ...sendingFunctions.handlers(context),
        ...valueFunctions.handlers(context),
      },
      commands: coreCommandHandlers(context),
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
        loadTimer = registerProcessStatistics(host.stats, clock)
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
        host.status.set('core', DEFAULT_IDENTIFIER, 1, 'running')
        if (host.settings.log_event_enabled) {
          const { log_prefix: prefix, log_event_level_filter: filter } = host.settings
          host.logger.listener = record => {
            if (filter === 0 || record.level <= filter) raise.E_CORE_LOG(logEventFields(record, prefix))
          }
        }
      },
      stop: () => {
        loadTimer?.clear()
        host.logger.listener = null
        host.status.onChange = null
      },
    }
  },
)
