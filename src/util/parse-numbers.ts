/** Integers in a text, divided by commas or blanks. Throws an Error that names the parameter. */
export function parseNumbers(name: string, text: string): readonly number[] {
  return text
    .split(/[\s,;]+/)
    .filter(item => item !== '')
    .map(item => {
      if (!/^\d+$/.test(item)) throw new Error(`${name} "${text}": expected numbers divided by commas, got "${item}"`)
      return Number(item)
    })
}
