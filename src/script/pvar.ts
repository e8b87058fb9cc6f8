import type { Value } from '../util/spec.ts'
import type { Arg } from './args.ts'
import type { RouteContext } from './context.ts'

/** Declares a pseudo-variable. */
export interface PvarSpec {
  readonly type: 'int' | 'str' | 'any'
  readonly writable: boolean
  readonly doc: string
  /** What stands in the parentheses of `$name(…)`: nothing, or text that may hold variables. */
  readonly inner?: 'none' | 'optional' | 'required'
  readonly aliases?: readonly string[]
}

/** The index of `$(name[…])`. */
export type PvarIndex =
  | { readonly kind: 'none' }
  | { readonly kind: 'at'; readonly at: Arg<number> }
  | { readonly kind: 'all' }
  | { readonly kind: 'append' }

/** One place of the script where a pseudo-variable stands. */
export interface PvarSite {
  readonly inner: Arg<string> | undefined
  readonly index: PvarIndex
  /** Throws a ScriptError that points at this place. */
  reject(message: string): never
}

/** How a pseudo-variable is read and written at one place. */
export interface PvarHandler {
  get(m: RouteContext): Value
  all?(m: RouteContext): readonly Value[]
  /** Gives false where the value cannot be assigned; logs why. */
  set?(m: RouteContext, value: Value, replace: boolean): boolean
}

/** A pseudo-variable as the compiler is given it. */
export interface ScriptPvar {
  readonly spec: PvarSpec
  /** Called once for each place in the script, at load. Throws a ScriptError for a wrong inner text or index. */
  open(site: PvarSite): PvarHandler
}
