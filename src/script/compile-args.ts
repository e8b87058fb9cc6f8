import type { ArgSpec } from '../util/spec.ts'
import type { Arg, FunctionKind, FunctionKinds } from './args.ts'
import type { ArgNode, CallNode, StringNode, VariableNode } from './ast.ts'
import type { RouteContext } from './context.ts'
import { ScriptError } from './diagnostic.ts'
import { compileEre, EreError } from './ere.ts'
import { computedArg, constantArg } from './make-arg.ts'
import type { Place } from './source.ts'
import type { CompiledText, CompiledVariable } from './text-compiler.ts'
import type { Unit } from './unit.ts'
import { integerFromText, textOf } from './values.ts'

/** Any argument, as a builder is given it. */
export type AnyArg = Arg<FunctionKinds[FunctionKind]>

/**
 * The arguments of a call as its builder wants them. Each fault is reported; gives undefined when there was one
 * (script reference, function parameter rules).
 */
export function compileArgs(
  unit: Unit,
  call: CallNode,
  specs: readonly ArgSpec<string, FunctionKind>[],
): readonly (AnyArg | undefined)[] | undefined {
  const { name, args, place } = call
  const required = specs.findLastIndex(spec => !spec.optional) + 1
  if (args.length > specs.length || args.length < required) {
    unit.diagnostics.error(
      'E_ARGUMENT',
      place,
      `${name}() takes ${count(required, specs.length)}, got ${args.length}`,
      usage(name, specs),
    )
    return undefined
  }
  let isGood = true
  const built = specs.map((spec, i) => {
    const arg = unit.attempt<AnyArg | undefined | null>(
      args[i]?.place ?? place,
      () => compileArg(unit, call, spec, args[i]),
      null,
    )
    if (arg === null) isGood = false
    return arg ?? undefined
  })
  return isGood ? built : undefined
}

function count(least: number, most: number): string {
  if (most === 0) return 'no arguments'
  if (least === most) return most === 1 ? '1 argument' : `${most} arguments`
  return `${least} to ${most} arguments`
}

/** `t_reply(code, reason)`, optional ones in brackets. */
function usage(name: string, specs: readonly ArgSpec<string, FunctionKind>[]): string {
  return `${name}(${specs.map(spec => (spec.optional ? `[${spec.name}]` : spec.name)).join(', ')})`
}

function compileArg(
  unit: Unit,
  call: CallNode,
  spec: ArgSpec<string, FunctionKind>,
  node: ArgNode | undefined,
): AnyArg | undefined {
  if (node === undefined) {
    if (spec.optional) return undefined
    throw new ScriptError('E_ARGUMENT', call.place, `${call.name}(): the argument "${spec.name}" cannot be left out`)
  }
  if (node.type === 'null')
    throw new ScriptError('E_ARGUMENT', node.place, `${call.name}(): "${spec.name}" cannot be NULL`)
  const what = `${call.name}(): "${spec.name}"`
  switch (spec.kind) {
    case 'int':
      return intArg(unit, node, what)
    case 'str':
      return strArg(unit, node, what)
    case 'var':
      return varArg(unit, node, what)
    case 'regex':
      return regexArg(unit, node, what)
  }
}

type GivenNode = Exclude<ArgNode, { readonly type: 'null' }>

function intArg(unit: Unit, node: GivenNode, what: string): Arg<number> {
  const { place } = node
  if (node.type === 'number') return constantArg(node.value, String(node.value), place)
  if (node.type === 'variable') {
    const variable = unit.texts.variable(node.text, place)
    return computedArg(node.text, place, m => integerOf(variable, m), failure(unit, place, node.text, 'a number'))
  }
  const text = unit.texts.format(node.value, place)
  if (text.constant === undefined)
    return computedArg(
      node.value,
      place,
      m => integerFromText(text.read(m)),
      failure(unit, place, node.value, 'a number'),
    )
  const value = integerFromText(text.constant)
  if (value === undefined)
    throw new ScriptError('E_ARGUMENT', place, `${what} takes a number, got ${JSON.stringify(text.constant)}`)
  unit.diagnostics.notice('quoted integer', place, `the number ${value} is written in quotes`, `write ${value}`)
  return constantArg(value, node.value, place)
}

/** A text that is a number counts as one: 2.x knew no other way. */
function integerOf(variable: CompiledVariable, m: RouteContext): number | undefined {
  const value = variable.get(m)
  return typeof value === 'string' ? integerFromText(value) : (value ?? undefined)
}

