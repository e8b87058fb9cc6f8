import type { Value } from '../../util/spec.ts'
import type { RouteContext } from '../context.ts'
import { integerFromText, textOf } from '../values.ts'

/**
 * One built transformation. It never sees NULL: that ends the chain before. Null is a result; undefined says that it
 * failed, which is logged and reads as NULL.
 */
export type Transformation = (value: string | number, m: RouteContext) => Value | undefined

/** One parameter of a transformation: constant or with variables. */
export interface TransformationParam {
  readonly constant: Value | undefined
  read(m: RouteContext): Value
}

/** What a transformation is built from. */
export interface TransformationSite {
  readonly params: readonly TransformationParam[]
  /** Everything behind the first comma, as written. */
  readonly raw: string
  /** Throws a ScriptError that points at the transformation. */
  reject(message: string): never
  /** Expands the variables in a text that is only known at run time; undefined when it cannot be compiled. */
  expand(text: string, m: RouteContext): string | undefined
  /** Compiles a text with variables that is part of a parameter. */
  format(text: string): TransformationParam
}

/** Declares a transformation of a class: how many parameters it takes and what it does. */
export interface TransformationSpec {
  /** Fewest and most parameters. */
  readonly params: readonly [least: number, most: number]
  /** How the text behind the first comma becomes parameters; by default it is cut at commas. */
  readonly split?: 'commas' | 'select' | 'raw'
  build(site: TransformationSite): Transformation
}

export type TransformationTable = Readonly<Record<string, TransformationSpec>>

/** A transformation of text without parameters. */
export function ofText(apply: (text: string) => Value | undefined): TransformationSpec {
  return { params: [0, 0], build: () => value => apply(textOf(value)) }
}

/** A transformation of text with parameters, read anew for each value. */
export function withParams(
  params: readonly [number, number],
  apply: (text: string, read: ParamReader) => Value | undefined,
): TransformationSpec {
  return {
    params,
    build: site => (value, m) => apply(textOf(value), new ParamReader(site.params, m)),
  }
}

/** Reads the parameters of one application. */
export class ParamReader {
  readonly #params: readonly TransformationParam[]
  readonly #m: RouteContext

  constructor(params: readonly TransformationParam[], m: RouteContext) {
    this.#params = params
    this.#m = m
  }

  get count(): number {
    return this.#params.length
  }

  /** Undefined when it is absent or NULL. */
  text(index: number): string | undefined {
    const value = this.#params[index]?.read(this.#m) ?? null
    return value === null ? undefined : textOf(value)
  }

  /** Undefined when it is absent, NULL or no integer. */
  int(index: number): number | undefined {
    const value = this.#params[index]?.read(this.#m) ?? null
    return typeof value === 'string' ? integerFromText(value) : (value ?? undefined)
  }
}
