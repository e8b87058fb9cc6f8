import type { Value } from '../util/spec.ts'

/**
 * The AVPs of one message: named stacks of values (script reference, values and variables). Index 0 is the value added
 * last; a negative index counts from the value added first. NULL is never stored.
 */
export class AvpStore {
  /** Null until something is stored: few messages have any. */
  #stacks: Map<string, Value[]> | null = null

  /** The value at `index`, or null when there is none. */
  get(name: string, index = 0): Value {
    const stack = this.#stacks?.get(name)
    if (stack === undefined) return null
    return stack[position(stack.length, index)] ?? null
  }

  /** All values, the last added first. */
  all(name: string): readonly Value[] {
    return (this.#stacks?.get(name) ?? []).toReversed()
  }

  count(name: string): number {
    return this.#stacks?.get(name)?.length ?? 0
  }

  push(name: string, value: Value): void {
    const stack = this.#stacks?.get(name)
    if (stack === undefined) (this.#stacks ??= new Map()).set(name, [value])
    else stack.push(value)
  }

  /** Adds at the oldest end (`$(avp(x)[append])`). */
  append(name: string, value: Value): void {
    const stack = this.#stacks?.get(name)
    if (stack === undefined) (this.#stacks ??= new Map()).set(name, [value])
    else stack.unshift(value)
  }

  /** Replaces the value at `index`. Gives false when there is none. */
  replace(name: string, index: number, value: Value): boolean {
    const stack = this.#stacks?.get(name)
    const at = stack === undefined ? -1 : position(stack.length, index)
    if (stack === undefined || stack[at] === undefined) return false
    stack[at] = value
    return true
  }

  /** Removes the value at `index`, by default the newest. */
  remove(name: string, index = 0): void {
    const stack = this.#stacks?.get(name)
    if (stack === undefined) return
    const at = position(stack.length, index)
    if (at >= 0 && at < stack.length) stack.splice(at, 1)
    if (stack.length === 0) this.#stacks?.delete(name)
  }

  removeAll(name: string): void {
    this.#stacks?.delete(name)
  }

  clear(): void {
    this.#stacks = null
  }

  names(): IterableIterator<string> {
    return (this.#stacks ?? NOTHING).keys()
  }
}

const NOTHING: ReadonlyMap<string, Value[]> = new Map()

/** Where in the stack (oldest first) the value with this index is; out of range stays out of range. */
function position(length: number, index: number): number {
  return index >= 0 ? length - 1 - index : -index - 1
}
