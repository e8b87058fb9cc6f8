/**
 * One line of a table file taken apart (db_text reference, file format):
 *
 *     row    = field *( ":" field )
 *     field  = *( char / "\n" / "\r" / "\t" / "\\" / "\:" / "\0" )      ; the two characters, a colon always ends it
 */
export interface Field {
  readonly text: string
  /** Column of its first character in the line, from 1. */
  readonly at: number
}

/** A backslash that none of the escapes begins with. */
export interface BadEscape {
  readonly at: number
  readonly sequence: string
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', ':': ':', '0': '\0' }
const ESCAPED = new Map(Object.entries(ESCAPES).map(([letter, char]) => [char, `\\${letter}`]))

/** The fields of a line, or the first escape sequence that is none. */
export function splitFields(line: string): readonly Field[] | BadEscape {
  const fields: Field[] = []
  let text = ''
  let start = 0
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i)
    if (char === ':') {
      fields.push({ text, at: start + 1 })
      text = ''
      start = i + 1
    } else if (char === '\\') {
      const next = line.charAt(++i)
      const meant = ESCAPES[next]
      if (meant === undefined) return { at: i, sequence: `\\${next}` }
      text += meant
    } else text += char
  }
  fields.push({ text, at: start + 1 })
  return fields
}

/** The text as a field holds it. */
export function escapeField(text: string): string {
  return text.replace(/[\n\r\t\\:\0]/g, char => ESCAPED.get(char) ?? char)
}
