import { type Dialect, isSeconds } from '../server/dialect.ts'

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``

/** A text that reads the same whether or not backslashes stand for themselves there (`NO_BACKSLASH_ESCAPES`). */
const text = (value: string): string =>
  value.includes('\\') ? `_utf8mb4 X'${Buffer.from(value).toString('hex')}'` : `'${value.replaceAll("'", "''")}'`

/** MySQL and MariaDB. */
export const mysqlDialect: Dialect = {
  quoted,
  literal(value, kind) {
    if (value === null) return 'NULL'
    if (kind === 'time' && isSeconds(value)) return `FROM_UNIXTIME(${value})`
    if (typeof value === 'string') return text(value)
    return typeof value === 'number' && !Number.isFinite(value) ? 'NULL' : String(value)
  },
  asSeconds: name => `IF(${name} IS NULL, NULL, COALESCE(CAST(UNIX_TIMESTAMP(${name}) AS SIGNED), 0))`,
  directions: { ascending: 'ASC', descending: 'DESC' },
  catalogue: table =>
    [
      "SELECT COLUMN_NAME, DATA_TYPE, EXTRA LIKE '%auto_increment%' FROM information_schema.COLUMNS",
      `WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${text(table)} ORDER BY ORDINAL_POSITION`,
    ].join(' '),
  kinds: { datetime: 'time', timestamp: 'time', date: 'time' },
  types: {
    int: 'BIGINT',
    bigint: 'BIGINT',
    double: 'DOUBLE',
    str: 'TEXT',
    any: 'TEXT',
    blob: 'MEDIUMTEXT',
    time: 'DATETIME',
  },
  numbering: 'INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY',
  tableOptions: ' ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin',
  refusals: {
    1048: 'E_DB_VALUE', // NULL where there must be none
    1054: 'E_DB_COLUMN',
    1062: 'E_DB_VALUE', // a key that is there already
    1064: 'E_DB_QUERY',
    1146: 'E_DB_TABLE',
    1264: 'E_DB_VALUE', // out of range
    1292: 'E_DB_VALUE', // no date
    1364: 'E_DB_VALUE', // no value, and no default
    1366: 'E_DB_VALUE', // no number
    1406: 'E_DB_VALUE', // too long
  },
  tableExists: '1050',
}
