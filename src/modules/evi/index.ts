import { ALARM_EVENTS } from '../../events/alarm-events.ts'
import { defineModule } from '../../module/define.ts'
import { eventCommandHandlers, eventCommands } from './commands.ts'
import { eventFunctions } from './functions.ts'
import { looking, lookingCommands } from './looking.ts'
import { spoolCommandHandlers, spoolCommands } from './spool-commands.ts'

/** The event interface for scripts and management. Always loaded. */
export default defineModule(
  {
    name: 'evi',
    doc: 'The event interface: raising events, subscribing sockets to them, reading them in event routes.',
    functions: eventFunctions.specs,
    commands: { ...eventCommands, ...lookingCommands, ...spoolCommands },
    events: ALARM_EVENTS,
  },
  context => {
    const { host } = context
    const look = looking(host, host.settings.event_trail)
    return {
      functions: eventFunctions.handlers(context),
      commands: { ...eventCommandHandlers(host), ...look.commands, ...spoolCommandHandlers(host) },
      stop: () => look.stop(),
    }
  },
)
