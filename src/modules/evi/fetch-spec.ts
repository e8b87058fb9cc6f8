import type { PvarRef } from '../../script/args.ts'

/** One item of `fetch_event_params`: a parameter by name or by position, and the variable that gets it. */
export interface ParamTarget {
  readonly name: string | null
  /** 1-based; counts only the items without a name. */
  readonly position: number
  readonly variable: PvarRef
}

/** What the parser of a specification needs. */
export interface FetchSpecHost {
  /** Compiles a variable; does not return where it is none that can be written. */
  variable(text: string): PvarRef
  /** Told of each item that is left out, and why. */
  skipped(reason: string): void
  /** Told of text that is no item. */
  reject(reason: string): never
}

/**
 * Parses `item *( ";" item )`, `item = [ name "=" ] variable`; blanks around each part do not count. An item without a
 * variable, or with an empty name, is left out (event reference, fetch_event_params).
 */
export function parseFetchSpec(spec: string, host: FetchSpecHost): ParamTarget[] {
  const targets: ParamTarget[] = []
  let unnamed = 0
  for (const item of spec.split(';').map(text => text.trim())) {
    const { name, variable } = partsOf(item)
    const missing = name === '' ? 'a parameter name before "="' : 'a variable'
    if (name === '' || variable === '') host.skipped(`expected ${missing}, found "${item}"`)
    else if (variable.startsWith('$'))
      targets.push({ name, position: name === null ? ++unnamed : unnamed, variable: host.variable(variable) })
    else host.reject(`expected "name=variable" or "variable", found "${item}"`)
  }
  return targets
}

/** An equals sign inside the variable is part of it. */
function partsOf(item: string): { name: string | null; variable: string } {
  const equals = /^[^$=]*=/.exec(item)?.[0].length ?? 0
  if (equals === 0) return { name: null, variable: item }
  return { name: item.slice(0, equals - 1).trim(), variable: item.slice(equals).trim() }
}
