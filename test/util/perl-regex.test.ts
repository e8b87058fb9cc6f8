import { describe, expect, it } from 'vitest'
import { compilePerlRegex } from '../../src/util/perl-regex.ts'

describe('a Perl-compatible regular expression', () => {
  it.each([
    ['^\\d{3}$', '123', true],
    ['^\\d{3}$', '1234', false],
    ['(?i)^BOB$', 'bob', true],
    ['(?:a|b)+?c', 'xabc', true],
    ['(?P<n>a)b', 'ab', true],
    ['\\Aab\\z', 'ab', true],
    ['\\Aab\\Z', 'ab\n', true],
    ['\\Aab\\z', 'ab\n', false],
    ['^[[:alpha:]_]+$', 'ab_c', true],
    ['^[^[:digit:]]+$', 'ab', true],
    ['^[]a]+$', 'a]a', true],
    ['\\[:x', '[:x', true],
    ['a\\hb', 'a\tb', true],
    ['(a)\\1', 'aa', true],
    ['a(?=b)', 'ab', true],
    ['a#b', 'a#b', true],
  ])('%s on %j: %s', (pattern, text, expected) => {
    expect(compilePerlRegex(pattern).test(text)).toBe(expected)
  })

  it.each([
    [{ ignoreCase: true }, 'ab', 'AB', true],
    [{ multiline: true }, '^b$', 'a\nb', true],
    [{}, '^b$', 'a\nb', false],
    [{ dotAll: true }, 'a.b', 'a\nb', true],
    [{}, 'a.b', 'a\nb', false],
    [{ extended: true }, 'a b # both\n [ ] c', 'ab c', true],
  ])('with %j: %s on %j: %s', (options, pattern, text, expected) => {
    expect(compilePerlRegex(pattern, options).test(text)).toBe(expected)
  })

  it.each(['(', '[a', 'a{2,1}', '*', '[[:nope:]]', 'x'.repeat(20_000)])('refuses %#', pattern => {
    expect(() => compilePerlRegex(pattern)).toThrow()
  })

  it('does not take exponential time', () => {
    expect(compilePerlRegex('^(a+)+$').test(`${'a'.repeat(5000)}b`)).toBe(false)
  })
})
