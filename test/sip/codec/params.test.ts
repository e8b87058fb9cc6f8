import { describe, expect, it } from 'vitest'
import { Params, unquote } from '../../../src/sip/codec/params.ts'

describe('Params', () => {
  it('finds names in any case and keeps values as they are', () => {
    const params = Params.parse(';Tag=AbC;lr')
    expect([params.get('tag'), params.get('TAG'), params.get('LR')]).toEqual(['AbC', 'AbC', ''])
  })

  it('tells absent from empty', () => {
    const params = Params.parse(';rport;x=')
    expect([params.get('rport'), params.get('x'), params.get('y')]).toEqual(['', '', null])
    expect([params.has('rport'), params.has('y')]).toEqual([true, false])
  })

  it('takes blanks around names, `=` and values away', () => {
    expect(Params.parse(' ;  tag  =  1 ; q = 0.3 ').entries()).toEqual([
      ['tag', '1'],
      ['q', '0.3'],
    ])
  })

  it('gives quoted values without quotes, as written through raw', () => {
    const params = Params.parse(';a="x;y=\\"z\\"";b=2')
    expect(params.get('a')).toBe('x;y="z"')
    expect(params.raw('a')).toBe('"x;y=\\"z\\""')
    expect(params.get('b')).toBe('2')
  })

  it('lets the first of repeated names count, few or many', () => {
    const many = Array.from({ length: 50 }, (_, i) => `;p${i}=${i}`).join('')
    expect(Params.parse(';a=1;A=2').get('a')).toBe('1')
    expect(Params.parse(`;a=1${many};A=2`).get('a')).toBe('1')
    expect(Params.parse(`;a=1${many};A=2`).get('P49')).toBe('49')
  })

  it('reads a list without a leading semicolon', () => {
    expect(Params.parse('a=1;b').entries()).toEqual([
      ['a', '1'],
      ['b', null],
    ])
  })

  it.each([
    [';a;;b', true],
    [';a=1;', false],
    [';;', true],
    [';=1', true],
    [';a="x', true],
    [';a="x"', false],
    ['', false],
  ])('%j is malformed: %j', (text, malformed) => {
    expect(Params.parse(text).malformed).toBe(malformed)
  })
})

describe('unquote', () => {
  it.each([
    ['"Alice"', 'Alice'],
    ['"a\\"b\\\\"', 'a"b\\'],
    ['plain', 'plain'],
    ['"', '"'],
    ['""', ''],
  ])('%j becomes %j', (text, content) => {
    expect(unquote(text)).toBe(content)
  })
})
