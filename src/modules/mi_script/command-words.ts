/**
 * Cuts `command value "two words"` into its words at blanks. Throws an Error where a quote is not closed or there is no
 * command.
 */
export function commandWords(text: string): { readonly command: string; readonly values: readonly string[] } {
  const words: string[] = []
  const WORD = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"']+))(?=\s|$)/gy
  let at = 0
  for (let found = WORD.exec(text); found !== null; found = WORD.exec(text)) {
    const [, quoted, raw, bare] = found
    words.push(quoted?.replace(/\\(.)/gs, '$1') ?? raw ?? bare ?? '')
    at = WORD.lastIndex
  }
  const rest = text.slice(at).trim()
  if (rest !== '') throw new Error(`unexpected ${rest.slice(0, 40)}: expected a command and its values`)
  const [command, ...values] = words
  if (command === undefined) throw new Error('expected a command')
  return { command, values }
}
