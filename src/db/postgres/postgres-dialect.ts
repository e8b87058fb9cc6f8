import { type Dialect, isSeconds } from '../server/dialect.ts'

/** The last second of the year 9999, for dates without an end. */
const LAST_SECOND = 253_402_300_799

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A text that reads the same whether or not backslashes stand for themselves elsewhere (`standard_conforming_strings`). */
function text(value: string): string {
  const plain = value.replaceAll("'", "''")
  return plain.includes('\\') ? `E'${plain.replaceAll('\\', '\\\\')}'` : `'${plain}'`
}

/** PostgreSQL. */
export const postgresDialect: Dialect = {
  quoted,
  // All values are texts of no type yet: the server reads them as what their column holds.
  literal(value, kind) {
    if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return 'NULL'
    if (kind === 'time' && isSeconds(value)) return `to_timestamp(${value})`
    return text(kind === 'bytes' ? `\\x${Buffer.from(String(value)).toString('hex')}` : String(value))
  },
  asSeconds: name =>
    `CASE WHEN ${name} IS NOT NULL THEN FLOOR(LEAST(GREATEST(EXTRACT(EPOCH FROM ${name}::timestamptz), 0), ${LAST_SECOND}))::BIGINT END`,
  directions: { ascending: 'ASC NULLS FIRST', descending: 'DESC NULLS LAST' },
  catalogue: table =>
    [
      "SELECT a.attname, t.typname, CASE WHEN a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' THEN 1 ELSE 0 END",
      'FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid',
      'LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum',
      `WHERE a.attrelid = to_regclass(${text(quoted(table))}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    ].join(' '),
  kinds: { timestamp: 'time', timestamptz: 'time', date: 'time', bytea: 'bytes' },
  types: {
    int: 'BIGINT',
    bigint: 'BIGINT',
    double: 'DOUBLE PRECISION',
    str: 'TEXT',
    any: 'TEXT',
    blob: 'TEXT',
    time: 'TIMESTAMP',
  },
  numbering: 'SERIAL PRIMARY KEY NOT NULL',
  tableOptions: '',
  refusals: {
    '22001': 'E_DB_VALUE', // too long
    '22003': 'E_DB_VALUE', // out of range
    '22007': 'E_DB_VALUE', // no date
    '22008': 'E_DB_VALUE', // a date out of range
    '22P02': 'E_DB_VALUE', // no number
    '23502': 'E_DB_VALUE', // NULL where there must be none
    '23505': 'E_DB_VALUE', // a key that is there already
    '23514': 'E_DB_VALUE', // not what the table allows
    '42601': 'E_DB_QUERY',
    '42703': 'E_DB_COLUMN',
    '42P01': 'E_DB_TABLE',
  },
  tableExists: '42P07',
}
