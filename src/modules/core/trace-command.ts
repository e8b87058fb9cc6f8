import { arg, type ModuleContext, optional } from '../../module/define.ts'
import { followScript } from '../../module/follow-script.ts'
import type { RunBegun, RunEnded, StepTraced, TraceRecord } from '../../script/trace/records.ts'
import type { Commands } from '../../util/spec.ts'

const DEFAULT_TIMEOUT_S = 5
const MAX_TIMEOUT_S = 60
const MAX_RUNS = 20
/** Most statements that are kept for one answer. */
const MAX_STEPS_KEPT = 5000

/** Following the script where nothing can be streamed; whoever may run it may also read the stream of mi_http. */
export const traceCommand = {
  trace: {
    args: [
      optional(
        arg(
          'filter',
          'str',
          'Which messages, `callid=x;method=INVITE`; keys: callid, method, from, to, ruri, source, kind.',
        ),
      ),
      optional(arg('runs', 'int', `After how many runs of a route it ends, at most ${MAX_RUNS}; 1 if absent.`)),
      optional(
        arg('timeout', 'int', `After how many seconds, at most ${MAX_TIMEOUT_S}; ${DEFAULT_TIMEOUT_S} if absent.`),
      ),
    ],
    doc: 'waits for messages and tells each statement the script ran for them, with values and results',
  },
} as const

/** A run with its statements; `end` is missing where it went on when time was up. */
type TracedRun = RunBegun & { readonly Steps: StepTraced[]; end?: RunEnded }

/** Its handler. */
export function traceCommandHandler({
  host,
  clock,
}: ModuleContext): Commands<{ readonly commands: typeof traceCommand }> {
  return {
    trace: ({ filter, runs = 1, timeout = DEFAULT_TIMEOUT_S }) => {
      const most = clamp(runs, MAX_RUNS)
      return new Promise((resolve, reject) => {
        const collected = new Collected(most, () => finish())
        const finish = (): void => {
          timer.clear()
          stop()
          resolve({ Runs: collected.runs })
        }
        const timer = clock.after(clamp(timeout, MAX_TIMEOUT_S) * 1000, finish)
        let stop = (): void => {}
        try {
          stop = followScript(host.script, filter ?? null, record => collected.take(record))
        } catch (error) {
          timer.clear()
          reject(error)
        }
      })
    },
  }
}

const clamp = (value: number, most: number): number => Math.max(1, Math.min(most, value))

class Collected {
  readonly #most: number
  readonly #onFull: () => void
  readonly #runs = new Map<number, TracedRun>()
  #ended = 0
  #steps = 0

  constructor(most: number, onFull: () => void) {
    this.#most = most
    this.#onFull = onFull
  }

  get runs(): readonly TracedRun[] {
    return [...this.#runs.values()]
  }

  take(record: TraceRecord): void {
    if (record.type === 'skipped') return
    if (record.type === 'run') {
      if (this.#runs.size < this.#most) this.#runs.set(record.run, { ...record, Steps: [] })
      return
    }
    const run = this.#runs.get(record.run)
    if (run === undefined) return
    if (record.type === 'step') {
      if (this.#steps++ < MAX_STEPS_KEPT) run.Steps.push(record)
    } else {
      run.end = record
      if (++this.#ended === this.#most) this.#onFull()
    }
  }
}
