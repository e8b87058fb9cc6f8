/** A name and what is set for it. */
export interface NamedSettings<K extends string> {
  readonly name: string
  readonly given: Readonly<Partial<Record<K, string>>>
}

/**
 * Reads `name: key=value; key=value`, as parameters set partitions up. Throws an Error that names the parameter where that is
 * something else, or a key is none of `keys`.
 */
export function parseNamedSettings<K extends string>(
  param: string,
  text: string,
  keys: readonly K[],
): NamedSettings<K> {
  const parts = /^\s*([^\s:;=]+)\s*:(.*)$/s.exec(text)
  if (parts === null) throw new Error(`${param} "${text}": expected name: key=value; …`)
  const [, name = '', list = ''] = parts
  const given: Partial<Record<K, string>> = {}
  for (const item of list.split(';').map(one => one.trim())) {
    if (item === '') continue
    const [, key = '', value = ''] = /^(\w+)\s*=\s*(.*)$/s.exec(item) ?? []
    const known = keys.find(candidate => candidate === key)
    if (known === undefined)
      throw new Error(`${param} "${text}": expected one of ${keys.join(', ')} before "=", got "${item}"`)
    given[known] = value
  }
  return { name, given }
}
