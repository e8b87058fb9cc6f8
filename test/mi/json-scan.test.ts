import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonScanner } from '../../src/mi/json-scan.ts'

function scan(text: string): [string, number] {
  const scanner = new JsonScanner()
  const end = scanner.feed(text, 0)
  return [scanner.state, end]
}

describe('finding the end of JSON', () => {
  it.each([
    '{}',
    '[]',
    ' {"a":"}\\"{"} ',
    '{"a":[1,-2.5e+3,true,false,null,"\\u00e9"],"b":{"c":[]}}',
    '\r\n\t[{},[],""]',
  ])('%j is complete', text => {
    expect(scan(`${text}:rest`)).toEqual(['complete', text.trimEnd().length])
  })

  it.each(['', ' ', '{', '{"a', '{"a"', '{"a":', '{"a":1', '{"a":1,', '[tr', '["\\', '["\\u12', '[1 '])(
    '%j is incomplete',
    text => {
      expect(scan(text)[0]).toBe('incomplete')
    },
  )

  it.each([
    'x',
    '5',
    '"a"',
    '}',
    '{]',
    '[}',
    '{a',
    '{1',
    '{"a",',
    '{"a":}',
    '[,',
    '[1,]',
    '[tx',
    '["\\x',
    '["\\u1g',
    '["\n',
    '[1 2',
  ])('%j is invalid', text => {
    expect(scan(text)[0]).toBe('invalid')
  })

  it('finds the end of any object, however it is cut', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue())
    fc.assert(
      fc.property(
        object,
        fc.integer({ min: 0, max: 2 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
        (value, indent, cuts) => {
          const json = JSON.stringify(value, null, indent)
          const text = `${json}:tail`
          const scanner = new JsonScanner()
          let at = 0
          for (const cut of cuts) {
            if (at >= text.length || scanner.state !== 'incomplete') break
            at = scanner.feed(text.slice(0, at + cut), at)
          }
          expect([scanner.state, at]).toEqual(['complete', json.length])
        },
      ),
    )
  })

  it('accepts no prefix of an object as complete or invalid', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), value => {
        const json = JSON.stringify(value)
        for (let end = 0; end < json.length; end++) expect(scan(json.slice(0, end))[0]).toBe('incomplete')
      }),
    )
  })

  it('refuses text nested deeper than 256', () => {
    expect(scan('['.repeat(256))[0]).toBe('incomplete')
    expect(scan('['.repeat(257))[0]).toBe('invalid')
  })
})
