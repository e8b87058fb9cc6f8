import type { Value } from '../util/spec.ts'
import type { RouteContext, Verdict } from './context.ts'
import type { Place } from './source.ts'

/** What is known of a statement before it runs. */
export interface StatementInfo {
  /** `if`, `assign`, `route`, the name of a function … */
  readonly what: string
  /** How it is taken down: with its result, by the truth of its condition, as a block that has none, or as an end. */
  readonly form: 'result' | 'condition' | 'block' | 'end'
  readonly place: Place
  /** As written, on one line. */
  readonly text: string
}

/** A statement that runs. */
export type Frame = object

/** Takes down what one run of a script does, while somebody follows it. Nothing in it throws. */
export interface Recorder {
  /** A statement begins; what is told from now on is about it, until the next one begins or it ends. */
  enter(statement: StatementInfo, m: RouteContext): Frame
  /** It waits for something. */
  waits(frame: Frame): void
  leave(frame: Frame, verdict: Verdict): void
  /** It ended by an error. */
  failed(frame: Frame, error: unknown): void
  /** The condition of the present statement is looked at. */
  deciding(): void
  /** It was found true (1) or not. */
  decided(truth: number): void
  /** The present statement has read a value: of a variable, of an argument. */
  read(name: string, value: Value): void
  /** The present statement has set a variable. */
  wrote(name: string, value: Value): void
  /** Why something in the present statement went wrong. */
  fault(reason: string): void
  /** Must not be shown anywhere. */
  hide(value: Value): void
}
