import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonObjects, NotJsonObjects } from '../../../transports/stream/json-objects.ts'

const LIMIT_BYTES = 1000

describe('JSON objects that follow one another', () => {
  it('are read whatever the pieces they come in', () => {
    const objects = fc.array(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
      { maxLength: 5 },
    )
    const blanks = fc.constantFrom('', ' ', '\r\n', '\t')
    fc.assert(
      fc.property(objects, blanks, fc.integer({ min: 1, max: 9 }), (values, blank, size) => {
        const bytes = Buffer.from(values.map(value => JSON.stringify(value)).join(blank))
        const reader = new JsonObjects(1_000_000)
        const read: unknown[] = []
        for (let from = 0; from < bytes.length; from += size)
          read.push(...reader.push(bytes.subarray(from, from + size)))
        expect(JSON.stringify(read)).toBe(JSON.stringify(values))
      }),
    )
  })

  it('of the largest size are read, and one byte more is too many', () => {
    const text = `{"x":"${'y'.repeat(LIMIT_BYTES - 8)}"}`
    expect([...new JsonObjects(LIMIT_BYTES).push(Buffer.from(text))]).toHaveLength(1)
    const bytes = Buffer.from(text.replace('"y', '"yy'))
    expect(() => [...new JsonObjects(LIMIT_BYTES).push(bytes)]).toThrow(NotJsonObjects)
    const reader = new JsonObjects(LIMIT_BYTES)
    expect(() => bytes.forEach((_, i) => void [...reader.push(bytes.subarray(i, i + 1))])).toThrow(NotJsonObjects)
  })

  it('never throw anything but NotJsonObjects, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 5 }), chunks => {
        const reader = new JsonObjects(LIMIT_BYTES)
        try {
          for (const chunk of chunks)
            for (const value of reader.push(Buffer.from(chunk))) expect(value).toBeTypeOf('object')
        } catch (error) {
          expect(error).toBeInstanceOf(NotJsonObjects)
        }
      }),
    )
  })
})
