import { counter, defineModule, gauge, optionalParam, param } from '../../module/define.ts'
import { routingCommandHandlers, routingCommands } from './commands.ts'
import { eventPvar } from './event-values.ts'
import type { Strictness } from './filters.ts'
import { routingFunctions, routingSpecs } from './functions.ts'
import { Notifier } from './notifier.ts'
import type { RoutingServices } from './services.ts'
import { talkFunctions, talkSpecs } from './talk-functions.ts'
import { routingTransport } from './transport.ts'
import { Waits } from './waits.ts'

/** Scripts that wait for events, and routes that are told of them (event_routing reference). */
export default defineModule(
  {
    name: 'event_routing',
    doc: 'Lets scripts wait for events, and has routes run for events that concern a call.',
    depends: ['tm'],
    after: ['dialog', 'rtpproxy'],
    params: {
      filters: optionalParam(
        'str',
        '`strict`: a filter that is malformed, or whose key the event cannot carry, is an error. `compat`: it counts for ' +
          'nothing, as in OpenSIPS. By default strict; compat where `era` is 2.4.',
      ),
      default_timeout: param('int', 3600, 'Life of a notification that is given none.', { unit: 's' }),
      async_timeout_code: param(
        'int',
        1,
        '`$rc` in the resume route of async(wait_for_event()) when no event came. OpenSIPS gives 1, so that only the missing ' +
          'AVPs tell; −2 is what the plain call gives.',
      ),
      max_waits: param('int', 1_000_000, 'Most waits at a time; a script that wants one more gets −1.'),
      max_pending: param('int', 1000, 'Most events that wait for one route; what comes then is dropped and counted.'),
    },
    functions: { ...routingSpecs, ...talkSpecs },
    stats: {
      waits: gauge('Waits there are.'),
      running_notifications: gauge('Notified routes that have begun and not ended.'),
      notifications: counter('Events that a wait was told of.'),
      timed_out_waits: counter('Waits whose time ran out.'),
      dropped_notifications: counter('Events a route was not told of, because too many waited for it.'),
      refused_waits: counter('Waits refused because there were `max_waits`.'),
    },
    commands: routingCommands,
    pvars: {
      event: {
        type: 'any',
        writable: false,
        inner: 'required',
        doc:
          'A value of the event that a route is notified of, that wait_for_event() ended with, or whose event route runs. ' +
          'NULL where the event has none of this name; `contact` is the `uri` of a contact event.',
      },
    },
  },
  context => {
    const { host, clock, log, params, stats, use, find } = context
    const waits = new Waits(clock, stats.timed_out_waits)
    const notifier = new Notifier(host, log, params.max_pending)
    const services: RoutingServices = {
      host,
      log,
      tm: use('tm'),
      dialog: find('dialog') ?? null,
      waits,
      notifier,
      settings: {
        strictness: strictnessOf(params.filters, host.settings.era),
        defaultTimeoutS: params.default_timeout,
        asyncTimeoutCode: params.async_timeout_code,
        maxWaits: params.max_waits,
      },
      counts: {
        notified: stats.notifications,
        dropped: stats.dropped_notifications,
        refused: stats.refused_waits,
      },
    }
    stats.waits.read = () => waits.size
    stats.running_notifications.read = () => notifier.running
    host.bus.registerTransport(routingTransport(clock, event => void waits.raised(event)))
    return {
      functions: { ...routingFunctions(services), ...talkFunctions(services) },
      pvars: { event: eventPvar },
      commands: routingCommandHandlers({ clock, waits }),
      stop: () => {
        notifier.stop()
        waits.endAll('stopped')
      },
    }
  },
)

function strictnessOf(text: string | undefined, era: string): Strictness {
  if (text === undefined) return era === '2.4' ? 'compat' : 'strict'
  if (text === 'strict' || text === 'compat') return text
  throw new Error(`filters: expected strict or compat, got "${text}"`)
}
