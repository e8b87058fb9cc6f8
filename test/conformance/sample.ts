import type { RaisedEvent } from '../../src/events/event.ts'
import { EventSequence } from '../../src/events/event.ts'
import type { Value } from '../../src/util/spec.ts'

const sequence = new EventSequence()

/** An event for tests, as if raised now. */
export function sampleEvent(
  name: string,
  names: readonly string[] | null,
  values: readonly (Value | undefined)[],
): RaisedEvent {
  const type = { id: 0, name, module: 'test', spec: null, fieldNames: names ?? [], isOpen: true }
  return sequence.next(type, names, values, Date.now(), undefined, 0)
}
