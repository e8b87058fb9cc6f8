import type { RaisedEvent } from '../events/event.ts'
import type { RouteParams } from '../script/context.ts'
import type { Value } from '../util/spec.ts'

/** The parameters of an event as `$param` reads them. Unset ones are left out, so that positions close up. */
export class EventParams implements RouteParams {
  readonly #names: readonly (string | undefined)[]
  readonly #values: readonly Value[]
  readonly #former: Readonly<Record<string, string>>

  constructor(event: Pick<RaisedEvent, 'names' | 'values' | 'type'>) {
    const set = event.values.flatMap((value, i) => (value === undefined ? [] : [{ value, name: event.names?.[i] }]))
    this.#values = set.map(({ value }) => value)
    this.#names = set.map(({ name }) => name)
    this.#former = event.type.spec?.formerFields ?? {}
  }

  at(index: number): Value | undefined {
    return this.#values[index - 1]
  }

  named(name: string): Value | undefined {
    const at = this.#names.indexOf(name)
    if (at >= 0) return this.#values[at]
    const present = Object.hasOwn(this.#former, name) ? this.#former[name] : undefined
    return present === undefined ? undefined : this.#values[this.#names.indexOf(present)]
  }
}
