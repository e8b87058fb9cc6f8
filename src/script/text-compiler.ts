import type { Value } from '../util/spec.ts'
import { ARGUMENT_FAILED, type Arg, type PvarRef } from './args.ts'
import type { RouteContext } from './context.ts'
import { ScriptError } from './diagnostic.ts'
import { computedArg, constantArg } from './make-arg.ts'
import { didYouMean } from './nearest.ts'
import type { PvarHandler, PvarIndex, PvarSite, ScriptPvar } from './pvar.ts'
import type { Place } from './source.ts'
import { type CompiledChain, TransformationCompiler } from './transformation-compiler.ts'
import { textOf } from './values.ts'
import { parseVariable, type VariableSyntax } from './variable-syntax.ts'

/** A text with variables, ready to be expanded. */
export interface CompiledText {
  /** Set when it holds no variable. */
  readonly constant: string | undefined
  read(m: RouteContext): string
}

/** A variable at one place of the script. */
export interface CompiledVariable extends PvarRef {
  readonly name: string
  readonly type: 'int' | 'str' | 'any'
  /** Whether its index is `[*]`. */
  readonly isWhole: boolean
}

/** Where variables are found. */
export interface PvarLookup {
  find(name: string): ScriptPvar | undefined
  names(): Iterable<string>
  /** What is used in the place of each variable that was compiled. */
  observed?(variable: CompiledVariable): CompiledVariable
  /** Says that a transformation failed. */
  transformationFailed(text: string, place: Place): void
}

/** A site that also knows where it is, for `$cfg_line`. */
export interface PlacedSite extends PvarSite {
  readonly place: Place
}

/**
 * Turns variables and texts that hold variables into functions of the message. Each contains the other: a text has
 * variables in it, and a variable may have a text in its parentheses, its index and its transformations.
 */
export class TextCompiler {
  readonly #lookup: PvarLookup
  readonly #transformations: TransformationCompiler