function strArg(unit: Unit, node: GivenNode, what: string): Arg<string> {
  const { place } = node
  if (node.type === 'number') return constantArg(String(node.value), String(node.value), place)
  if (node.type === 'variable') {
    const variable = unit.texts.variable(node.text, place)
    const read = (m: RouteContext): string | undefined => {
      const value = variable.get(m)
      return value === null ? undefined : textOf(value)
    }
    return computedArg(node.text, place, read, failure(unit, place, node.text, 'a text'))
  }
  return textArg(unit, unit.texts.format(node.value, place), node.value, place, what)
}

/** A text with variables, at most as long as `pv_print_buf_size`. */
function textArg(unit: Unit, text: CompiledText, written: string, place: Place, what: string): Arg<string> {
  if (text.constant !== undefined) return constantArg(text.constant, written, place)
  const read = (m: RouteContext): string | undefined => {
    const value = text.read(m)
    return value.length > unit.maxText ? undefined : value
  }
  return computedArg(written, place, read, () =>
    unit.fail('argument is longer than pv_print_buf_size', place, { argument: what }),
  )
}

/** In quotes too, as 2.x wrote it. */
function varArg(unit: Unit, node: GivenNode, what: string): Arg<CompiledVariable> {
  const text = variableText(node)
  if (text === undefined)
    throw new ScriptError(
      'E_ARGUMENT',
      node.place,
      `${what} takes a variable to write to`,
      'write $var(name) or $avp(name)',
    )
  const variable = unit.texts.variable(text, node.place)
  if (!variable.writable)
    throw new ScriptError('E_READ_ONLY', node.place, `${what} takes a variable to write to: ${text} is read-only`)
  return constantArg(variable, text, node.place)
}

function variableText(node: GivenNode): string | undefined {
  if (node.type === 'variable') return node.text
  return node.type === 'string' && /^\s*\$/.test(node.value) ? node.value.trim() : undefined
}

function regexArg(unit: Unit, node: GivenNode, what: string): Arg<RegExp> {
  const { place } = node
  if (node.type === 'number') throw new ScriptError('E_ARGUMENT', place, `${what} takes a regular expression in quotes`)
  // A pattern that is no text with variables is taken as it stands: `$` ends it.
  const read = patternReader(unit, node)
  if (typeof read === 'string') return constantArg(compilePattern(read, place), read, place)
  const cache = new PatternCache()
  const compiled = (m: RouteContext): RegExp | undefined => {
    const pattern = read(m)
    return pattern === undefined ? undefined : cache.get(pattern)
  }
  return computedArg(
    node.type === 'variable' ? node.text : node.value,
    place,
    compiled,
    failure(unit, place, what, 'a regular expression'),
  )
}

function patternReader(
  unit: Unit,
  node: StringNode | VariableNode,
): string | ((m: RouteContext) => string | undefined) {
  if (node.type === 'variable') {
    const variable = unit.texts.variable(node.text, node.place)
    return m => {
      const value = variable.get(m)
      return value === null ? undefined : textOf(value)
    }
  }
  const text = unit.texts.format(node.value, node.place)
  return text.constant ?? (m => text.read(m))
}

/** Compiles a constant pattern. Throws ScriptError. */
export function compilePattern(pattern: string, place: Place): RegExp {
  try {
    return compileEre(pattern, { ignoreCase: true, newline: true })
  } catch (error) {
    if (!(error instanceof EreError)) throw error
    throw new ScriptError('E_REGEX', place, `"${pattern}" is no regular expression: ${error.message}`)
  }
}

/** Patterns compiled while the script runs. Bounded, since a message may bring a new one each time. */
export class PatternCache {
  readonly #patterns = new Map<string, RegExp | undefined>()

  /** Without newline semantics, as for every pattern that is a variable; undefined when it is none. */
  get(pattern: string): RegExp | undefined {
    if (this.#patterns.has(pattern)) return this.#patterns.get(pattern)
    if (this.#patterns.size >= 100) this.#patterns.clear()
    const compiled = compileOrNothing(pattern)
    this.#patterns.set(pattern, compiled)
    return compiled
  }
}

function compileOrNothing(pattern: string): RegExp | undefined {
  try {
    return compileEre(pattern, { ignoreCase: true, newline: false })
  } catch (error) {
    if (error instanceof EreError) return undefined
    throw error
  }
}

function failure(unit: Unit, place: Place, argument: string, wanted: string): () => void {
  return () => unit.fail('argument has no usable value', place, { argument, wanted })
}
