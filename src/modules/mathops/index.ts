import { arg, defineModule, optional, param } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Step, Verdict } from '../../script/context.ts'
import { ExpressionError, evaluate } from './expression.ts'
import { decimalText, roundDecimals } from './rounding.ts'
import { evaluateRpn } from './rpn.ts'

/** Most decimals a number can be written with. */
const MAX_DECIMALS = 100
const RESULT = '1; −1 it cannot be calculated, or the variable refuses the result'

const numberArg = arg('number', 'str', 'A decimal number.')
const resultArg = arg('result', 'var', 'Gets the result, as text.')

/** Arithmetic with fractions (mathops reference). */
export default defineModule(
  {
    name: 'mathops',
    doc: 'Arithmetic with fractions; numbers are decimal texts.',
    params: { decimal_digits: param('int', 6, 'Most decimals of a result; zeros at its end are left out.') },
    functions: {
      math_eval: {
        args: [
          arg('expression', 'str', '`+ - * / % ^`, from the left, parentheses, functions, `e` and `pi`.'),
          resultArg,
        ],
        routes: 'any',
        returns: RESULT,
        doc: 'Calculates an expression. Functions: abs acos asin atan ceil cos cosh exp floor ln log sin sinh sqrt tan tanh.',
      },
      math_rpn: {
        args: [arg('expression', 'str', 'Numbers and words, separated by blanks.'), resultArg],
        routes: 'any',
        returns: RESULT,
        doc:
          'Calculates an expression in reverse Polish notation. Words: + - * / mod pow neg exp ln log10 abs sqrt cbrt floor ' +
          'ceil round nearbyint trunc e pi drop dup swap.',
      },
      math_floor: { args: [numberArg, resultArg], routes: 'any', returns: RESULT, doc: 'Rounds down.' },
      math_ceil: { args: [numberArg, resultArg], routes: 'any', returns: RESULT, doc: 'Rounds up.' },
      math_trunc: { args: [numberArg, resultArg], routes: 'any', returns: RESULT, doc: 'Rounds towards zero.' },
      math_round: {
        args: [numberArg, resultArg, optional(arg('decimals', 'int', 'Decimals that stay, 0 if absent.'))],
        routes: 'any',
        returns: RESULT,
        doc: 'Rounds to the nearest, halves away from zero.',
      },
      math_round_sf: {
        args: [numberArg, resultArg, arg('digits', 'int', 'Significant digits, 1…100.')],
        routes: 'any',
        returns: RESULT,
        doc: 'Rounds to significant digits.',
      },
      math_compare: {
        args: [
          arg('a', 'str', 'A decimal number.'),
          arg('b', 'str', 'Another.'),
          arg('result', 'var', 'Gets −1, 0 or 1: a is less than, equal to or greater than b.'),
        ],
        routes: 'any',
        returns: RESULT,
        doc: 'Compares two numbers.',
      },
    },
  },
  ({ log, params }) => {
    const digits = params.decimal_digits
    if (digits < 0 || digits > MAX_DECIMALS)
      throw new Error(`decimal_digits: expected 0…${MAX_DECIMALS}, got ${digits}`)
    const calculate = (result: Arg<PvarRef>, compute: (m: RouteContext) => number): Step => {
      return m => {
        const value = attempt(() => compute(m))
        if (typeof value === 'number' && Number.isFinite(value)) return write(m, result, decimalText(value, digits))
        log.error('nothing to calculate', { reason: typeof value === 'string' ? value : `the result is ${value}` })
        return -1
      }
    }
    const rounding =
      (round: (x: number) => number) =>
      (number: Arg<string>, result: Arg<PvarRef>): Step =>
        calculate(result, m => round(parseNumber(number.read(m))))
    return {
      functions: {
        math_eval: (expression, result) => calculate(result, m => evaluate(expression.read(m))),
        math_rpn: (expression, result) => calculate(result, m => evaluateRpn(expression.read(m))),
        math_floor: rounding(Math.floor),
        math_ceil: rounding(Math.ceil),
        math_trunc: rounding(Math.trunc),
        math_round: (number, result, decimals) =>
          calculate(result, m => roundDecimals(parseNumber(number.read(m)), decimals?.read(m) ?? 0)),
        math_round_sf: (number, result, figures) =>
          calculate(result, m => {
            const wanted = figures.read(m)
            if (wanted < 1 || wanted > MAX_DECIMALS)
              throw new ExpressionError(`expected 1…${MAX_DECIMALS} digits, got ${wanted}`, 0)
            return Number(parseNumber(number.read(m)).toPrecision(wanted))
          }),
        math_compare: (a, b, result) => m => {
          const order = attempt(() => Math.sign(parseNumber(a.read(m)) - parseNumber(b.read(m))))
          if (typeof order === 'number') return write(m, result, order)
          log.error('nothing to compare', { reason: order })
          return -1
        },
      },
    }
  },
)

/** The number, or why there is none. */
function attempt(compute: () => number): number | string {
  try {
    return compute()
  } catch (error) {
    if (error instanceof ExpressionError) return error.message
    throw error
  }
}

function write(m: RouteContext, result: Arg<PvarRef>, value: number | string): Verdict {
  return result.read(m).set(m, value) ? 1 : -1
}

/** Throws {@link ExpressionError}. */
function parseNumber(text: string): number {
  if (!/^\s*[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?\s*$/i.test(text))
    throw new ExpressionError(`expected a decimal number, got "${text}"`, 0)
  return Number(text)
}
