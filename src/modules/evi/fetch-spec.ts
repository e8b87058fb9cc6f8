import type { PvarRef } from '../../script/args.ts'

/** One item of `fetch_event_params`: a parameter by name or by position, and the variable that gets it. */
export interface ParamTarget {
  readonly name: string | null
  /** 1-based; counts only the items without a name. */
  readonly position: number
  readonly variable: PvarRef
}

/**
 * Parses `item *( ";" item )`, `item = [ name "=" ] variable`; blanks around each part do not count (event reference,
 * fetch_event_params). `reject` is given the reason for what cannot be understood and must throw.
 */
export function parseFetchSpec(
  spec: string,
  variable: (text: string) => PvarRef,
  reject: (reason: string) => never,
): ParamTarget[] {
  const targets: ParamTarget[] = []
  let unnamed = 0
  for (const item of spec.split(';').map(text => text.trim())) {
    if (item === '') continue
    const [, name = '', text = ''] = /^([^$=]*)=?(\$.*)$/s.exec(item) ?? []
    if (text === '') reject(`expected "name=variable" or "variable", found "${item}"`)
    const named = item.indexOf('=') >= 0 && item.indexOf('=') < item.indexOf('$')
    if (named && name.trim() === '') reject(`a parameter name is missing before "=" in "${item}"`)
    if (!named) unnamed++
    targets.push({ name: named ? name.trim() : null, position: unnamed, variable: variable(text.trim()) })
  }
  return targets
}
