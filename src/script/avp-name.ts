/** The name in `$avp(name)`, the value of a parameter. Throws an Error that names the parameter where it is something else. */
export function avpName(param: string, text: string): string {
  const name = /^\s*\$avp\(\s*(?:[si]:)?([^()]+?)\s*\)\s*$/.exec(text)?.[1]
  if (name === undefined) throw new Error(`${param} "${text}": expected an AVP, $avp(name)`)
  return name
}
