import type { RaisedEvent } from '../../events/event.ts'
import type { Log } from '../../log/log.ts'
import type { Host } from '../../module/define.ts'
import type { RouteContext, Step } from '../../script/context.ts'
import { giveEvent } from './event-values.ts'

/** Most routes started in one turn of the event loop, and the time after which no more are: SIP is handled in between. */
const STARTS_A_TURN = 50
const TURN_MS = 5

type NotifierHost = Pick<Host, 'script' | 'logger' | 'settings' | 'bus' | 'clock'>

/** Someone whose route is to run for events, one after the other. */
export interface Listener {
  /** The route, asked for at each run. Undefined: there is none any more. */
  route(): Step | undefined
  /** For messages. */
  readonly routeName: string
  /** Puts at the disposal of the route what it may act upon. */
  prepare(m: RouteContext): void
}

/** What waits for a listener. */
export interface Inbox {
  /** Takes an event; false: too many wait already. */
  offer(event: RaisedEvent): boolean
  /** Forgets what waits. */
  clear(): void
}

interface Box extends Inbox {
  readonly listener: Listener
  readonly events: RaisedEvent[]
  isReady: boolean
  isRunning: boolean
}

/**
 * Runs routes for events, later than the raise: one run at a time for each listener, in the order of the raises. A route
 * that waits for something holds up its own listener only.
 */
export class Notifier {
  readonly #host: NotifierHost
  readonly #log: Log
  readonly #maxPending: number
  readonly #ready: Box[] = []
  #isScheduled = false
  #running = 0
  #isStopped = false

  constructor(host: NotifierHost, log: Log, maxPending: number) {
    this.#host = host
    this.#log = log
    this.#maxPending = maxPending
  }

  /** How many runs have begun and not ended. */
  get running(): number {
    return this.#running
  }

  /** Whether nothing waits or runs. */
  get isIdle(): boolean {
    return this.#running === 0 && this.#ready.length === 0
  }

  inbox(listener: Listener): Inbox {
    const box: Box = {
      listener,
      events: [],
      isReady: false,
      isRunning: false,
      offer: event => {
        if (box.events.length >= this.#maxPending) return false
        box.events.push(event)
        this.#wake(box)
        return true
      },
      clear: () => {
        box.events.length = 0
      },
    }
    return box
  }

  /** Starts no more routes. */
  stop(): void {
    this.#isStopped = true
    this.#ready.length = 0
  }

  #wake(box: Box): void {
    if (this.#isStopped || box.isReady || box.isRunning || box.events.length === 0) return
    box.isReady = true
    this.#ready.push(box)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#pump())
  }

  #pump(): void {
    const { clock } = this.#host
    const endMs = clock.monotonicMs() + TURN_MS
    for (let started = 0; started < STARTS_A_TURN && clock.monotonicMs() < endMs; started++) {
      const box = this.#ready.shift()
      if (box === undefined) break
      box.isReady = false
      const event = box.events.shift()
      if (event !== undefined) this.#start(box, event)
    }
    this.#isScheduled = this.#ready.length > 0
    if (this.#isScheduled) setImmediate(() => this.#pump())
  }

  #start(box: Box, event: RaisedEvent): void {
    const { listener } = box
    const route = listener.route()
    if (route === undefined) {
      this.#log.error('the route to notify is gone', { event: event.name, route: listener.routeName })
      this.#wake(box)
      return
    }
    box.isRunning = true
    this.#running++
    const done = (): void => {
      this.#running--
      box.isRunning = false
      this.#wake(box)
    }
    const verdict = this.#run(route, listener, event)
    if (typeof verdict === 'number') done()
    else void verdict.then(done, done)
  }

  #run(route: Step, listener: Listener, event: RaisedEvent): number | Promise<number> {
    const { script, logger, bus } = this.#host
    const m = script.dummyContext('request')
    m.params = giveEvent(m, event)
    m.eventDepth = event.depth + 1
    listener.prepare(m)
    const run = (): number | Promise<number> => bus.within(event, () => script.runForEvent(route, m))
    // What a route for log lines logs itself would run it again, without end.
    return event.name === 'E_CORE_LOG' ? logger.unheard(run) : run()
  }
}
