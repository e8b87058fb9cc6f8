import { describe, expect, it } from 'vitest'
import { escapeParam, escapeUser, unescapeParam, unescapeUser } from '../../../src/sip/codec/uri.ts'

describe('URI escapes', () => {
  it.each([
    ['a%20b', 'a b'],
    ['%00', '\0'],
    ['%c3%a9', 'é'],
    ['100%', '100%'],
    ['%zz%4', '%zz%4'],
    ['%2541', '%41'],
    ['plain', 'plain'],
  ])('%j unescapes to %j', (text, plain) => {
    expect([unescapeUser(text), unescapeParam(text)]).toEqual([plain, plain])
  })

  it('keeps in a user what a user may hold', () => {
    expect(escapeUser("a-_.!~*'()&=+$,;?/ @:é")).toBe("a-_.!~*'()&=+$,;?/%20%40%3a%c3%a9")
  })

  it('keeps in a parameter what a parameter may hold', () => {
    expect(escapeParam('[a]/:&+$;=?,')).toBe('[a]/:&+$%3b%3d%3f%2c')
  })

  it('undoes what it did', () => {
    const text = 'Jürgen "J" <%>\0'
    expect(unescapeUser(escapeUser(text))).toBe(text)
    expect(unescapeParam(escapeParam(text))).toBe(text)
  })
})
