/**
 * What is wrong: the URL, its scheme, the table, one of its columns, its version, a value, the content of a file, a query in
 * the language of the database, or the storage itself.
 */
export type DatabaseErrorCode =
  | 'E_DB_URL'
  | 'E_DB_SCHEME'
  | 'E_DB_TABLE'
  | 'E_DB_COLUMN'
  | 'E_DB_VERSION'
  | 'E_DB_VALUE'
  | 'E_DB_FORMAT'
  | 'E_DB_QUERY'
  | 'E_DB_STORAGE'

/** Why a database cannot do what it is asked. The message names the table, file or column it is about. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
  readonly code: DatabaseErrorCode
  constructor(code: DatabaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
