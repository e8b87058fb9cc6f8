import { MiError } from '../../mi/management-interface.ts'
import type { Value } from '../../util/spec.ts'

/** Parameters of an event raised by management. `names` is null when they are positional. */
export interface RaisedParams {
  readonly names: readonly string[] | null
  readonly values: readonly Value[]
}

/**
 * Reads the `params` of `evi:raise`: an array of positional values, or an object of named ones, itself or as JSON text
 * (event reference, evi:raise). Throws MiError 400 `Bad Params` for anything else.
 */
export function readRaisedParams(params: unknown): RaisedParams {
  if (params === undefined || (Array.isArray(params) && params.length === 0)) return { names: null, values: [] }
  if (Array.isArray(params)) return { names: null, values: params.map(positional) }
  const object = typeof params === 'string' ? parseObject(params) : params
  if (typeof object !== 'object' || object === null || Array.isArray(object)) throw new MiError(400, 'Bad Params')
  return { names: Object.keys(object), values: Object.values(object).map(named) }
}

/** What a reviver is told beside the value (ECMAScript 2026, JSON.parse source text access). */
interface SourceContext {
  readonly source?: string
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text, exactInteger)
  } catch {
    throw new MiError(400, 'Bad Params')
  }
}

/** An integer that a number cannot hold exactly is kept as the text it was written as. */
function exactInteger(_name: string, value: unknown, context?: SourceContext): unknown {
  const source = context?.source
  const isExact = typeof value !== 'number' || source === undefined || Number.isSafeInteger(Math.trunc(value))
  return isExact || !/^-?\d+$/.test(source) ? value : source
}

/** Positional values travel as text, numbers too: programs rely on it. */
function positional(value: unknown): Value {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw new MiError(400, 'Bad Params')
}

/** Numbers are integers on the wire; what is neither number nor text travels as its JSON text. */
function named(value: unknown): Value {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? Math.trunc(value) : JSON.stringify(value)
}
