import type { RaisedEvent } from '../events/event.ts'
import type { RouteRun } from '../events/outlets.ts'
import { DELIVERED, type Delivery } from '../events/transport.ts'
import type { Logger } from '../log/logger.ts'
import type { ScriptAccess } from '../script/access.ts'
import { RouteContext, type RouteParams } from '../script/context.ts'
import type { EventRoute, Program } from '../script/program.ts'
import type { Value } from '../util/spec.ts'
import type { Host } from './define.ts'

/** The parameters of an event as `$param` reads them. Unset ones are left out, so that positions close up. */
class EventParams implements RouteParams {
  readonly #names: readonly (string | undefined)[]
  readonly #values: readonly Value[]
  readonly #former: Readonly<Record<string, string>>

  constructor(event: RaisedEvent) {
    const set = event.values.flatMap((value, i) => (value === undefined ? [] : [{ value, name: event.names?.[i] }]))
    this.#values = set.map(({ value }) => value)
    this.#names = set.map(({ name }) => name)
    this.#former = event.type.spec?.formerFields ?? {}
  }

  at(index: number): Value | undefined {
    return this.#values[index - 1]
  }

  named(name: string): Value | undefined {
    const at = this.#names.indexOf(name)
    if (at >= 0) return this.#values[at]
    const present = Object.hasOwn(this.#former, name) ? this.#former[name] : undefined
    return present === undefined ? undefined : this.#values[this.#names.indexOf(present)]
  }
}

/** Gives the bus a way to run the script's event routes. */
export function eventRouteRunner(
  program: () => Program,
  script: ScriptAccess,
  logger: Logger,
): (name: string) => RouteRun | undefined {
  return name => {
    const route = program().eventRoutes.find(candidate => candidate.name === name)
    if (route === undefined) return undefined
    // What the route for log lines logs itself would run it again, without end.
    return event =>
      event.type.name === 'E_CORE_LOG' ? logger.unheard(() => run(script, route, event)) : run(script, route, event)
  }
}

function run(script: ScriptAccess, route: EventRoute, event: RaisedEvent): Delivery | Promise<Delivery> {
  const m = contextFor(script, event)
  m.params = new EventParams(event)
  m.eventDepth = event.depth + 1
  const verdict = script.run(route.step, m)
  return typeof verdict === 'number' ? DELIVERED : verdict.then(() => DELIVERED)
}

/** A synchronous route sees the raiser's message and AVPs, where there is one (events reference §1.7); any other the dummy. */
function contextFor(script: ScriptAccess, event: RaisedEvent): RouteContext {
  const { message: raiser } = event
  if (!(raiser instanceof RouteContext)) return script.dummyContext('event')
  return new RouteContext({
    kind: 'event',
    message: raiser.message,
    origin: raiser.origin,
    target: raiser.target,
    edits: raiser.edits,
    avps: raiser.avps,
    vars: new Array<Value>(script.varCount).fill(null),
  })
}

/** Subscribes every event route of the script to its event, for good. */
export function subscribeEventRoutes({ bus, settings }: Host, program: Program): void {
  const isSyncByDefault = settings.era === '2.4'
  for (const { name, mode } of program.eventRoutes) {
    const isSync = mode === null ? isSyncByDefault : mode === 'sync'
    bus.subscribe({ event: name, socket: `route:${name}${isSync ? '/sync' : ''}`, expireS: null, by: 'script' })
  }
}
