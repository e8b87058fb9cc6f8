import type { Value } from '../util/spec.ts'
import type { RouteContext } from './context.ts'

/** A variable of the script: what `$name` stands for at one place of the file. */
export interface PvarRef {
  /** As written, for messages: `$avp(x)`. */
  readonly text: string
  readonly writable: boolean
  get(m: RouteContext): Value
  /** Every value it holds, index 0 first; of a plain variable its one value, or none when NULL. */
  all(m: RouteContext): readonly Value[]
  /** Gives false, after logging why, where the value cannot be assigned. NULL unsets. `replace` is `:=`. */
  set(m: RouteContext, value: Value, replace?: boolean): boolean
}

/** What the kinds of function arguments read as. */
export interface FunctionKinds {
  readonly int: number
  readonly str: string
  /** A variable to write to or to read all values from. */
  readonly var: PvarRef
  /** A POSIX extended regular expression, case-insensitive, compiled at load where constant. */
  readonly regex: RegExp
}
export type FunctionKind = keyof FunctionKinds

/**
 * One argument at one call. `constant` is set where the value is known at load: then a builder checks and prepares it
 * there. `read` is for each message; where a variable is NULL or of the wrong kind it throws {@link ARGUMENT_FAILED},
 * which the caller of the function turns into a logged −1.
 */
export interface Arg<T> {
  readonly constant: T | undefined
  /** As written. */
  readonly text: string
  read(m: RouteContext): T
  /** Throws a ScriptError that points at this argument: for builders, at load. */
  reject(message: string): never
}

/** Thrown by {@link Arg.read}. One frozen object: throwing it costs no stack trace. */
export const ARGUMENT_FAILED: unique symbol = Symbol('argument failed')
