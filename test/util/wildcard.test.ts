import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wildcardMatcher } from '../../src/util/wildcard.ts'

describe('a shell wildcard', () => {
  it.each<[string, string, boolean]>([
    ['bob@*', 'bob@x', true],
    ['bob@*', 'bobby@x', false],
    ['*', '', true],
    ['*', 'a/b.c', true],
    ['', '', true],
    ['', 'a', false],
    ['a?c', 'abc', true],
    ['a?c', 'a😀c', true],
    ['a?c', 'ac', false],
    ['sip:*@10.0.0.?:*', 'sip:bob@10.0.0.7:5060', true],
    ['sip:*@10.0.0.?:*', 'sip:bob@10.0.0.77:5060', false],
    ['[abc]x', 'bx', true],
    ['[a-c]x', 'cx', true],
    ['[a-c]x', 'dx', false],
    ['[!a-c]x', 'dx', true],
    ['[!a-c]x', 'ax', false],
    ['[]]', ']', true],
    ['[a', '[a', true],
    ['[a-]', '-', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\', 'a\\', true],
    ['*a*a*a*', 'banana', true],
    ['*ana', 'banana', true],
    ['*ab', 'aab', true],
    ['Bob', 'bob', false],
  ])('%s on %s gives %s', (pattern, text, matches) => {
    expect(wildcardMatcher(pattern).matches(text)).toBe(matches)
  })

  it('knows the one text a pattern without wildcards means', () => {
    expect(wildcardMatcher('a\\*b').literal).toBe('a*b')
    expect(wildcardMatcher('a*b').literal).toBeNull()
  })

  it('agrees with a regular expression of the same meaning', () => {
    const pattern = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 8 }).map(chars => chars.join(''))
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 10 }).map(chars => chars.join(''))
    fc.assert(
      fc.property(pattern, text, (p, t) => {
        const regex = new RegExp(`^${p.replaceAll('*', '.*').replaceAll('?', '.')}$`)
        expect(wildcardMatcher(p).matches(t)).toBe(regex.test(t))
      }),
    )
  })

  it('is not slowed down by many stars', () => {
    expect(wildcardMatcher(`${'*a'.repeat(30)}b`).matches('a'.repeat(5000))).toBe(false)
  })
})
