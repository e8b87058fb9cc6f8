import type { Value } from '../../util/spec.ts'
import type { RouteContext, RunningRoute, Verdict } from '../context.ts'
import type { Frame, Recorder, StatementInfo } from '../recorder.ts'
import { describeMessage } from './message-fields.ts'
import type { NamedValue, StepTraced, TraceRecord } from './records.ts'
import { HIDDEN, isSecretName, Secrets } from './secrets.ts'

/** Most statements of one run that are shown. */
export const MAX_STEPS = 1000
/** Most values that are shown of one statement. */
const MAX_VALUES = 20
/** Longest text of a value that is shown. */
const MAX_VALUE_LENGTH = 256
/** Longest text that is looked through for secrets; what is behind it is not shown either. */
const MAX_READ_LENGTH = 4096

interface OpenFrame {
  readonly statement: StatementInfo
  readonly parent: OpenFrame | null
  readonly depth: number
  readonly route: string
  values: NamedValue[]
  set: NamedValue[]
  error: string | undefined
  /** A line about it was sent. */
  isShown: boolean
  /** Its condition is being looked at: what runs now stands in the condition. */
  isDeciding: boolean
}

interface Parts {
  readonly run: number
  readonly send: (record: TraceRecord) => void
  /** Wall clock and steady clock, milliseconds. */
  readonly nowMs: number
  readonly monotonicMs: () => number
}

/** Makes records of what a run does. */
export class RunRecorder implements Recorder {
  readonly #parts: Parts
  readonly #secrets = new Secrets()
  readonly #begunMs: number
  #top: OpenFrame | null = null
  #hasBegun = false
  #steps = 0
  #leftOut = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#begunMs = parts.monotonicMs()
  }

  enter(statement: StatementInfo, m: RouteContext): Frame {
    this.#begin(m)
    const parent = this.#top
    // What stands in a condition becomes one of its values, if it is but one statement.
    if (parent !== null && !parent.isDeciding) this.#announce(parent)
    const depth = parent === null ? 0 : parent.depth + 1
    const route = m.route?.name ?? ''
    const frame: OpenFrame = {
      statement,
      parent,
      depth,
      route,
      values: [],
      set: [],
      error: undefined,
      isShown: false,
      isDeciding: false,
    }
    this.#top = frame
    return frame
  }

  waits(frame: Frame): void {
    // Those around it have been shown, but for the conditions it stands in.
    if (frame === this.#top) this.#announce(frame as OpenFrame)
  }

  leave(frame: Frame, verdict: Verdict): void {
    const left = frame as OpenFrame
    this.#top = left.parent
    const { form } = left.statement
    if (left.parent?.isDeciding === true && form === 'result' && !left.isShown) addInto(left.parent, left, verdict)
    else if (form === 'result' || !left.isShown)
      this.#show(left, left.isShown ? 'end' : 'whole', form === 'result' ? verdict : null)
  }

  failed(frame: Frame, error: unknown): void {
    const left = frame as OpenFrame
    this.#top = left.parent
    left.error ??= error instanceof Error ? error.message : String(error)
    this.#show(left, left.isShown ? 'end' : 'whole', null)
  }

  deciding(): void {
    if (this.#top !== null) this.#top.isDeciding = true
  }

  decided(truth: number): void {
    const frame = this.#top
    if (frame === null) return
    frame.isDeciding = false
    this.#show(frame, 'whole', truth === 1)
    // The next round of a loop has values of its own.
    forget(frame)
  }

  read(name: string, value: Value): void {
    this.#add('values', name, value)
  }

  wrote(name: string, value: Value): void {
    this.#add('set', name, value)
  }

  hide(value: Value): void {
    if (value !== null) this.#secrets.add(String(value))
  }

  fault(reason: string): void {
    if (this.#top !== null) this.#top.error = reason
  }

  /** The run is over. */
  end(m: RouteContext, verdict: Verdict): void {
    this.#begin(m)
    const { run, send } = this.#parts
    send({ type: 'end', run, result: verdict, steps: this.#steps, leftOut: this.#leftOut, ms: this.#ms() })
  }

  #begin(m: RouteContext): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    const { run, send, nowMs } = this.#parts
    const about = describeMessage(m)
    send({ type: 'run', run, timeMs: nowMs, route: outermost(m.route), ...about, from: this.#shown(about.from) })
  }

  #add(list: 'values' | 'set', name: string, value: Value): void {
    const frame = this.#top
    const isSecret = isSecretName(name)
    if (isSecret) this.hide(value)
    if (frame === null || frame[list].length >= MAX_VALUES || this.#isFull) return
    frame[list].push([name, isSecret && value !== null ? HIDDEN : value])
  }

  /** Shows that it has begun. */
  #announce(frame: OpenFrame): void {
    if (frame.isShown) return
    this.#show(frame, 'begin', null)
    forget(frame)
  }

  #show(frame: OpenFrame, phase: StepTraced['phase'], result: StepTraced['result']): void {
    frame.isShown = true
    if (this.#isFull) {
      this.#leftOut++
      return
    }
    this.#steps++
    const { statement, depth, route, values, set, error } = frame
    const { place, what, text } = statement
    this.#parts.send({
      type: 'step',
      run: this.#parts.run,
      phase,
      depth,
      route,
      file: place.file,
      line: place.line,
      what,
      text: this.#shown(text),
      values: values.map(one => this.#named(one)),
      set: set.map(one => this.#named(one)),
      result,
      ...(error === undefined ? {} : { error: this.#shown(error) }),
      ms: this.#ms(),
    })
  }

  #named([name, value]: NamedValue): NamedValue {
    return [this.#shown(name), typeof value === 'string' ? this.#shown(value) : value]
  }

  #shown(text: string): string {
    const hidden = this.#secrets.hide(text.length > MAX_READ_LENGTH ? text.slice(0, MAX_READ_LENGTH) : text)
    return hidden.length > MAX_VALUE_LENGTH ? `${hidden.slice(0, MAX_VALUE_LENGTH)}…` : hidden
  }

  get #isFull(): boolean {
    return this.#steps >= MAX_STEPS
  }

  #ms(): number {
    return Math.round(this.#parts.monotonicMs() - this.#begunMs)
  }
}

function outermost(running: RunningRoute | null): string {
  let route = running
  while (route !== null && route.caller !== null) route = route.caller
  return route?.name ?? ''
}

function forget(frame: OpenFrame): void {
  frame.values = []
  frame.set = []
}

/** `is_method("INVITE")` and its result become a value of the condition they stand in. */
function addInto(condition: OpenFrame, { statement, values, set, error }: OpenFrame, verdict: Verdict): void {
  const own: NamedValue = [statement.text, verdict]
  condition.values.push(...[own, ...values].slice(0, MAX_VALUES - condition.values.length))
  condition.set.push(...set.slice(0, MAX_VALUES - condition.set.length))
  condition.error ??= error
}
