/**
 * Cuts a command into its words at blanks; a word in single or double quotes may hold blanks, and a backslash takes the next
 * character as it is. Throws an Error where a quote is not closed or there is no word.
 */
export function commandWords(text: string): readonly [string, ...string[]] {
  const words: string[] = []
  let word: string | null = null
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '\\' && quote !== "'" && at + 1 < text.length) word = (word ?? '') + text[++at]
    else if (quote !== '') {
      if (char === quote) quote = ''
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + char
  }
  if (quote !== '') throw new Error(`the query ${JSON.stringify(text)} has a quote that is not closed`)
  if (word !== null) words.push(word)
  const [name, ...rest] = words
  if (name === undefined) throw new Error('the query is empty')
  return [name, ...rest]
}
