import { DeliveryError, type WireEvent } from '../../src/events/transport.ts'
import type { Value } from '../../src/util/spec.ts'

/*
 * Comma-separated values (RFC 4180) with lines that end in LF:
 *
 *     header = "id" D "time" D "event" { D name }
 *     record = id D time D event { D value }
 *     field  = text without D, quote, CR, LF | '"' { char | '""' } '"'
 *
 * `time` is RFC 3339. A NULL or absent value is an empty field, an empty text is `""`. The values of an event without names
 * stand under 1, 2, 3 …
 */

const IDENTITY = ['id', 'time', 'event']

/** The columns of one file, as its first line has them. */
export class CsvTable {
  readonly #columns: readonly string[]
  readonly #delimiter: string
  /** Where the columns' values stand in events of the list of names seen last; −1 for none. */
  #places: readonly number[] = []
  #names: readonly string[] | null | undefined
  #length = -1

  constructor(columns: readonly string[], delimiter: string) {
    this.#columns = columns
    this.#delimiter = delimiter
  }

  /** The table whose first record is this event. */
  static forEvent(event: WireEvent, delimiter: string): CsvTable {
    return new CsvTable([...IDENTITY, ...namesOf(event)], delimiter)
  }

  /** The table of a file that begins with this text; undefined when that is no header of ours. */
  static forFile(start: string, delimiter: string): CsvTable | undefined {
    const columns = readRecord(start, delimiter)
    const isOurs = columns !== undefined && IDENTITY.every((name, i) => columns[i] === name)
    return isOurs ? new CsvTable(columns, delimiter) : undefined
  }

  get header(): string {
    return `${this.#columns.map(name => this.#field(name)).join(this.#delimiter)}\n`
  }

  /** Adds the event as a record to a text; why not, where it has a field that no column is for. */
  addRecord(text: string, event: WireEvent): string | DeliveryError {
    const refusal = this.#place(event)
    if (refusal !== undefined) return refusal
    let line = text + event.id + this.#delimiter + new Date(event.raisedAtMs).toISOString()
    line += this.#delimiter + this.#field(event.name)
    for (const place of this.#places) line += this.#delimiter + this.#field(place < 0 ? null : event.values[place])
    return `${line}\n`
  }

  /** Works out where each column's value is; module events use the same list of names again and again. */
  #place(event: WireEvent): DeliveryError | undefined {
    if (event.names === this.#names && event.values.length === this.#length) return undefined
    const names = namesOf(event)
    if (new Set(names).size < names.length) return refused('a name occurs twice')
    const stranger = names.find((name, i) => event.values[i] !== undefined && !this.#columns.includes(name, 3))
    if (stranger !== undefined) return refused(`the file has no column "${stranger}"; rotate it to begin anew`)
    this.#places = this.#columns.slice(IDENTITY.length).map(column => names.indexOf(column))
    this.#names = event.names
    this.#length = event.values.length
    return undefined
  }

  #field(value: Value | undefined): string {
    if (value === null || value === undefined) return ''
    if (typeof value === 'number') return String(value)
    const isPlain = value !== '' && !value.includes(this.#delimiter) && !/["\r\n]/.test(value)
    return isPlain ? value : `"${value.replaceAll('"', '""')}"`
  }
}

function namesOf(event: WireEvent): readonly string[] {
  return event.names ?? event.values.map((_, i) => String(i + 1))
}

function refused(why: string): DeliveryError {
  return new DeliveryError('E_UNENCODABLE', `cannot be a record: ${why}`, { permanent: true })
}

/** The fields of the first record; undefined when it does not end. Texts and NULL are not told apart. */
export function readRecord(text: string, delimiter: string): readonly string[] | undefined {
  const fields: string[] = []
  for (let at = 0; ; at += delimiter.length) {
    let field = ''
    if (text[at] === '"') {
      for (at++; at < text.length && !(text[at] === '"' && text[at + 1] !== '"'); at++) {
        if (text[at] === '"') at++
        field += text[at]
      }
      at++
    } else {
      const ends = [text.indexOf(delimiter, at), text.indexOf('\n', at)].filter(end => end >= 0)
      const end = Math.min(...ends, text.length)
      field = text.slice(at, end)
      at = end
    }
    fields.push(field)
    if (text[at] === '\n') return fields
    if (!text.startsWith(delimiter, at)) return undefined
  }
}
