import { describe, expect, it } from 'vitest'
import { MiError } from '../../src/mi/mi-error.ts'
import { matchParams, recipesOf } from '../../src/mi/recipes.ts'
import { arg, type CommandSpec, optional } from '../../src/util/spec.ts'

const subscribe: CommandSpec = {
  args: [arg('event', 'str', ''), arg('socket', 'str', ''), optional(arg('expire', 'int', ''))],
  doc: '',
}
const dump: CommandSpec = { args: [optional(arg('brief', 'int', '')), optional(arg('table', 'str', ''))], doc: '' }
const statistics: CommandSpec = { args: [arg('statistics', 'list', '')], doc: '', variadic: true }
const namedOnly: CommandSpec = { args: [arg('gw', 'str', '')], doc: '', namedOnly: true }
const leading: CommandSpec = { args: [optional(arg('partition', 'str', '')), arg('number', 'str', '')], doc: '' }
const both: CommandSpec = {
  args: [optional(arg('a', 'str', '')), arg('b', 'str', ''), optional(arg('c', 'str', ''))],
  doc: '',
}
const anything: CommandSpec = { args: [arg('value', 'json', '')], doc: '' }
const nothing: CommandSpec = { args: [], doc: '' }

const FEW = 'Too few or too many parameters'
const NAMES = 'Named parameters do not match'

/** `data` of the error, or the arguments. */
function match(spec: CommandSpec, params: unknown): unknown {
  try {
    return matchParams(spec, params)
  } catch (error) {
    if (!(error instanceof MiError)) throw error
    expect(error).toMatchObject({ code: -32602, message: 'Invalid params' })
    return error.data
  }
}

describe('matching parameters', () => {
  it.each<[string, CommandSpec, unknown, unknown]>([
    ['by position', subscribe, ['E', 's', 5], { event: 'E', socket: 's', expire: 5 }],
    ['without the optional ones', subscribe, ['E', 's'], { event: 'E', socket: 's' }],
    ['too few', subscribe, ['E'], FEW],
    ['too many', subscribe, ['E', 's', 5, 6], FEW],
    ['none for a command that wants some', subscribe, undefined, FEW],
    ['an empty array counts as none', subscribe, [], FEW],
    ['an empty object counts as none', dump, {}, {}],
    ['some for a command that takes none', nothing, ['x'], FEW],
    ['named ones for a command that takes none', nothing, { x: 1 }, FEW],
    ['by name', subscribe, { socket: 's', event: 'E' }, { event: 'E', socket: 's' }],
    ['a later optional one by name', dump, { table: 't' }, { table: 't' }],
    ['too few by name', subscribe, { event: 'E' }, FEW],
    ['an unknown name', subscribe, { event: 'E', sock: 's' }, NAMES],
    ['an unknown name beside the required ones', subscribe, { event: 'E', socket: 's', exp: 1 }, NAMES],
    ['a name in another case', subscribe, { Event: 'E', socket: 's' }, NAMES],
    ['__proto__ as a name', subscribe, JSON.parse('{"__proto__":"E","socket":"s"}'), NAMES],
    ['positional for a command that refuses them', namedOnly, ['x'], 'Command only supports named parameters'],
    ['a leading optional one left out', leading, ['5'], { number: '5' }],
    ['a leading optional one given', leading, ['p', '5'], { partition: 'p', number: '5' }],
    ['optional ones on both sides', both, ['x', 'y'], 'Ambiguous call, use named parameters instead'],
    ['optional ones on both sides, all given', both, ['x', 'y', 'z'], { a: 'x', b: 'y', c: 'z' }],
    ['variadic by position', statistics, ['a', 'b'], { statistics: ['a', 'b'] }],
    ['variadic, one array', statistics, [['a', 'b']], { statistics: ['a', 'b'] }],
    ['variadic by name', statistics, { statistics: ['a'] }, { statistics: ['a'] }],
  ])('%s', (_title, spec, params, expected) => {
    expect(match(spec, params)).toEqual(expected)
  })

  it.each<[string, CommandSpec, unknown, unknown]>([
    ['a number as text', subscribe, ['E', 12, 1], { event: 'E', socket: '12', expire: 1 }],
    ['a fraction as text', subscribe, ['E', 1.9, 1], { event: 'E', socket: '1', expire: 1 }],
    ['text as an integer', subscribe, ['E', 's', '60'], { event: 'E', socket: 's', expire: 60 }],
    ['signed text as an integer', subscribe, ['E', 's', '-7'], { event: 'E', socket: 's', expire: -7 }],
    ['a fraction as an integer', subscribe, ['E', 's', -1.5], { event: 'E', socket: 's', expire: -1 }],
    ['more than 32 bits', subscribe, ['E', 's', 4294967295], { event: 'E', socket: 's', expire: 4294967295 }],
    ['minus zero', subscribe, ['E', 's', -0.5], { event: 'E', socket: 's', expire: 0 }],
    ['words for an integer', subscribe, ['E', 's', 'abc'], "Bad type for parameter 'expire'"],
    ['hexadecimal for an integer', subscribe, ['E', 's', '0x10'], "Bad type for parameter 'expire'"],
    ['a boolean for an integer', subscribe, ['E', 's', true], "Bad type for parameter 'expire'"],
    ['an integer past 2^53', subscribe, ['E', 's', 1e300], "Bad type for parameter 'expire'"],
    ['null for text', subscribe, ['E', null], "Bad type for parameter 'socket'"],
    ['an object for text', subscribe, [{}, 's'], "Bad type for parameter 'event'"],
    ['an infinite number for text', subscribe, JSON.parse('["E", 1e999]'), "Bad type for parameter 'socket'"],
    ['text for a list', statistics, { statistics: 'a' }, "Bad type for parameter 'statistics'"],
    ['an empty list', statistics, { statistics: [] }, "Empty array in parameter 'statistics'"],
    ['an object in a list', statistics, [['a', {}]], "Bad type for array item in parameter 'statistics'"],
    ['any value', anything, [{ a: [null] }], { value: { a: [null] } }],
    ['null as any value', anything, [null], { value: null }],
  ])('converts %s', (_title, spec, params, expected) => {
    expect(match(spec, params)).toEqual(expected)
  })

  it('refuses params that are neither array nor object', () => {
    expect(() => matchParams(subscribe, 'x')).toThrow(expect.objectContaining({ code: -32600 }))
  })
})

describe('recipes', () => {
  it.each<[CommandSpec, string[][]]>([
    [
      subscribe,
      [
        ['event', 'socket'],
        ['event', 'socket', 'expire'],
      ],
    ],
    [dump, [[], ['brief'], ['brief', 'table']]],
    [nothing, [[]]],
    [leading, [['number'], ['partition', 'number']]],
    [both, [['b'], ['a', 'b', 'c']]],
  ])('are the lists of names taken by position', (spec, expected) => {
    expect(recipesOf(spec)).toEqual(expected)
  })
})
