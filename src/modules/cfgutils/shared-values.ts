import type { Value } from '../../util/spec.ts'

/** Most shared variables: their names may come from messages. */
const MAX_VALUES = 10_000

/** The values of `$shv`: shared by all messages, kept until the process ends. One that was never set is 0. */
export class SharedValues {
  readonly #values = new Map<string, string | number>()

  get(name: string): string | number {
    return this.#values.get(name) ?? 0
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** NULL sets back to 0. Gives false when there are too many. */
  set(name: string, value: Value): boolean {
    if (!this.#values.has(name) && this.#values.size >= MAX_VALUES) return false
    this.#values.set(name, value ?? 0)
    return true
  }

  all(): readonly (readonly [string, string | number])[] {
    return [...this.#values]
  }
}

/** Reads `name=i:5` or `name=s:text`, as parameters shvset and varset have it. Throws an Error. */
export function parsePreset(text: string): readonly [string, string | number] {
  const [, name = '', kind = '', value = ''] = /^\s*([^=\s]+)\s*=\s*([is]):(.*)$/s.exec(text) ?? []
  if (name === '' || (kind === 'i' && !/^\s*[-+]?\d+\s*$/.test(value)))
    throw new Error(`expected name=i:number or name=s:text, got "${text}"`)
  return [name, kind === 'i' ? Number(value) : value]
}