  constructor(lookup: PvarLookup) {
    this.#lookup = lookup
    this.#transformations = new TransformationCompiler({
      format: (text, place) => this.format(text, place),
      variable: (text, place) => this.variable(text, place),
      failed: (text, place) => lookup.transformationFailed(text, place),
    })
  }

  /** Compiles one variable, the whole of `text`. Throws ScriptError. */
  variable(text: string, place: Place): CompiledVariable {
    const syntax = parseVariable(text, 0, name => this.#lookup.find(name) !== undefined)
    if ('fault' in syntax) throw new ScriptError('E_VARIABLE', within(place, text, syntax.offset, 1), syntax.fault)
    if (syntax.end !== text.length) {
      const rest = text.slice(syntax.end)
      throw new ScriptError(
        'E_VARIABLE',
        within(place, text, syntax.end, rest.length),
        `unexpected "${rest}" behind ${syntax.text}`,
      )
    }
    return this.#compile(syntax, place)
  }

  /** Compiles a text; `$$` stands for a dollar sign. Throws ScriptError. */
  format(text: string, place: Place): CompiledText {
    if (!text.includes('$')) return { constant: text, read: () => text }
    const parts: (string | CompiledVariable)[] = []
    let literal = ''
    for (let at = 0; at < text.length; ) {
      const dollar = text.indexOf('$', at)
      literal += text.slice(at, dollar < 0 ? text.length : dollar)
      if (dollar < 0) break
      const variable = this.#embedded(text, dollar, place)
      if (variable === undefined) {
        literal += '$'
        at = dollar + (text[dollar + 1] === '$' ? 2 : 1)
        continue
      }
      if (literal !== '') parts.push(literal)
      literal = ''
      parts.push(variable.compiled)
      at = variable.end
    }
    if (literal !== '') parts.push(literal)
    return joined(parts)
  }

  /** The variable at a dollar sign of a text; undefined where the sign stands for itself. */
  #embedded(text: string, at: number, place: Place): { compiled: CompiledVariable; end: number } | undefined {
    const next = text[at + 1]
    if (next === undefined || next === '$' || !/[A-Za-z_(]/.test(next)) return undefined
    const syntax = parseVariable(text, at, name => this.#lookup.find(name) !== undefined)
    if ('fault' in syntax) throw new ScriptError('E_VARIABLE', within(place, text, syntax.offset, 1), syntax.fault)
    const here = within(place, text, at, syntax.text.length)
    // `$rU(x)` in a text: the parenthesis is text when the variable takes none.
    const takesInner = (this.#lookup.find(syntax.name)?.spec.inner ?? 'none') !== 'none'
    if (syntax.inner !== undefined && !takesInner && next !== '(') {
      const bare = { ...syntax, text: `$${syntax.name}`, inner: undefined }
      return { compiled: this.#compile(bare, here), end: at + 1 + syntax.name.length }
    }
    return { compiled: this.#compile(syntax, here), end: syntax.end }
  }

  #compile(syntax: VariableSyntax, place: Place): CompiledVariable {
    const pvar = this.#lookup.find(syntax.name)
    if (pvar === undefined) throw this.#unknown(syntax, place)
    const site = this.#site(syntax, pvar, place)
    const handler = inContext(pvar.open(site), syntax.context)
    const base = variableOf(syntax, pvar, handler, site.index)
    const { transformations } = syntax
    const compiled =
      transformations.length === 0 ? base : transformed(base, this.#transformations.chain(transformations, place))
    return this.#lookup.observed?.(compiled) ?? compiled
  }

  #unknown(syntax: VariableSyntax, place: Place): ScriptError {
    const hint = didYouMean(syntax.name, this.#lookup.names(), '$') ?? 'is the module that has it loaded?'
    return new ScriptError('E_VARIABLE', place, `unknown variable $${syntax.name}`, hint)
  }

  #site(syntax: VariableSyntax, pvar: ScriptPvar, place: Place): PlacedSite {
    const takes = pvar.spec.inner ?? 'none'
    const reject = (message: string): never => {
      throw new ScriptError('E_VARIABLE', place, `${syntax.text}: ${message}`)
    }
    if (syntax.inner === undefined && takes === 'required')
      return reject(`expected a name in parentheses: $${syntax.name}(…)`)
    if (syntax.inner !== undefined && takes === 'none') return reject(`$${syntax.name} takes nothing in parentheses`)
    const inner = syntax.inner === undefined ? undefined : this.#inner(syntax.inner, place)
    return { inner, index: this.#index(syntax.index, place, reject), reject, place }
  }

  #inner(text: string, place: Place): Arg<string> {
    const format = this.format(text, place)
    if (format.constant !== undefined) return constantArg(format.constant, text, place)
    return computedArg(text, place, m => format.read(m))
  }

  #index(text: string | undefined, place: Place, reject: (message: string) => never): PvarIndex {
    if (text === undefined) return { kind: 'none' }
    if (text === '*') return { kind: 'all' }
    if (text === 'append') return { kind: 'append' }
    if (/^[+-]?\d+$/.test(text)) return { kind: 'at', at: constantArg(Number(text), text, place) }
    if (!text.startsWith('$')) return reject(`expected a number, * or a variable as index, got "${text}"`)
    const variable = this.variable(text, place)
    const read = (m: RouteContext): number | undefined => {
      const value = variable.get(m)
      return typeof value === 'number' ? value : undefined
    }
    return { kind: 'at', at: computedArg(text, place, read) }
  }
}

/** The place of a part of a text, where the text is written without escapes; else the place of the whole. */
function within(place: Place, text: string, offset: number, length: number): Place {
  const quotes = place.length - text.length
  if ((quotes !== 0 && quotes !== 2) || text.slice(0, offset).includes('\n')) return place
  const shift = offset + quotes / 2
  return { ...place, offset: place.offset + shift, column: place.column + shift, length: Math.max(1, length) }
}

function joined(parts: readonly (string | CompiledVariable)[]): CompiledText {
  const [only] = parts
  if (parts.length === 0) return { constant: '', read: () => '' }
  if (parts.length === 1 && only !== undefined) {
    if (typeof only === 'string') return { constant: only, read: () => only }
    return { constant: undefined, read: m => textOf(only.get(m)) }
  }
  if (parts.every(part => typeof part === 'string')) return joined([parts.join('')])
  return {
    constant: undefined,
    read: m => {
      let text = ''
      for (const part of parts) text += typeof part === 'string' ? part : textOf(part.get(m))
      return text
    },
  }
}

/** `$(<request>…)` and `$(<reply>…)` read from the other message of the pair. */
function inContext(handler: PvarHandler, context: 'request' | 'reply' | null): PvarHandler {
  if (context === null) return handler
  const other = (m: RouteContext): RouteContext | null => {
    if (m.message.isRequest === (context === 'request')) return m
    return context === 'request' ? m.request : m.reply
  }
  const all = handler.all?.bind(handler)
  const set = handler.set?.bind(handler)
  return {
    get: m => {
      const there = other(m)
      return there === null ? null : handler.get(there)
    },
    ...(all === undefined ? {} : { all: (m: RouteContext) => mapContext(other(m), [], all) }),
    ...(set === undefined
      ? {}
      : {
          set: (m: RouteContext, value: Value, replace: boolean) =>
            mapContext(other(m), false, there => set(there, value, replace)),
        }),
  }
}

function mapContext<T>(m: RouteContext | null, absent: T, read: (m: RouteContext) => T): T {
  return m === null ? absent : read(m)
}

function variableOf(
  syntax: VariableSyntax,
  pvar: ScriptPvar,
  handler: PvarHandler,
  index: PvarIndex,
): CompiledVariable {
  const { all, set } = handler
  const get =
    index.kind === 'at' && index.at.constant === undefined ? guarded(handler) : (m: RouteContext) => handler.get(m)
  return {
    text: syntax.text,
    name: syntax.name,
    type: pvar.spec.type,
    isWhole: index.kind === 'all',
    writable: pvar.spec.writable && set !== undefined,
    get,
    all: m => (all === undefined ? single(get(m)) : all.call(handler, m)),
    set: (m, value, replace = false) => set?.call(handler, m, value, replace) ?? false,
  }
}

/** An index that is NULL or no number reads as NULL. */
function guarded(handler: PvarHandler): (m: RouteContext) => Value {
  return m => {
    try {
      return handler.get(m)
    } catch (error) {
      if (error === ARGUMENT_FAILED) return null
      throw error
    }
  }
}

const single = (value: Value): readonly Value[] => (value === null ? [] : [value])

function transformed(base: CompiledVariable, chain: CompiledChain): CompiledVariable {
  return {
    ...base,
    writable: false,
    type: 'any',
    get: m => chain(base.get(m), m),
    all: m => base.all(m).map(value => chain(value, m)),
    set: () => false,
  }
}
