import { describe, expect, it } from 'vitest'
import { isToken, parseNumber, unfold } from '../../../src/sip/codec/text.ts'

describe('unfold', () => {
  it.each([
    ['plain', 'plain'],
    ['a\r\n b', 'a b'],
    ['a \t\r\n\t  b\n c', 'a b c'],
    ['a\r\n \r\n b', 'a b'],
    ['a\rb', 'a b'],
  ])('makes %j one line: %j', (text, line) => {
    expect(unfold(text)).toBe(line)
  })
})

describe('parseNumber', () => {
  it.each([
    ['42', 42],
    ['0042', 42],
    ['100', 100],
    ['101', -1],
    ['', -1],
    ['4x', -1],
    ['-4', -1],
    [' 4', -1],
  ])('of %j, at most 100, is %d', (text, value) => {
    expect(parseNumber(text, 0, text.length, 100)).toBe(value)
  })

  it('reads a part of a text', () => {
    expect(parseNumber('x12y', 1, 3, 100)).toBe(12)
  })
})

describe('isToken', () => {
  it.each([
    ["a-.!%*_+`'~Z9", true],
    ['', false],
    ['a b', false],
    ['a/b', false],
    ['é', false],
    ['Ā', false],
  ])('%j: %j', (text, expected) => {
    expect(isToken(text)).toBe(expected)
  })
})
