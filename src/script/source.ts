/** A stretch of one script file: where a token, a statement or an error is. Lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  /** In UTF-16 units from the start of the file. */
  readonly offset: number
  readonly length: number
}

/** The place of things that no file holds, such as text that comes from a parameter. */
export const NOWHERE: Place = { file: '', line: 0, column: 0, offset: 0, length: 0 }

/** The text of one script file, kept for messages. */
export class Source {
  readonly name: string
  readonly text: string
  readonly #lineStarts: number[] = [0]

  constructor(name: string, text: string) {
    this.name = name
    this.text = text
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1)
  }

  place(offset: number, length: number): Place {
    let low = 0
    let high = this.#lineStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { file: this.name, line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1, offset, length }
  }

  /** The text of a line without its end, or '' when there is no such line. */
  line(number: number): string {
    const start = this.#lineStarts[number - 1]
    if (start === undefined) return ''
    const end = this.#lineStarts[number] ?? this.text.length + 1
    return this.text.slice(start, end - 1).replace(/\r$/, '')
  }
}

/** The place that reaches from the start of one to the end of another in the same file. */
export function span(from: Place, to: Place): Place {
  if (from.file !== to.file || to.offset < from.offset) return from
  return { ...from, length: to.offset + to.length - from.offset }
}
