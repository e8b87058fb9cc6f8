import type { DbValue } from '../schema.ts'
import { PacketReader } from './wire.ts'

/** A column of a result. */
export interface ResultColumn {
  readonly name: string
  /** Type code of the protocol. */
  readonly type: number
}

/** What came of a statement. */
export interface Result {
  readonly columns: readonly ResultColumn[]
  /** Of each row the values in the order of the columns. */
  readonly rows: readonly (readonly DbValue[])[]
  /** Rows that an update found, or that were inserted or deleted. */
  readonly affected: number
}

/** The server refused a statement. */
export class MysqlRefusal extends Error {
  override readonly name = 'MysqlRefusal'
  /** As in the server's manual: 1062 a row that is there already. */
  readonly number: number
  constructor(number: number, message: string) {
    super(message)
    this.number = number
  }
}

/** DECIMAL, FLOAT, DOUBLE, NEWDECIMAL */
const FRACTIONS = new Set([0, 4, 5, 246])
/** TINYINT, SMALLINT, INT, BIGINT, MEDIUMINT, YEAR */
const INTEGERS = new Set([1, 2, 3, 8, 9, 13])

/** The description of a column: catalog, schema, table, original table, name, original name, fixed part. */
export function readColumn(message: Buffer): ResultColumn {
  const reader = new PacketReader(message)
  for (let i = 0; i < 4; i++) reader.text()
  const name = reader.text() ?? ''
  reader.text()
  // Length of the fixed part, character set, width.
  reader.skip(1 + 2 + 4)
  return { name, type: reader.integer(1) }
}

export function readRow(message: Buffer, columns: readonly ResultColumn[]): readonly DbValue[] {
  const reader = new PacketReader(message)
  return columns.map(({ type }) => asDbValue(reader.text(), type))
}

function asDbValue(text: string | null, type: number): DbValue {
  if (text === null) return null
  if (FRACTIONS.has(type)) return Number(text)
  if (!INTEGERS.has(type)) return text
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** An error message, without its first byte's meaning: number, `#` and SQL state, text. */
export function readRefusal(message: Buffer): MysqlRefusal {
  const reader = new PacketReader(message, 1)
  const number = reader.integer(2)
  const text = reader.rest().toString('utf8')
  return new MysqlRefusal(number, text.replace(/^#\w{5}/, ''))
}
