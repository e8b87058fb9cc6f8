import { ALARM_EVENTS } from '../../events/alarm-events.ts'
import { defineModule } from '../../module/define.ts'
import { eventCommandHandlers, eventCommands } from './commands.ts'
import { eventFunctions } from './functions.ts'

/** The event interface for scripts and management. Always loaded. */
export default defineModule(
  {
    name: 'evi',
    doc: 'The event interface: raising events, subscribing sockets to them, reading them in event routes.',
    functions: eventFunctions.specs,
    commands: eventCommands,
    events: ALARM_EVENTS,
  },
  context => ({
    functions: eventFunctions.handlers(context),
    commands: eventCommandHandlers(context.host),
  }),
)
