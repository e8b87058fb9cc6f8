import { describe, expect, it } from 'vitest'
import mathops from '../../../src/modules/mathops/index.ts'
import type { RouteContext } from '../../../src/script/context.ts'
import { moduleRig, TestVariable } from '../usrloc/module-rig.ts'

/** Calls a function and gives its verdict and what it wrote. */
function run(name: string, before: readonly unknown[], behind: readonly unknown[] = [], digits = 6) {
  const rig = moduleRig([mathops], { params: { mathops: { decimal_digits: digits } } })
  const result = new TestVariable('$var(x)')
  const verdict = rig.call(null as unknown as RouteContext, name, ...before, result, ...behind)
  return [verdict, result.get()]
}

describe('math_eval', () => {
  it.each([
    ['1 + 2 * 3', '7'],
    ['(1+2)*3', '9'],
    ['10 - 4 - 3', '3'],
    ['100 / 8 / 2', '6.25'],
    ['7 % 4 % 2', '1'],
    ['2 ^ 3 ^ 2', '64'],
    ['-2 ^ 2', '4'],
    ['- - 3', '3'],
    ['1e3 + .5', '1000.5'],
    ['1/3', '0.333333'],
    ['2/4', '0.5'],
    ['10/10', '1'],
    ['0 * -1', '0'],
    ['pi', '3.141593'],
    ['ln(e)', '1'],
    ['log(1000)', '3'],
    ['sqrt 16 + abs(-2)', '6'],
    ['floor(2.7) + ceil(2.1)', '5'],
    ['sin(0)+cos(0)+tan(0)+sinh(0)+cosh(0)+tanh(0)+exp(0)+asin(0)+acos(1)+atan(0)', '3'],
  ])('of %s is %s', (expression, value) => {
    expect(run('math_eval', [expression])).toEqual([1, value])
  })

  it.each([
    '',
    '1 +',
    '1 2',
    '(1',
    '1)',
    'foo(1)',
    'x',
    '1 $ 2',
    'sqrt',
    '1/0',
    'sqrt(-1)',
    `${'('.repeat(5000)}1`,
    '-'.repeat(5000),
  ])('refuses %j', expression => {
    expect(run('math_eval', [expression])).toEqual([-1, null])
  })
})

describe('math_rpn', () => {
  it.each([
    ['1 2 +', '3'],
    ['10 4 - 3 -', '3'],
    ['7 2 /', '3.5'],
    ['2 3 *', '6'],
    ['7 4 mod', '3'],
    ['2 10 pow', '1024'],
    ['5 neg abs', '5'],
    ['e ln 1000 log10 +', '4'],
    ['0 exp 9 sqrt + 27 cbrt +', '7'],
    ['2.5 floor 2.5 ceil +', '5'],
    ['2.5 round', '3'],
    ['-2.5 round', '-3'],
    ['2.5 nearbyint 3.5 nearbyint +', '6'],
    ['-2.7 trunc', '-2'],
    ['1 2 drop', '1'],
    ['3 dup *', '9'],
    ['1 2 swap -', '1'],
    ['  pi \t floor ', '3'],
  ])('of %s is %s', (expression, value) => {
    expect(run('math_rpn', [expression])).toEqual([1, value])
  })

  it.each(['', '+', '1 +', 'drop', 'dup', '1 swap', '1 foo', '1 0 /', '1 '.repeat(2000)])('refuses %j', expression => {
    expect(run('math_rpn', [expression])).toEqual([-1, null])
  })
})

describe('rounding', () => {
  it.each([
    ['math_floor', '17.8', [], '17'],
    ['math_floor', '-17.2', [], '-18'],
    ['math_ceil', '17.2', [], '18'],
    ['math_ceil', '-0.5', [], '0'],
    ['math_trunc', '-17.8', [], '-17'],
    ['math_round', '17.5', [], '18'],
    ['math_round', '-17.5', [], '-18'],
    ['math_round', '17.85714', [3], '17.857'],
    ['math_round', '1.005', [2], '1.01'],
    ['math_round', '17.1', [3], '17.1'],
    ['math_round_sf', '17923', [2], '18000'],
    ['math_round_sf', '0.0123456', [3], '0.0123'],
  ])('%s(%s) %j is %s', (name, number, behind, value) => {
    expect(run(name, [number], behind)).toEqual([1, value])
  })

  it.each([
    ['math_floor', 'ten', []],
    ['math_round', '', []],
    ['math_round', '0x10', []],
    ['math_round_sf', '1', [0]],
    ['math_round_sf', '1', [101]],
  ])('%s refuses %j %j', (name, number, behind) => {
    expect(run(name, [number], behind)).toEqual([-1, null])
  })
})

it.each([
  ['1', '2', -1],
  ['2.50', '2.5', 0],
  ['1e3', '999', 1],
])('math_compare(%s, %s) writes %i', (a, b, order) => {
  expect(run('math_compare', [a, b])).toEqual([1, order])
})

it('math_compare refuses what is no number', () => {
  expect(run('math_compare', ['a', '1'])).toEqual([-1, null])
})

it('decimal_digits limits the decimals of every result', () => {
  expect(run('math_eval', ['2/3'], [], 2)).toEqual([1, '0.67'])
  expect(run('math_eval', ['2/3'], [], 0)).toEqual([1, '1'])
  expect(() => run('math_eval', ['1'], [], -1)).toThrow('decimal_digits')
})
