import type { EventType } from '../../events/catalogue.ts'
import type { Subscription } from '../../events/subscription.ts'
import { PAYLOAD_FORMATS } from '../../events/transport.ts'
import { MiError } from '../../mi/management-interface.ts'
import { arg, type Host, optional } from '../../module/define.ts'
import { andThen } from '../../util/and-then.ts'
import { mapInSlices } from '../../util/in-slices.ts'
import type { Commands } from '../../util/spec.ts'
import { readRaisedParams } from './raised-params.ts'
import { refusalReason } from './refusal.ts'

/** Lifetime of a subscription made by management without an `expire`, seconds. */
const DEFAULT_EXPIRE_S = 3600
/** Longest lifetime that is kept as a number; longer ones are cut to it, as recorded. */
const MAX_EXPIRE_S = 2 ** 31 - 1

/** Commands of group `evi`. */
export const eventCommands = {
  subscribe: {
    args: [
      arg('event', 'str', 'Name of the event, or `*` for all.'),
      arg('socket', 'str', 'Where it goes, `scheme:rest`.'),
      optional(arg('expire', 'int', 'Lifetime, seconds; 3600 if absent, 0 unsubscribes.')),
      optional(arg('filter', 'str', 'Conditions that must all hold, `aor=bob@*`.')),
      optional(
        arg('format', 'str', 'Payload, `jsonrpc`, `json`, `cloudevents`, `text` …, where the transport has a choice.'),
      ),
      optional(
        arg('options', 'str', 'How it is delivered, `max_age=1h key=callid`; as it could stand behind the socket.'),
      ),
    ],
    doc: 'subscribes an event to the Event Interface',
    aliases: ['event_subscribe'],
  },
  unsubscribe: {
    args: [
      arg('event', 'str', 'Name of the event.'),
      arg('socket', 'str', 'The socket as it was subscribed.'),
      optional(arg('filter', 'str', 'The filter as it was subscribed.')),
    ],
    doc: 'ends a subscription at once',
    aliases: ['event_unsubscribe'],
  },
  dead_letters: {
    args: [optional(arg('limit', 'int', 'Most that are listed, the latest first; 100 if absent.'))],
    doc: 'lists events that were given up because they were refused, and why',
  },
  retry: {
    args: [optional(arg('id', 'str', 'Id of the event; all dead letters if absent.'))],
    doc: 'sends dead letters again to the subscriptions that refused them',
  },
  purge: {
    args: [optional(arg('id', 'str', 'Id of the event; all dead letters if absent.'))],
    doc: 'forgets dead letters',
  },
  list: { args: [], doc: 'lists all the available events', aliases: ['events_list'] },
  subscribers: {
    args: [optional(arg('event', 'str', 'Only of this event.')), optional(arg('socket', 'str', 'Only this socket.'))],
    doc: 'lists all the Event Interface subscribers, with what became of their events',
    aliases: ['subscribers_list'],
  },
  raise: {
    args: [
      arg('event', 'str', 'Name of the event.'),
      optional(arg('params', 'json', 'An object (or its JSON text) of named values, or an array of positional ones.')),
    ],
    doc: 'raises an event through the Event Interface',
    aliases: ['raise_event'],
  },
} as const

/** Handlers of the event commands (event reference, management commands of the event interface). */
export function eventCommandHandlers(host: Host): Commands<{ readonly commands: typeof eventCommands }> {
  return {
    subscribe: request => subscribe(host, request),
    unsubscribe: async ({ event, socket, filter }) => {
      if (!host.bus.unsubscribe(event, socket, filter)) throw new MiError(404, 'Subscriber does not exist')
      await host.spool.subscriptions?.written()
      return 'OK'
    },
    dead_letters: ({ limit = 100 }) => deadLetters(host, limit),
    retry: ({ id }) => ({ Retried: host.bus.retryDeadLetters(letter => id === undefined || letter.event.id === id) }),
    purge: ({ id }) => ({ Purged: host.bus.deadLetters.remove(letter => id === undefined || letter.event.id === id) }),
    list: () => ({ Events: host.bus.catalogue.all().map(({ name, id }) => ({ name, id })) }),
    subscribers: ({ event, socket }) => listSubscribers(host, event, socket),
    raise: ({ event, params }) => raise(host, event, params),
  }
}

