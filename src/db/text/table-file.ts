import { DatabaseError } from '../database-error.ts'
import type { ColumnType, DbValue } from '../schema.ts'
import { escapeField, splitFields } from './fields.ts'

/** A column as the first line of a file defines it. */
export interface TextColumn {
  readonly name: string
  readonly type: ColumnType
  /** The word that names the type, as written. */
  readonly word: string
  readonly nullable: boolean
  /** Rows without a value get the highest one plus one. */
  readonly auto: boolean
}

/** What a table file holds. */
export interface TableContent {
  readonly columns: readonly TextColumn[]
  readonly rows: DbValue[][]
  /** Columns of text that may not be NULL but have empty fields, which were read as ''. */
  readonly emptied: readonly string[]
}

/** Faults beyond this are only counted. */
const MAX_FAULTS = 20

/**
 * Reads a table file (db_text reference, file format):
 *
 *     file   = header *( LF [ row ] )
 *     header = column *( blanks column )
 *     column = name "(" type [ "," attribute ] ")"     ; only the first letters of type and attribute count
 *
 * Throws DatabaseError E_DB_FORMAT that names every line at fault, as `file:line:column`.
 */
export function parseTableFile(text: string, file: string): TableContent {
  const [header = '', ...lines] = text.split(/\r?\n/)
  return new TableReader(file).read(header, lines)
}

/** The file as text: the same header, one row a line. */
export function formatTableFile(columns: readonly TextColumn[], rows: readonly (readonly DbValue[])[]): string {
  const header = columns.map(({ name, word, nullable, auto }) => {
    const attribute = auto ? ',auto' : nullable ? ',null' : ''
    return `${name}(${word}${attribute})`
  })
  const lines = rows.map(row => row.map((value, i) => formatValue(value, columns[i]?.type)).join(':'))
  return [header.join(' '), ...lines, ''].join('\n')
}

function formatValue(value: DbValue, type: ColumnType | undefined): string {
  if (value === null) return ''
  if (type === 'double' && typeof value === 'number') return formatDouble(value)
  return escapeField(String(value))
}

/** At least two decimals, never an exponent. */
function formatDouble(value: number): string {
  return value.toFixed(10).replace(/(\.\d\d\d*?)0+$/, '$1')
}

class TableReader {
  readonly #file: string
  readonly #faults: string[] = []
  readonly #emptied = new Set<string>()

  constructor(file: string) {
    this.#file = file
  }

  read(header: string, lines: readonly string[]): TableContent {
    const columns = this.#header(header)
    const rows: DbValue[][] = []
    if (this.#faults.length === 0)
      for (const [i, line] of lines.entries()) if (line !== '') rows.push(this.#row(line, i + 2, columns))
    this.#throwFaults()
    number(columns, rows)
    return { columns, rows, emptied: [...this.#emptied] }
  }

  #header(line: string): readonly TextColumn[] {
    const columns: TextColumn[] = []
    const pattern = /[ \t]*([^\s(),]+)[ \t]*\([ \t]*([^\s(),]+)[ \t]*(?:,[ \t]*([^\s(),]+)[ \t]*)?\)/y
    let end = 0
    for (let match = pattern.exec(line); match !== null; match = pattern.exec(line)) {
      const [, name = '', word = '', attribute = ''] = match
      const fault = columnFault(word, attribute, columns, name)
      if (fault !== null) this.#fault(1, end + 1, `column ${name}: ${fault}`)
      columns.push({
        name,
        word,
        type: typeOf(word) ?? 'str',
        nullable: /^n/i.test(attribute),
        auto: /^a/i.test(attribute),
      })
      end = pattern.lastIndex
    }
    const rest = line.slice(end).trim()
    if (rest !== '') this.#fault(1, end + 1, `expected name(type) or name(type,attribute), got "${rest.slice(0, 40)}"`)
    else if (columns.length === 0) this.#fault(1, 1, 'expected the definition of the columns, got an empty line')
    return columns
  }

  #row(line: string, number: number, columns: readonly TextColumn[]): DbValue[] {
    const fields = splitFields(line)
    if ('sequence' in fields) {
      const { at, sequence } = fields
      this.#fault(number, at, `"${sequence}" is no escape sequence: expected one of \\n \\r \\t \\\\ \\: \\0`)
      return []
    }
    if (fields.length !== columns.length) {
      this.#fault(number, line.length + 1, `expected ${columns.length} fields, got ${fields.length}`)
      return []
    }
    return columns.map((column, i) => this.#value(fields[i]?.text ?? '', column, number, fields[i]?.at ?? 1))
  }

  #value(text: string, column: TextColumn, line: number, at: number): DbValue {
    const isText = column.type === 'str' || column.type === 'blob'
    if (text === '') {
      if (column.nullable || column.auto) return null
      if (isText) this.#emptied.add(column.name)
      else this.#fault(line, at, `column ${column.name} cannot be empty: it is not nullable`)
      return ''
    }
    const value = isText ? text : readNumber(text, column.type)
    if (value !== undefined) return value
    this.#fault(line, at, `column ${column.name}: expected ${column.word}, got "${text.slice(0, 40)}"`)
    return null
  }

  #fault(line: number, column: number, message: string): void {
    this.#faults.push(`${this.#file}:${line}:${column}: ${message}`)
  }

  #throwFaults(): void {
    if (this.#faults.length === 0) return
    const shown = this.#faults.slice(0, MAX_FAULTS)
    const more = this.#faults.length - shown.length
    throw new DatabaseError('E_DB_FORMAT', [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'))
  }
}

function columnFault(word: string, attribute: string, before: readonly TextColumn[], name: string): string | null {
  const type = typeOf(word)
  if (type === undefined) return `expected a type (string, int, long, double, blob, time), got "${word}"`
  if (!/^(?:[na].*)?$/i.test(attribute)) return `expected the attribute null or auto, got "${attribute}"`
  if (/^a/i.test(attribute) && type !== 'int') return 'only a column of integers can be auto'
  return before.some(column => column.name === name) ? 'it is defined twice' : null
}

/** By the first letter, in any case; `bigint` is `long`. */
function typeOf(word: string): ColumnType | undefined {
  switch (word.charAt(0).toLowerCase()) {
    case 's':
      return 'str'
    case 'i':
      return 'int'
    case 'l':
      return 'bigint'
    case 'd':
      return 'double'
    case 'b':
      return word.toLowerCase() === 'bigint' ? 'bigint' : 'blob'
    case 't':
      return 'time'
    default:
      return undefined
  }
}

function readNumber(text: string, type: ColumnType): DbValue | undefined {
  if (type === 'double') return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined
  if (!/^-?\d+$/.test(text)) return undefined
  const value = Number(text)
  return type === 'bigint' || !Number.isSafeInteger(value) ? BigInt(text) : value
}

/** Gives rows without a number theirs. */
function number(columns: readonly TextColumn[], rows: DbValue[][]): void {
  for (const [i, column] of columns.entries()) {
    if (!column.auto) continue
    let last = highest(rows, i)
    for (const row of rows) if (row[i] === null) row[i] = ++last
  }
}

/** The highest number in a column; 0 when there is none. */
export function highest(rows: readonly (readonly DbValue[])[], column: number): number {
  return rows.reduce((most, row) => Math.max(most, Number(row[column] ?? 0)), 0)
}
