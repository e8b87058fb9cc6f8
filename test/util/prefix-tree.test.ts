import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PrefixTree } from '../../src/util/prefix-tree.ts'

const treeOf = (prefixes: readonly string[], extra = ''): PrefixTree<string> => {
  const tree = new PrefixTree<string>(extra)
  for (const prefix of prefixes) tree.set(prefix, `<${prefix}>`)
  return tree
}

describe('a prefix tree', () => {
  it.each([
    ['401', ['', '4', '40', '41'], ['<40>', '<4>', '<>']],
    ['401', ['401'], ['<401>']],
    ['401', ['4012'], []],
    ['', ['', '4'], ['<>']],
    ['4a1', ['', '4', '40'], ['<>']],
    ['4a1', ['', '4'], ['<4>', '<>']],
    ['+40', ['', '40'], ['<>']],
    ['+40', ['40'], []],
  ])('matches %s against %j with %j', (number, prefixes, expected) => {
    expect(treeOf(prefixes).match(number)).toEqual(expected)
  })

  it('takes further characters into its alphabet', () => {
    const tree = treeOf(['+40', '*9'], '+*')
    expect([tree.match('+401'), tree.match('*90')]).toEqual([['<+40>'], ['<*9>']])
    expect([tree.accepts('+4'), tree.accepts('#'), treeOf([]).accepts('+')]).toEqual([true, false, false])
    expect(() => tree.set('#1', '')).toThrow(RangeError)
  })

  it('replaces the value of a prefix', () => {
    const tree = treeOf(['1'])
    tree.set('1', 'new')
    expect([tree.get('1'), tree.get('2'), tree.get('12'), tree.get('x')]).toEqual([
      'new',
      undefined,
      undefined,
      undefined,
    ])
  })

  it('finds what a plain comparison with every prefix finds', () => {
    const digits = fc.string({ unit: fc.constantFrom('0', '1', '2'), maxLength: 6 })
    const check = (prefixes: readonly string[], number: string): void => {
      const expected = [...new Set(prefixes)]
        .filter(prefix => number.startsWith(prefix))
        .sort((a, b) => b.length - a.length)
        .map(prefix => `<${prefix}>`)
      expect(treeOf(prefixes).match(number)).toEqual(expected)
    }
    fc.assert(fc.property(fc.array(digits, { maxLength: 40 }), digits, check))
  })
})
