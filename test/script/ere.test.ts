import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileEre, EreError } from '../../src/script/ere.ts'

const matches = (pattern: string, text: string, newline = true): boolean =>
  compileEre(pattern, { ignoreCase: true, newline }).test(text)

describe('extended regular expressions', () => {
  it.each<[string, string, boolean]>([
    ['^sip:[0-9]+@', 'SIP:123@h', true],
    ['^[[:alpha:]][[:alnum:]_]*$', 'aB_9', true],
    ['^[^[:space:]]+$', 'a b', false],
    ['^[[:upper:]]+$', 'abc', true],
    ['[]x]', ']', true],
    ['[^]x]', ']', false],
    ['[a-]', '-', true],
    [String.raw`[\d]`, '5', false],
    [String.raw`[\d]`, '\\', true],
    ['[[.a.]b]', 'a', true],
    ['[A-F]', 'c', true],
    [String.raw`\d`, '5', false],
    [String.raw`\.`, 'a', false],
    [String.raw`\w+\s\W`, 'ab !', true],
    [String.raw`\<bob\>`, 'x bob y', true],
    [String.raw`\bbob\b`, 'xboby', false],
    ['a{2}', 'aa', true],
    ['a{2,}', 'a', false],
    ['^a{,2}$', 'aaa', false],
    ['a{x', 'a{x', true],
    ['^a{2}{2}$', 'aaaa', true],
    ['^a+?$', '', true],
    ['^(ab|c)+$', 'abcab', true],
    ['a|', '', true],
    ['()', '', true],
    ['*a', '*a', true],
    ['(*a)', '*a', true],
    ['', 'x', true],
    ['a/b', 'a/b', true],
    ['^5..$', '486', false],
    ['(408)|(5[0-9][0-9])', '503', true],
  ])('%s on %j: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected)
  })

  it('treat newlines as asked', () => {
    expect(matches('^b$', 'a\nb', true)).toBe(true)
    expect(matches('^b$', 'a\nb', false)).toBe(false)
    expect(matches('a.b', 'a\nb', true)).toBe(false)
    expect(matches('a.b', 'a\nb', false)).toBe(true)
    expect(matches('a[^x]b', 'a\nb', true)).toBe(false)
    expect(matches('a[^x]b', 'a\nb', false)).toBe(true)
  })

  it('respect case when asked', () => {
    expect(compileEre('aB', { ignoreCase: false, newline: true }).test('ab')).toBe(false)
  })

  it.each<[string, string, number]>([
    ['a(b', '"(" without ")"', 1],
    ['a)b', '")" without "("', 1],
    ['a[b', '"[" without "]"', 1],
    ['[z-a]', 'the range z-a is upside down', 3],
    ['[[:foo:]]', 'unknown class [:foo:]', 1],
    ['a\\', 'a backslash stands at the end', 1],
    ['(a)\\1', 'the back reference \\1 is not supported', 3],
    ['a{3,2}', '{3,2}: expected counts from 0 to 255, the lower one first', 1],
    ['a{256}', '{256}: expected counts from 0 to 255, the lower one first', 1],
    ['((a{200}){200}){2}', 'the repetitions multiply to too many', 1],
    ['('.repeat(201), 'groups are nested more than 200 deep', 200],
    ['x'.repeat(5000), 'the pattern is longer than 4096 characters', 4096],
  ])('refuse %s', (pattern, message, offset) => {
    try {
      matches(pattern, '')
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(EreError)
      expect(error).toMatchObject({ message, offset })
    }
  })

  // Each of these takes longer than anyone waits when alternatives are tried one after the other.
  it.each<[string, string]>([
    ['^(a+)+$', `${'a'.repeat(80)}!`],
    ['(a|aa)+$', `${'a'.repeat(80)}!`],
    ['^(([[:alnum:]]+[.])+x)+$', `${'aa.'.repeat(80)}!`],
    [String.raw`\b((a{1,3})?b?)+$`, `${'ab'.repeat(80)}!`],
    ['x*x*x*x*x*x*x*x*y', 'x'.repeat(5000)],
    ['a*b', 'a'.repeat(200_000)],
    ['[a-z]+[0-9a-z]*!', 'a'.repeat(200_000)],
  ])('%s does not run away on a hostile text', (pattern, text) => {
    expect(matches(pattern, text)).toBe(false)
  })

  // Beyond a length another form of the pattern is used; the filler takes the text there.
  it('find the same in short and in long texts', () => {
    const atoms = ['a*', 'b+', '[ab]*', '.*', 'a{2,}', '(a|b)', 'b?', 'a', '(ab)*']
    const pattern = fc.array(fc.constantFrom(...atoms), { minLength: 1, maxLength: 4 }).map(parts => parts.join(''))
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }).map(parts => parts.join(''))
    fc.assert(
      fc.property(pattern, text, (source, subject) => {
        const anchored = compileEre(`^${source}#`, { ignoreCase: false, newline: true })
        const found = anchored.exec(`${subject}#`)?.slice() ?? null
        expect(anchored.exec(`${subject}#\n${'z'.repeat(2000)}`)?.slice() ?? null).toEqual(found)
      }),
    )
  })

  it('replace every match in a long text', () => {
    const pattern = compileEre('a+', { ignoreCase: false, newline: false, global: true })
    expect(`${'-'.repeat(3000)}aa-a`.replace(pattern, 'X')).toBe(`${'-'.repeat(3000)}X-X`)
  })
})
