import { describe, expect, it } from 'vitest'
import { EventSequence, restoreEvent } from '../../src/events/event.ts'
import { EventIdWriter, makeOrigin, sequenceOfEventId, timeOfEventId } from '../../src/events/event-id.ts'
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

  it('has an id that is a UUID of version 7 with its time, its sequence and its run', () => {
    const sequence = new EventSequence(makeOrigin('node1', '89abcdef'))
    const first = at(sequence, 0x0190_1234_5678)
    expect(first.id).toBe('01901234-5678-7000-8000-000189abcdef')
    expect(first.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(at(sequence, 0x0190_1234_5678)).toMatchObject({ sequence: 2, origin: { node: 'node1', boot: '89abcdef' } })
    expect(timeOfEventId(first.id)).toBe(0x0190_1234_5678)
  })

  it('has ids that grow without a gap over all their bits', () => {
    const writer = new EventIdWriter('00000000')
    const numbers = [0, 1, 255, 256, 65_535, 65_536, 2 ** 30 - 1, 2 ** 30, 2 ** 30 + 1, 2 ** 41, 2 ** 42 - 1]
    const ids = numbers.map(number => writer.write(1e12, number))
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.map(sequenceOfEventId)).toEqual(numbers)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('is the same after it was stored and taken up again, in another run', () => {
    const event = at(new EventSequence(), 1e12)
    const { id, sequence, origin, raisedAtMs, callId, names, values } = event
    const again = restoreEvent(TYPE, { id, sequence, origin, raisedAtMs, callId, names, values })
    expect([again.id, again.sequence, again.origin, again.raisedAtMs]).toEqual([id, sequence, origin, raisedAtMs])
  })

  it('keeps the Call-ID of the message a script raised it for, and nothing else of it', () => {
    const message = { eventDepth: 0, message: { callId: 'a84b@pc33' } }
    const event = new EventSequence().next(TYPE, null, [], 1e12, message, 0)
    expect(event.message).toBe(message)
    event.release()
    expect([event.message, event.callId]).toEqual([undefined, 'a84b@pc33'])
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
