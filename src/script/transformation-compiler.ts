import type { Value } from '../util/spec.ts'
import type { RouteContext } from './context.ts'
import { ScriptError } from './diagnostic.ts'
import { didYouMean } from './nearest.ts'
import type { Place } from './source.ts'
import { TRANSFORMATIONS } from './transformations/table.ts'
import { MAX_RESULT } from './transformations/text.ts'
import type {
  Transformation,
  TransformationParam,
  TransformationSite,
  TransformationSpec,
} from './transformations/transformation.ts'
import { splitArguments, type TransformationSyntax } from './variable-syntax.ts'

/** Applies transformations from left to right. NULL stays NULL. */
export type CompiledChain = (value: Value, m: RouteContext) => Value

/** What the parameters of transformations are compiled with. */
export interface ParamCompiler {
  format(text: string, place: Place): { readonly constant: string | undefined; read(m: RouteContext): string }
  variable(text: string, place: Place): { get(m: RouteContext): Value }
  failed(text: string, place: Place): void
}

/** Builds the transformations behind a variable. */
export class TransformationCompiler {
  readonly #params: ParamCompiler

  constructor(params: ParamCompiler) {
    this.#params = params
  }

  /** Throws ScriptError for an unknown transformation or a wrong parameter. */
  chain(transformations: readonly TransformationSyntax[], place: Place): CompiledChain {
    const steps = transformations.map(syntax => this.#build(syntax, place))
    return (value, m) => {
      for (const step of steps) {
        if (value === null) return null
        value = step(value, m)
      }
      return value
    }
  }

  #build(syntax: TransformationSyntax, place: Place): (value: string | number, m: RouteContext) => Value {
    const { group, name, text } = syntax
    const spec = this.#find(group, name, place)
    const reject = (message: string): never => {
      throw new ScriptError('E_TRANSFORMATION', place, `${text}: ${message}`)
    }
    const params = this.#read(syntax, spec, place)
    const [least, most] = spec.params
    if (params.length < least || params.length > most)
      return reject(
        `${group}.${name} takes ${least === most ? least : `${least} to ${most}`} parameters, got ${params.length}`,
      )
    const site: TransformationSite = {
      params,
      raw: syntax.args ?? '',
      reject,
      expand: (source, m) => this.#expand(source, m, place),
      format: source => this.#params.format(source, place),
    }
    return this.#checked(spec.build(site), text, place)
  }

  #checked(apply: Transformation, text: string, place: Place): (value: string | number, m: RouteContext) => Value {
    return (value, m) => {
      const result = apply(value, m)
      if (result !== undefined && !(typeof result === 'string' && result.length > MAX_RESULT)) return result
      this.#params.failed(text, place)
      return null
    }
  }

  #find(group: string, name: string, place: Place): TransformationSpec {
    const table = Object.hasOwn(TRANSFORMATIONS, group) ? TRANSFORMATIONS[group] : undefined
    if (table === undefined) {
      const hint =
        didYouMean(group, Object.keys(TRANSFORMATIONS)) ?? `classes are ${Object.keys(TRANSFORMATIONS).join(', ')}`
      throw new ScriptError('E_TRANSFORMATION', place, `unknown class of transformations "${group}"`, hint)
    }
    const spec = Object.hasOwn(table, name) ? table[name] : undefined
    if (spec !== undefined) return spec
    const hint = didYouMean(name, Object.keys(table), `${group}.`)
    throw new ScriptError('E_TRANSFORMATION', place, `unknown transformation "${group}.${name}"`, hint)
  }

  #read({ args }: TransformationSyntax, spec: TransformationSpec, place: Place): TransformationParam[] {
    if (args === undefined) return []
    return cut(args, spec.split ?? 'commas').map(text => this.#param(text, spec.split === 'raw', place))
  }

  #param(text: string, isRaw: boolean, place: Place): TransformationParam {
    if (isRaw || !text.includes('$')) return { constant: text, read: () => text }
    // A variable alone keeps its kind, and NULL; among other text it is text.
    if (/^\s*\$(?:[\w.]+(?:\([^$]*\))?|\(.*\))\s*$/s.test(text)) {
      const variable = this.#params.variable(text.trim(), place)
      return { constant: undefined, read: m => variable.get(m) }
    }
    return this.#params.format(text, place)
  }

  /** Compiles at run time what a message may hold: anything wrong with it is a failed transformation. */
  #expand(text: string, m: RouteContext, place: Place): string | undefined {
    try {
      return this.#params.format(text, place).read(m)
    } catch (error) {
      if (error instanceof ScriptError) return undefined
      throw error
    }
  }
}

/** `select` takes one character as its second parameter, which may be a comma. */
function cut(args: string, how: 'commas' | 'select' | 'raw'): string[] {
  if (how === 'raw') return [args]
  const parts = splitArguments(args)
  if (how === 'commas') return parts.map(part => part.replace(/^[ \t]+/, ''))
  const [index = '', ...rest] = parts
  const separator = rest.join(',')
  return parts.length === 1 ? [index] : [index, separator.startsWith('$') ? separator : separator.slice(0, 1)]
}
