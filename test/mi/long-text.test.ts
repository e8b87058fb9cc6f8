import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLong, longText } from '../../src/mi/long-text.ts'

const rows = (count: number) => Array.from({ length: count }, (_, n) => ({ n, text: `a\n"${n}"`, none: undefined }))

const VALUES: readonly (readonly [string, object])[] = [
  ['a long list', { result: { Dialogs: rows(1000) } }],
  [
    'a list of long lists',
    { result: { Events: [{ Subscribers: rows(500) }, { name: 'b' }, { Subscribers: rows(300) }] } },
  ],
  [
    'a long list of short lists',
    { AORs: Array.from({ length: 300 }, (_, n) => ({ AOR: `${n}`, Contacts: rows(n % 4) })) },
  ],
  ['a list in a list', [[rows(300)], [], [rows(1), rows(250)]]],
  ['many members', Object.fromEntries(rows(400).map(row => [`m${row.n}`, row]))],
  [
    'what is no JSON',
    { a: undefined, list: [undefined, () => 1, null, Number.NaN, ...rows(300)], f: () => 1, s: Symbol('s') },
  ],
  ['dates', { list: [new Date(0), ...rows(300)], at: new Date(1) }],
  ['a short value', { a: [], b: {}, c: [{}] }],
]

describe('the text of a long value', () => {
  it.each(VALUES)('%s: is what JSON.stringify gives, pretty or not', async (_, value) => {
    expect(await longText(value, false)).toBe(JSON.stringify(value))
    expect(await longText(value, true)).toBe(JSON.stringify(value, null, '\t'))
  })

  it('is that for values of any shape', async () => {
    const lists = fc.letrec(tie => ({
      node: fc.oneof(
        { depthSize: 'large' },
        fc.jsonValue({ maxDepth: 2 }),
        fc.array(tie('node'), { maxLength: 5 }),
        fc.dictionary(fc.string(), tie('node'), { maxKeys: 5 }),
        fc.array(fc.record({ a: fc.string(), b: fc.integer() }), { minLength: 150, maxLength: 450, size: 'max' }),
      ),
    })).node
    await fc.assert(
      fc.asyncProperty(lists, fc.boolean(), async (node, isPretty) => {
        const value = { result: node }
        expect(await longText(value, isPretty)).toBe(JSON.stringify(value, null, isPretty ? '\t' : undefined))
      }),
      { numRuns: 200 },
    )
  })

  it('is made in slices: others have their turn after each', async () => {
    let turns = 0
    let isDone = false
    const text = longText({ rows: rows(20_000) }, false).finally(() => {
      isDone = true
    })
    for (; !isDone; turns++) await turn()
    expect((await text).length).toBeGreaterThan(0)
    expect(turns).toBeGreaterThanOrEqual(200)
  })

  it('rejects for what cannot be written', async () => {
    const cyclic: { list: unknown[]; self?: unknown } = { list: rows(300) }
    cyclic.self = cyclic
    await expect(longText(cyclic, false)).rejects.toThrow(TypeError)
    await expect(longText({ list: [...rows(300), 1n] }, false)).rejects.toThrow(TypeError)
  })
})

it('a value is long from some two hundred objects and elements on, wherever they are', () => {
  expect(isLong({ list: Array.from({ length: 99 }, () => ({})) })).toBe(false)
  expect(isLong({ list: Array.from({ length: 100 }, () => ({})) })).toBe(true)
  expect(isLong({ a: [{ b: [{ c: new Array(250).fill(0) }] }] })).toBe(true)
  expect(isLong('x'.repeat(10_000))).toBe(false)
})
