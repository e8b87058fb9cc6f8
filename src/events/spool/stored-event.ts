import type { Value } from '../../util/spec.ts'
import type { EventType } from '../catalogue.ts'
import { type RaisedEvent, restoreEvent } from '../event.ts'
import type { ItemCodec } from './spool.ts'

/** An event as it stands in the spool: short names, because there are many of them. */
export interface StoredForm {
  readonly n: string
  readonly i: string
  readonly s: number
  readonly o: readonly [node: string, boot: string]
  readonly t: number
  readonly c?: string
  readonly p: readonly string[] | null
  readonly v: readonly Value[]
  /** Indices of parameters that are unset, which JSON cannot tell from null. */
  readonly u?: readonly number[]
}

/**
 * Events as JSON. `typeOf` finds the type of an event by its name, or makes one for an event that no loaded module has any
 * more: what was spooled is delivered all the same.
 */
export function storedEvents(typeOf: (name: string) => EventType): ItemCodec<RaisedEvent> {
  return {
    encode: event => Buffer.from(JSON.stringify(toStoredForm(event))),
    // The checksum of the record proves that these are our own words.
    decode: payload => fromStoredForm(JSON.parse(payload.toString('utf8')) as StoredForm, typeOf),
  }
}

export function toStoredForm(event: RaisedEvent): StoredForm {
  const { name, id, sequence, origin, raisedAtMs, callId, names, values } = event
  const unset = values.flatMap((value, i) => (value === undefined ? [i] : []))
  return {
    n: name,
    i: id,
    s: sequence,
    o: [origin.node, origin.boot],
    t: raisedAtMs,
    ...(callId === undefined ? {} : { c: callId }),
    p: names,
    v: values.map(value => value ?? null),
    ...(unset.length === 0 ? {} : { u: unset }),
  }
}

export function fromStoredForm(form: StoredForm, typeOf: (name: string) => EventType): RaisedEvent {
  const type = typeOf(form.n)
  const values: (Value | undefined)[] = [...form.v]
  for (const index of form.u ?? []) values[index] = undefined
  return restoreEvent(type, {
    id: form.i,
    sequence: form.s,
    origin: { node: form.o[0], boot: form.o[1] },
    raisedAtMs: form.t,
    callId: form.c,
    names: form.p,
    values,
  })
}
