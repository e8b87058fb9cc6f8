import { ARGUMENT_FAILED, type Arg } from './args.ts'
import type { RouteContext } from './context.ts'
import { type ScriptCode, ScriptError } from './diagnostic.ts'
import type { Place } from './source.ts'

/** An argument whose value is known at load. */
export function constantArg<T>(constant: T, text: string, place: Place, code: ScriptCode = 'E_ARGUMENT'): Arg<T> {
  return { constant, text, read: () => constant, reject: rejectAt(place, code) }
}

/** An argument that is read for each message. `read` gives undefined where it has no usable value. */
export function computedArg<T>(
  text: string,
  place: Place,
  read: (m: RouteContext) => T | undefined,
  onFailure: (m: RouteContext) => void = () => {},
): Arg<T> {
  return {
    constant: undefined,
    text,
    read: m => {
      const value = read(m)
      if (value !== undefined) return value
      onFailure(m)
      throw ARGUMENT_FAILED
    },
    reject: rejectAt(place, 'E_ARGUMENT'),
  }
}

const rejectAt =
  (place: Place, code: ScriptCode) =>
  (message: string): never => {
    throw new ScriptError(code, place, message)
  }
