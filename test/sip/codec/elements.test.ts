import { describe, expect, it } from 'vitest'
import { endOfElement, endOfParams, findParam, splitElements } from '../../../src/sip/codec/elements.ts'

const split = (text: string, comments = false) => {
  const bytes = Buffer.from(text)
  return splitElements(bytes, 3, 0, bytes.length, comments).map(({ start, end }) => bytes.toString('utf8', start, end))
}

const param = (text: string, name: string) => {
  const bytes = Buffer.from(text)
  const found = findParam(bytes, 0, bytes.length, name)
  return found === null ? null : bytes.toString('utf8', found.start, found.end)
}

describe('splitElements', () => {
  it.each([
    ['a, b ,c', ['a', 'b', 'c']],
    ['"x,y" <sip:a,b>;p="1,\\",2", z', ['"x,y" <sip:a,b>;p="1,\\",2"', 'z']],
    ['a,\r\n b', ['a', 'b']],
    ['a,,b', ['a', '', 'b']],
    ['', ['']],
    ['"open, quote', ['"open, quote']],
    ['<open, bracket', ['<open, bracket']],
  ])('of %j gives %j', (text, elements) => {
    expect(split(text)).toEqual(elements)
  })

  it('takes commas in comments as part of a Via only', () => {
    expect(split('a (x,y), b', true)).toEqual(['a (x,y)', 'b'])
    expect(split('a (x,y), b')).toEqual(['a (x', 'y)', 'b'])
  })
})

describe('endOfElement', () => {
  it('is the end when there is no comma', () => {
    expect(endOfElement(Buffer.from('abc'), 0, 3, false)).toBe(3)
  })
})

describe('findParam', () => {
  it.each([
    ['h;rport;branch=x', 'rport', 'rport'],
    ['h; RPORT = 5 ;branch=x', 'rport', 'RPORT = 5'],
    ['h;x=";rport=1";rport=2', 'rport', 'rport=2'],
    ['h;rports=1', 'rport', null],
    ['rport=1', 'rport', null],
    ['h;rpor', 'rport', null],
  ])('in %j of %j is %j', (text, name, found) => {
    expect(param(text, name)).toBe(found)
  })
})

describe('endOfParams', () => {
  it('stands before a comment', () => {
    expect(endOfParams(Buffer.from('h;x="(" (c)'), 0, 11)).toBe(7)
    expect(endOfParams(Buffer.from('h;x'), 0, 3)).toBe(3)
  })
})
