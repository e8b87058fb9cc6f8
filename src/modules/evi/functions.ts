import type { Log } from '../../log/log.ts'
import { arg, functionGroup, type Host, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { type ParamTarget, parseFetchSpec } from './fetch-spec.ts'
import { refusalReason } from './refusal.ts'

/** Functions by which scripts raise events, subscribe to them and read them. */
export const eventFunctions = functionGroup(
  {
    raise_event: {
      args: [
        arg('event', 'str', 'Name of the event; a literal unknown one is published at load.'),
        optional(arg('names', 'var', 'AVP whose values are the parameter names.')),
        optional(arg('values', 'var', 'AVP whose values are the parameters, paired with the names by position.')),
      ],
      routes: 'any',
      returns: '1 raised, or nobody listens; −1 a name is missing or not text',
      doc:
        'Raises an event. With values alone, `raise_event("E", , $avp(v))`, the parameters are positional. AVPs are ' +
        'stacks: the value assigned last comes first. With `era = 2.4` a lone second argument holds values, not names.',
    },
    subscribe_event: {
      args: [
        arg('event', 'str', 'Name of the event, or `*` for all.'),
        arg('socket', 'str', 'Where it goes, `scheme:rest`.'),
        optional(arg('expire', 'int', 'Lifetime, seconds; 0 or absent is for ever.')),
        optional(arg('filter', 'str', 'Conditions that must all hold, `aor=bob@*`.')),
      ],
      routes: 'any',
      returns: '1 subscribed or renewed; −1 unknown event or scheme, or a malformed socket or filter',
      doc: 'Subscribes a socket to an event.',
    },
    unsubscribe_event: {
      args: [arg('event', 'str', 'Name of the event.'), arg('socket', 'str', 'The socket as it was subscribed.')],
      routes: 'any',
      returns: '1 unsubscribed; −1 there was no such subscription',
      doc: 'Ends a subscription at once.',
    },
    fetch_event_params: {
      args: [arg('spec', 'str', '`name=variable` or just `variable`, separated by semicolons.')],
      routes: 'any',
      returns:
        'how many variables were written; −1 outside an event, −2 the event has no parameters, −3 none was written',
      doc: 'Copies event parameters into variables (the 2.x form of `$param`).',
    },
  },
  ({ host, log }) => ({
    raise_event: (event, names, values) => {
      if (event.constant !== undefined) host.bus.catalogue.define(event.constant, null, 'script')
      return m => raise(host, log, m, event, names, values)
    },
    subscribe_event: (event, socket, expire, filter) => {
      if (event.constant !== undefined && event.constant !== '*')
        host.bus.catalogue.define(event.constant, null, 'script')
      return m => subscribe(host, log, m, event, socket, expire, filter)
    },
    unsubscribe_event: (event, socket) => m => (host.bus.unsubscribe(event.read(m), socket.read(m)) ? 1 : -1),
    fetch_event_params: spec => {
      // The text holds variables to write to, so it is taken as written and not as a format.
      const targets = parseFetchSpec(literalText(spec), {
        variable: text => host.script.variable(text),
        skipped: reason => log.warn('an item of fetch_event_params is left out', { reason }),
        reject: reason => spec.reject(reason),
      })
      return m => fetchParams(log, m, targets)
    },
  }),
)

/** The text between the quotes. */
const literalText = (spec: Arg<string>): string => spec.text.replace(/^(["'])(.*)\1$/s, '$2')

function raise(
  host: Host,
  log: Log,
  m: RouteContext,
  event: Arg<string>,
  names: Arg<PvarRef> | undefined,
  values: Arg<PvarRef> | undefined,
): number {
  const type = host.bus.catalogue.define(event.read(m), null, 'script')
  const onlyValues = host.settings.era === '2.4' && values === undefined
  const [nameVar, valueVar] = onlyValues ? [undefined, names] : [names, values]
  const list = valueVar?.read(m).all(m) ?? []
  if (nameVar === undefined || list.length === 0) {
    host.bus.raise(type, null, list, { message: m })
    return 1
  }
  const given = nameVar.read(m).all(m)
  if (given.length < list.length || !given.every(isText)) {
    log.error('event not raised: every value needs a name that is text', {
      event: type.name,
      names: given.length,
      values: list.length,
    })
    return -1
  }
  if (given.length > list.length)
    log.error('more parameter names than values: the names left over are ignored', {
      event: type.name,
      names: given.length,
      values: list.length,
    })
  host.bus.raise(type, given.slice(0, list.length), list, { message: m })
  return 1
}

const isText = (value: Value): value is string => typeof value === 'string'

function subscribe(
  host: Host,
  log: Log,
  m: RouteContext,
  event: Arg<string>,
  socket: Arg<string>,
  expire: Arg<number> | undefined,
  filter: Arg<string> | undefined,
): number {
  const expireS = expire?.read(m) ?? 0
  try {
    host.bus.subscribe({
      event: event.read(m),
      socket: socket.read(m),
      expireS: expireS > 0 ? expireS : null,
      filter: filter?.read(m),
      by: 'script',
    })
    return 1
  } catch (error) {
    log.error('cannot subscribe', {
      event: event.read(m),
      reason: refusalReason(error),
    })
    return -1
  }
}

function fetchParams(log: Log, m: RouteContext, targets: readonly ParamTarget[]): number {
  if (m.kind !== 'event') return -1
  if (m.params.at(1) === undefined) return -2
  let written = 0
  for (const { name, position, variable } of targets.toReversed()) {
    const value = name === null ? m.params.at(position) : m.params.named(name)
    if (value === undefined) log.warn('the event has no such parameter', { parameter: name ?? position })
    else if (variable.set(m, value)) written++
  }
  return written > 0 ? written : -3
}
