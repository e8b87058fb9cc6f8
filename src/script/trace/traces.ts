import type { Filter } from '../../events/filter.ts'
import type { Clock } from '../../util/clock.ts'
import type { RouteContext } from '../context.ts'
import { fieldsOf, TRACE_KEYS } from './message-fields.ts'
import type { TraceRecord } from './records.ts'
import { RunRecorder } from './run-recorder.ts'

/** Most traces at one time. */
export const MAX_TRACES = 8
/** Most runs that one trace follows in a second; further ones are counted. */
export const MAX_RUNS_A_SECOND = 50

type Listener = (record: TraceRecord) => void

/** There are as many traces as there may be. */
export class TooManyTraces extends Error {
  override readonly name = 'TooManyTraces'
  constructor() {
    super(`there are ${MAX_TRACES} traces already`)
  }
}

interface Trace {
  readonly filter: Filter | null
  readonly listener: Listener
  secondMs: number
  runs: number
  skipped: number
}

/** Those who follow what the script does, statement by statement. */
export class Traces {
  /** Whether there is anybody: all that a run asks while nobody follows. */
  isOn = false
  readonly #clock: Clock
  readonly #traces = new Set<Trace>()
  #runs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Follows the runs whose message meets the filter (its keys are {@link TRACE_KEYS}), from their next one on; all without a
   * filter. The listener must not throw. Gives how to end it. Throws TooManyTraces.
   */
  start(filter: Filter | null, listener: Listener): () => void {
    if (this.#traces.size >= MAX_TRACES) throw new TooManyTraces()
    const trace: Trace = { filter, listener, secondMs: this.#clock.monotonicMs(), runs: 0, skipped: 0 }
    this.#traces.add(trace)
    this.isOn = true
    return () => {
      this.#traces.delete(trace)
      this.isOn = this.#traces.size > 0
    }
  }

  /** What takes down the run that now begins on a message; null when nobody follows it. */
  begin(m: RouteContext): RunRecorder | null {
    const fields = fieldsOf(m)
    const followers = [...this.#traces].filter(
      trace => (trace.filter?.matches(TRACE_KEYS, fields) ?? true) && this.#hasRoom(trace),
    )
    if (followers.length === 0) return null
    const clock = this.#clock
    return new RunRecorder({
      run: ++this.#runs,
      send: record => {
        for (const trace of followers) if (this.#traces.has(trace)) trace.listener(record)
      },
      nowMs: clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
    })
  }

  #hasRoom(trace: Trace): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - trace.secondMs >= 1000) {
      trace.secondMs = nowMs
      trace.runs = 0
    }
    if (trace.runs >= MAX_RUNS_A_SECOND) {
      trace.skipped++
      return false
    }
    trace.runs++
    if (trace.skipped > 0) trace.listener({ type: 'skipped', count: trace.skipped })
    trace.skipped = 0
    return true
  }
}
