import { describe, expect, it } from 'vitest'
import { EventSequence } from '../../src/events/event.ts'
import type { EventCodec } from '../../src/events/transport.ts'

const TYPE = { id: 0, name: 'E_X', module: 'test', spec: null, fieldNames: [], isOpen: true }
const at = (sequence: EventSequence, ms: number) => sequence.next(TYPE, null, [], ms, undefined, 0)

describe('an event', () => {
  it('has an id that sorts by time and then by order', () => {
    const sequence = new EventSequence()
    const ids = [at(sequence, 1e12), at(sequence, 1e12), at(sequence, 1e12 + 1), at(sequence, 2e12)].map(
      event => event.id,
    )
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(4)
  })

  it('has an id that grows even when the clock is set back', () => {
    const sequence = new EventSequence()
    const first = at(sequence, 2e12)
    const second = at(sequence, 1e12)
    expect(second.id > first.id).toBe(true)
    expect(second.raisedAtMs).toBe(1e12)
  })

  it('has another id after a restart in the same millisecond', () => {
    expect(at(new EventSequence(), 1e12).id).not.toBe(at(new EventSequence(), 1e12).id)
  })

  it('is encoded once for each codec', () => {
    let calls = 0
    const codec = (name: string): EventCodec => ({
      name,
      contentType: 'text/plain',
      encode: () => Buffer.from(`${name}${calls++}`),
    })
    const codecs = [codec('a'), codec('b'), codec('c')]
    const event = at(new EventSequence(), 0)
    const once = codecs.map(one => event.encode(one))
    expect(codecs.map(one => event.encode(one))).toEqual(once)
    expect(calls).toBe(3)
  })
})
