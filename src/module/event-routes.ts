import type { RaisedEvent } from '../events/event.ts'
import type { RouteRun } from '../events/outlets.ts'
import { DELIVERED, type Delivery } from '../events/transport.ts'
import type { ScriptAccess } from '../script/access.ts'
import { RouteContext } from '../script/context.ts'
import type { EventRoute, Program } from '../script/program.ts'
import type { Value } from '../util/spec.ts'
import type { Host } from './define.ts'
import { EventParams } from './event-params.ts'

/** Gives the bus a way to run the script's event routes. */
export function eventRouteRunner(
  program: () => Program,
  { script, logger }: Pick<Host, 'script' | 'logger'>,
): (name: string) => RouteRun | undefined {
  return name => {
    const route = program().eventRoutes.find(candidate => candidate.name === name)
    if (route === undefined) return undefined
    const handle = (event: RaisedEvent): Delivery | Promise<Delivery> => run(script, route, event)
    // What the route for log lines logs itself would run it again, without end.
    return event => (event.type.name === 'E_CORE_LOG' ? logger.unheard(() => handle(event)) : handle(event))
  }
}

/** Whatever the route does ends with it: what it cannot do is logged, and the event counts as delivered. */
function run(script: ScriptAccess, route: EventRoute, event: RaisedEvent): Delivery | Promise<Delivery> {
  const raiser = event.message instanceof RouteContext ? event.message : null
  const m = raiser === null ? script.dummyContext('event') : contextOn(raiser, script.varCount)
  m.params = new EventParams(event)
  m.eventDepth = event.depth + 1
  const verdict = script.runForEvent(route.step, m)
  if (raiser !== null) raiser.flags = m.flags
  return typeof verdict === 'number' ? DELIVERED : verdict.then(() => DELIVERED)
}

/**
 * A synchronous route has the raiser's message (events reference §1.7), with all that the script and modules know of it:
 * what the route changes stays changed. Only its variables, and the way it ends, are its own.
 */
function contextOn(raiser: RouteContext, varCount: number): RouteContext {
  const m = new RouteContext({
    kind: 'event',
    message: raiser.message,
    origin: raiser.origin,
    target: raiser.target,
    edits: raiser.edits,
    avps: raiser.avps,
    vars: new Array<Value>(varCount).fill(null),
  })
  m.branches = raiser.branches
  m.flags = raiser.flags
  m.slots = raiser.slots.slice()
  return m
}

/** Subscribes every event route of the script to its event, for good. */
export function subscribeEventRoutes(host: Host, program: Program): void {
  for (const [socket, event] of socketsOf(host, program))
    host.bus.subscribe({ event, socket, expireS: null, by: 'script' })
}

/**
 * Ends the event routes that `next` has no more, then lets `change` put it in the place of `former`, then subscribes its new ones.
 * What waits for the others stays in their queues.
 */
export function changeEventRoutes(host: Host, former: Program, next: Program, change: () => void): void {
  const before = socketsOf(host, former)
  const after = socketsOf(host, next)
  // A socket can be named as long as its route is there.
  for (const [socket, event] of before) if (!after.has(socket)) host.bus.unsubscribe(event, socket)
  change()
  for (const [socket, event] of after)
    if (!before.has(socket)) host.bus.subscribe({ event, socket, expireS: null, by: 'script' })
}

/** The socket of each event route → its event. */
function socketsOf({ settings }: Host, { eventRoutes }: Program): ReadonlyMap<string, string> {
  const isSyncByDefault = settings.era === '2.4'
  return new Map(
    eventRoutes.map(({ name, mode }) => {
      const isSync = mode === null ? isSyncByDefault : mode === 'sync'
      return [`route:${name}${isSync ? '/sync' : ''}`, name]
    }),
  )
}