interface SubscribeRequest {
  readonly event: string
  readonly socket: string
  readonly expire: number | undefined
  readonly filter: string | undefined
  readonly format: string | undefined
  readonly options: string | undefined
}

async function subscribe(
  host: Host,
  { event, socket, expire, filter, format: asked, options }: SubscribeRequest,
): Promise<string> {
  if (event === '') throw new MiError(-32602, 'Invalid params', "Bad type for parameter 'event'")
  if (socket === '') throw new MiError(-32602, 'Invalid params', "Bad type for parameter 'socket'")
  if (expire !== undefined && expire < 0) throw new MiError(-32602, 'Invalid params', 'Negative expire value')
  const format = PAYLOAD_FORMATS.find(known => known === asked)
  if (asked !== undefined && format === undefined)
    throw new MiError(
      -32602,
      'Invalid params',
      `Unknown format '${asked}': expected one of ${PAYLOAD_FORMATS.join(', ')}`,
    )
  try {
    if (expire === 0) host.bus.unsubscribe(event, socket, filter)
    else
      host.bus.subscribe({
        event,
        socket,
        expireS: Math.min(expire ?? DEFAULT_EXPIRE_S, MAX_EXPIRE_S),
        filter,
        ...(format === undefined ? {} : { format }),
        options,
        by: 'mi',
      })
  } catch (error) {
    // The code and message are the ones programs know; the data says which part was wrong.
    throw new MiError(400, 'Bad parameter value', refusalReason(error))
  }
  // A durable one is answered for once it outlives the process.
  await host.spool.subscriptions?.written()
  return 'OK'
}

function deadLetters({ bus }: Host, limit: number): unknown {
  const listed = bus.deadLetters.list().slice(0, Math.max(0, limit))
  return {
    Count: bus.deadLetters.count,
    DeadLetters: listed.map(({ event, subscribed, socket, error, attempts, diedAtMs }) => ({
      id: event.id,
      event: event.name,
      subscribed,
      socket,
      code: error.code,
      reason: error.message,
      attempts,
      raised_at: Math.floor(event.raisedAtMs / 1000),
      died_at: Math.floor(diedAtMs / 1000),
    })),
  }
}

function listSubscribers(host: Host, event: string | undefined, socket: string | undefined): unknown {
  if (event === undefined) return listAllSubscribers(host)
  const type = host.bus.catalogue.find(event)
  if (type === undefined) throw new MiError(404, 'Event not published')
  const all = host.bus.subscriptions(event)
  if (socket === undefined) return andThen(mapInSlices(all, describe), rows => ({ Event: entryOf(type, rows) ?? {} }))
  const found = all.find(s => s.matchesSocket(socket))
  if (found === undefined) throw new MiError(404, 'Subscriber does not exist')
  return { Event: { name: type.name, id: type.id, Subscriber: describe(found) } }
}

function listAllSubscribers({ bus }: Host): unknown {
  const listed = bus.catalogue.all().map(type => ({ type, all: bus.subscriptions(type.name) }))
  const rows = mapInSlices(
    listed.flatMap(({ all }) => all),
    describe,
  )
  return andThen(rows, described => {
    let at = 0
    const entries = listed.map(({ type, all }) => entryOf(type, described.slice(at, (at += all.length))))
    return { Events: entries.filter(entry => entry !== null) }
  })
}

function entryOf({ name, id }: EventType, rows: readonly unknown[]): unknown {
  return rows.length === 0 ? null : { name, id, Subscribers: rows }
}

/** The members OpenSIPS lists come first and alone where nothing else is to be said; ours follow. */
function describe(subscription: Subscription): unknown {
  return { ...subscription.lifetime(), ...subscription.report() }
}

function raise(host: Host, event: string, params: unknown): string {
  const type = host.bus.catalogue.find(event)
  if (type === undefined) throw new MiError(404, 'Event not registered')
  if (!host.bus.hasSubscribers(type)) throw new MiError(480, 'Temporarily Unavailable')
  const { names, values } = readRaisedParams(params)
  host.bus.raise(type, names, values)
  return 'OK'
}
