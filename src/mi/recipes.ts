import type { ArgSpec, CommandSpec } from '../util/spec.ts'
import { invalidParams, MiCode, MiError } from './mi-error.ts'

/** What a handler gets: each argument given, by its name, converted to its kind. */
export type CommandArgs = Readonly<Record<string, unknown>>

const TOO_FEW_OR_MANY = 'Too few or too many parameters'

/**
 * The lists of names a command takes by position, shortest first: `[["event","socket"],["event","socket","expire"]]`.
 * By name, any subset of the optional ones may stand beside the required ones.
 */
export function recipesOf(spec: CommandSpec): readonly (readonly string[])[] {
  const required = spec.args.filter(a => !a.optional).length
  const recipes: (readonly string[])[] = []
  for (let count = required; count <= spec.args.length; count++) {
    const args = positionalArgs(spec.args, count)
    if (args !== null) recipes.push(args.map(a => a.name))
  }
  return recipes
}

/**
 * Matches the `params` of a request with a command's arguments and converts their values (events reference §5.1).
 * `undefined`, `[]` and `{}` all mean "no parameters". Throws MiError −32602 with the reference's text in `data`,
 * −32600 when `params` is neither an array nor an object.
 */
export function matchParams(spec: CommandSpec, params: unknown): CommandArgs {
  if (params === undefined) return withoutParams(spec)
  if (Array.isArray(params)) return params.length === 0 ? withoutParams(spec) : matchPositional(spec, params)
  if (typeof params !== 'object' || params === null) throw new MiError(MiCode.invalidRequest, 'Invalid Request')
  const entries = Object.entries(params)
  return entries.length === 0 ? withoutParams(spec) : matchNamed(spec, new Map(entries))
}

function withoutParams(spec: CommandSpec): CommandArgs {
  if (spec.args.some(a => !a.optional)) throw invalidParams(TOO_FEW_OR_MANY)
  return {}
}

function matchPositional(spec: CommandSpec, values: readonly unknown[]): CommandArgs {
  if (spec.namedOnly) throw invalidParams('Command only supports named parameters')
  const collector = spec.variadic ? spec.args.at(-1) : undefined
  if (collector !== undefined && values.length >= spec.args.length) return matchVariadic(spec, collector, values)
  const required = spec.args.filter(a => !a.optional).length
  if (values.length < required || values.length > spec.args.length) throw invalidParams(TOO_FEW_OR_MANY)
  const chosen = positionalArgs(spec.args, values.length)
  if (chosen === null) throw invalidParams('Ambiguous call, use named parameters instead')
  return Object.fromEntries(chosen.map((a, i) => [a.name, convert(a, values[i])]))
}

function matchVariadic(spec: CommandSpec, collector: ArgSpec, values: readonly unknown[]): CommandArgs {
  const single = spec.args.slice(0, -1).map((a, i) => [a.name, convert(a, values[i])])
  const rest = values.slice(single.length)
  const [only] = rest
  const collected = convert(collector, rest.length === 1 && Array.isArray(only) ? only : rest)
  return Object.fromEntries([...single, [collector.name, collected]])
}

function matchNamed(spec: CommandSpec, values: ReadonlyMap<string, unknown>): CommandArgs {
  const required = spec.args.filter(a => !a.optional)
  if (values.size < required.length || values.size > spec.args.length) throw invalidParams(TOO_FEW_OR_MANY)
  const given = spec.args.filter(a => values.has(a.name))
  if (given.length < values.size || required.some(a => !values.has(a.name))) {
    throw invalidParams('Named parameters do not match')
  }
  return Object.fromEntries(given.map(a => [a.name, convert(a, values.get(a.name))]))
}

/**
 * The arguments that `count` positional values stand for: the required ones and the first optional ones. Null when
 * optional arguments stand both before and behind a required one, so that more than one choice would do.
 */
function positionalArgs(args: readonly ArgSpec[], count: number): readonly ArgSpec[] | null {
  const optionals = args.filter(a => a.optional)
  const extra = count - (args.length - optionals.length)
  const lastRequired = args.findLastIndex(a => !a.optional)
  const early = args.filter((a, i) => a.optional && i < lastRequired).length
  if (extra > 0 && extra < optionals.length && early > 0 && early < optionals.length) return null
  const taken = new Set(optionals.slice(0, extra))
  return args.filter(a => !a.optional || taken.has(a))
}

const INTEGER = /^[+-]?\d+$/

/**
 * The reference's conversions: text from a number loses its fraction, an integer may come as decimal text, a list
 * must hold something. Integers may be as large as a double holds exactly.
 */
function convert(arg: ArgSpec, value: unknown): unknown {
  switch (arg.kind) {
    case 'str':
      return toText(value) ?? badType(arg)
    case 'int':
      return toInteger(value) ?? badType(arg)
    case 'list':
      return toList(arg, value)
    default:
      return value
  }
}

function toText(value: unknown): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'number' && Number.isFinite(value) ? BigInt(Math.trunc(value)).toString() : null
}

function toInteger(value: unknown): number | null {
  if (typeof value !== 'number' && !(typeof value === 'string' && INTEGER.test(value))) return null
  const integer = Math.trunc(Number(value))
  // Adding zero turns −0 into 0.
  return Number.isSafeInteger(integer) ? integer + 0 : null
}

function toList(arg: ArgSpec, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) return badType(arg)
  if (value.length === 0) throw invalidParams(`Empty array in parameter '${arg.name}'`)
  if (value.some(item => typeof item !== 'string' && typeof item !== 'number')) {
    throw invalidParams(`Bad type for array item in parameter '${arg.name}'`)
  }
  return value
}

function badType(arg: ArgSpec): never {
  throw invalidParams(`Bad type for parameter '${arg.name}'`)
}
