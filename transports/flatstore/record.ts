import type { EventData } from '../../src/events/transport.ts'

export interface RecordFormat {
  /** Stands between the columns; one character or more. */
  readonly delimiter: string
  /** Replaces each delimiter inside a value; undefined: a blank replaces each of the delimiter's first character. */
  readonly escapeDelimiter: string | undefined
  /** Replaces each line end inside a value; undefined: line ends are written raw and split the record. */
  readonly newlineReplacement: string | undefined
  readonly suppressEventName: boolean
}

const LINE_END = /\r\n|\r|\n/g

/**
 * Gives a function that adds an event as one line to a text:
 *
 *     record = [ EVENT ] { delimiter value } LF
 *
 * Without the event name the first delimiter goes too. Names are not written; NULL and unset values are empty columns.
 */
export function recordWriter(format: RecordFormat): (text: string, event: EventData) => string {
  const { delimiter, suppressEventName } = format
  const clean = cleaner(format)
  return (text, event) => {
    const { values } = event
    let longer = suppressEventName ? text : text + event.name
    for (let i = 0; i < values.length; i++) {
      if (i > 0 || !suppressEventName) longer += delimiter
      const value = values[i]
      if (typeof value === 'string') longer += clean(value)
      else if (typeof value === 'number') longer += value
    }
    return `${longer}\n`
  }
}

function cleaner(format: RecordFormat): (text: string) => string {
  const { escapeDelimiter, newlineReplacement } = format
  const sought = escapeDelimiter === undefined ? firstCharacter(format.delimiter) : format.delimiter
  const replacement = escapeDelimiter ?? ' '
  const delimiters = (text: string) => (text.includes(sought) ? text.replaceAll(sought, () => replacement) : text)
  if (newlineReplacement === undefined) return delimiters
  return text => delimiters(text.replace(LINE_END, () => newlineReplacement))
}

function firstCharacter(text: string): string {
  return String.fromCodePoint(text.codePointAt(0) ?? 0)
}
