import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTableFile, parseTableFile } from '../../../src/db/text/table-file.ts'

const rowsOf = (text: string) => parseTableFile(text, 't').rows

describe('the header of a table file', () => {
  it('names columns with types by their first letter, in any case, and attributes', () => {
    const { columns } = parseTableFile(
      'a(int,auto) b( String , NULL )  c(DOUBLE) d(long) e(bigint) f(time) g(blob,n)',
      't',
    )
    expect(columns.map(({ name, type, nullable, auto }) => [name, type, nullable, auto])).toEqual([
      ['a', 'int', false, true],
      ['b', 'str', true, false],
      ['c', 'double', false, false],
      ['d', 'bigint', false, false],
      ['e', 'bigint', false, false],
      ['f', 'time', false, false],
      ['g', 'blob', true, false],
    ])
  })

  it.each([
    ['', '1:1: expected the definition of the columns'],
    ['a', '1:1: expected name(type) or name(type,attribute), got "a"'],
    ['a(int) b', '1:7: expected name(type) or name(type,attribute), got "b"'],
    ['a(word)', '1:1: column a: expected a type'],
    ['a(int,unique)', '1:1: column a: expected the attribute null or auto, got "unique"'],
    ['a(str,auto)', '1:1: column a: only a column of integers can be auto'],
    ['a(str) a(int)', '1:7: column a: it is defined twice'],
  ])('%j is refused', (header, fault) => {
    expect(() => parseTableFile(`${header}\nx`, 't')).toThrow(`t:${fault}`)
  })
})

describe('the rows of a table file', () => {
  it.each([
    [
      'a(str) b(str)\nx:y\n\nz:\n',
      [
        ['x', 'y'],
        ['z', ''],
      ],
    ],
    ['a(str,null) b(int,null)\n:\n', [[null, null]]],
    ['a(str)\n\\n\\r\\t\\\\\\:\\0\n', [['\n\r\t\\:\0']]],
    ["a(str) b(str)\n'x': null \n", [["'x'", ' null ']]],
    ['a(int) b(double)\n-5:-0.50', [[-5, -0.5]]],
    ['a(long)\n9223372036854775807', [[9223372036854775807n]]],
    ['a(int,auto)\r\n5\r\n', [[5]]],
    ['a(str)\n# no comment\n', [['# no comment']]],
  ])('%j', (text, rows) => {
    expect(rowsOf(text)).toEqual(rows)
  })

  it.each([
    ['a(int)\n+5', '2:1: column a: expected int, got "+5"'],
    ['a(int)\n5x', '2:1: column a: expected int, got "5x"'],
    ['a(str) b(double)\nx:1e5', '2:3: column b: expected double, got "1e5"'],
    ['a(str) b(int)\nx:', '2:3: column b cannot be empty: it is not nullable'],
    ['a(str)\n\nx\\q', '3:2: "\\q" is no escape sequence'],
    ['a(str)\nx\\', '2:2: "\\" is no escape sequence'],
    ['a(str)\nx:y', '2:4: expected 1 fields, got 2'],
    ['a(str) b(str)\nx', '2:2: expected 2 fields, got 1'],
  ])('%j is refused as a whole', (text, fault) => {
    expect(() => rowsOf(text)).toThrow(`t:${fault}`)
  })

  it('every line at fault is named, the rest of very many counted', () => {
    const text = `a(int)\n${'x\n'.repeat(25)}`
    expect(() => rowsOf(text)).toThrow(/t:2:1: .*\nt:3:1: [\s\S]*t:21:1: .*\nand 5 more$/)
  })

  it('names the columns whose empty fields became empty texts', () => {
    expect(parseTableFile('a(str) b(str)\n:\n:x', 't').emptied).toEqual(['a', 'b'])
  })

  it('come back as they were written, whatever they hold', () => {
    const { columns } = parseTableFile('a(str,null) b(int) c(double)', 't')
    const row = fc.tuple(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.integer(),
      fc.integer({ min: -1_000_000, max: 1_000_000 }).map(n => n / 100),
    )
    fc.assert(
      fc.property(fc.array(row), rows => {
        expect(rowsOf(formatTableFile(columns, rows))).toEqual(rows.map(([a, b, c]) => [a, b, c === 0 ? 0 : c]))
      }),
    )
  })

  it('doubles have two decimals at least', () => {
    const { columns } = parseTableFile('a(double)', 't')
    expect(formatTableFile(columns, [[1], [0.7], [0.125], [1e-7]])).toBe('a(double)\n1.00\n0.70\n0.125\n0.0000001\n')
  })
})
