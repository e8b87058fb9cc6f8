import { isUtf8 } from 'node:buffer'
import { access, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../log/log.ts'
import { DatabaseError } from '../database-error.ts'
import { isPlainName, type Store, type StoredQuery, type StoredRow } from '../driver.ts'
import type { ColumnSpec, Condition } from '../schema.ts'
import { writeAtomically } from './atomic-write.ts'
import { formatTableFile, parseTableFile, type TextColumn } from './table-file.ts'
import { TextTable } from './text-table.ts'

/** How a folder of table files is kept. */
export interface TextStoreOptions {
  /** Look at each use whether the file has changed, and read it again then (`db_mode` 1). */
  readonly followsFiles: boolean
}

/** A table that was read, and when its file was last written then. */
interface LoadedTable {
  readonly table: TextTable
  readonly mtimeMs: number
}

/** A folder of table files. Tables are read at their first use and written by {@link dump} and {@link close}. */
export class TextStore implements Store {
  readonly isHandMade = true
  readonly folder: string
  readonly #options: TextStoreOptions
  readonly #log: Log
  readonly #tables = new Map<string, Promise<LoadedTable>>()
  /** Settles when what was asked for so far is done. */
  #turn: Promise<unknown> = Promise.resolve()
  /** One writing after the other. */
  #writing: Promise<void> = Promise.resolve()
  readonly #warned = new Set<string>()

  constructor(folder: string, options: TextStoreOptions, log: Log) {
    this.folder = folder
    this.#options = options
    this.#log = log
  }

  /** Does one thing after the other: whether a file has changed is known after a while only, and not in the order it was asked. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  async columns(name: string): Promise<readonly string[]> {
    return (await this.#table(name)).columns.map(column => column.name)
  }

  select(name: string, query: StoredQuery): Promise<readonly StoredRow[]> {
    return this.#inTurn(async () => (await this.#table(name)).select(query))
  }

  insert(name: string, row: StoredRow): Promise<void> {
    return this.#inTurn(async () => (await this.#table(name)).insert(row))
  }

  update(name: string, values: StoredRow, where: readonly Condition[]): Promise<number> {
    return this.#inTurn(async () => (await this.#table(name)).update(values, where))
  }

  delete(name: string, where: readonly Condition[]): Promise<number> {
    return this.#inTurn(async () => (await this.#table(name)).delete(where))
  }

  async create(name: string, columns: Readonly<Record<string, ColumnSpec>>): Promise<void> {
    const path = this.#path(name)
    const exists = await access(path).then(
      () => true,
      () => false,
    )
    if (exists) throw new DatabaseError('E_DB_TABLE', `there is a table ${name} already: ${path}`)
    await this.#write(path, formatTableFile(Object.entries(columns).map(textColumn), []))
  }

  async addColumns(name: string, columns: Readonly<Record<string, ColumnSpec>>): Promise<void> {
    await this.dump()
    const { table } = await this.#load(name)
    const added = Object.entries(columns)
    const values = added.map(([, { nullable, default: value }]) => (nullable ? null : (value ?? null)))
    const rows = table.rows.map(row => [...row, ...values])
    await this.#write(this.#path(name), formatTableFile([...table.columns, ...added.map(textColumn)], rows))
    this.#tables.delete(name)
  }

  /** Reads one table or, without a name, every table that was read before anew. Rejects when one cannot be; it stays as it was. */
  async reload(name?: string): Promise<void> {
    const names = name === undefined ? [...this.#tables.keys()] : [name]
    const results = await Promise.allSettled(
      names.map(async one => {
        const loaded = await this.#load(one)
        this.#tables.set(one, Promise.resolve(loaded))
      }),
    )
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /**
   * Writes the tables that differ from their files, with what was asked for before. Rejects with the first error, when all
   * were tried.
   */
  async dump(): Promise<void> {
    const dumped = Promise.all([this.#turn, this.#writing]).then(() => this.#dumpModified())
    this.#writing = dumped.catch(() => {})
    await dumped
  }

  /** Also forgets what was read. */
  async close(): Promise<void> {
    await this.dump()
    this.#tables.clear()
  }

  async #dumpModified(): Promise<void> {
    let failure: unknown
    for (const [name, loading] of this.#tables) {
      const loaded = await loading.catch(() => null)
      if (loaded === null || !loaded.table.isModified) continue
      try {
        await this.#dumpTable(name, loaded)
      } catch (error) {
        loaded.table.isModified = true
        failure ??= error
        this.#log.error('a table cannot be written', { file: this.#path(name), reason: String(error) })
      }
    }
    if (failure !== undefined) throw failure
  }

  async #dumpTable(name: string, { table, mtimeMs }: LoadedTable): Promise<void> {
    const path = this.#path(name)
    if ((await mtimeOf(path)) !== mtimeMs)
      this.#log.warn('a table file was changed since it was read; it is overwritten', { file: path })
    const text = formatTableFile(table.columns, table.rows)
    // What changes while the file is being written waits for the next time.
    table.isModified = false
    await this.#write(path, text)
    this.#tables.set(name, Promise.resolve({ table, mtimeMs: await mtimeOf(path) }))
  }

  async #table(name: string): Promise<TextTable> {
    const known = this.#tables.get(name)
    if (known !== undefined && this.#options.followsFiles) {
      const loaded = await known
      if ((await mtimeOf(this.#path(name))) === loaded.mtimeMs) return loaded.table
      if (loaded.table.isModified)
        this.#log.warn('a table file was changed; what was not written to it is lost', { file: this.#path(name) })
      await this.reload(name)
    }
    return (await this.#cached(name)).table
  }

  async #cached(name: string): Promise<LoadedTable> {
    const loading = this.#tables.get(name) ?? this.#load(name)
    this.#tables.set(name, loading)
    try {
      return await loading
    } catch (error) {
      if (this.#tables.get(name) === loading) this.#tables.delete(name)
      throw error
    }
  }

  async #load(name: string): Promise<LoadedTable> {
    const path = this.#path(name)
    const mtimeMs = await mtimeOf(path)
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new DatabaseError('E_DB_TABLE', `there is no table ${name}: cannot read ${path}`, { cause })
    })
    if (!isUtf8(bytes)) this.#log.warn('a table file is not UTF-8; it is read as ISO 8859-1', { file: path })
    const content = parseTableFile(bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1'), path)
    for (const column of content.emptied) this.#warnOfEmpty(name, column)
    return { table: new TextTable(name, content, column => this.#warnOfEmpty(name, column)), mtimeMs }
  }

  #warnOfEmpty(table: string, column: string): void {
    const key = `${table} ${column}`
    if (this.#warned.has(key)) return
    this.#warned.add(key)
    this.#log.warn('NULL in a column that is not nullable is taken as the empty text', { table, column })
  }

  async #write(path: string, text: string): Promise<void> {
    try {
      await writeAtomically(path, text)
    } catch (cause) {
      throw new DatabaseError('E_DB_STORAGE', `cannot write ${path}: ${String(cause)}`, { cause })
    }
  }

  #path(name: string): string {
    if (!isPlainName(name)) throw new DatabaseError('E_DB_TABLE', `"${name}" is no name of a table`)
    return join(this.folder, name)
  }
}

function mtimeOf(path: string): Promise<number> {
  return stat(path).then(
    found => found.mtimeMs,
    () => 0,
  )
}

function textColumn([name, spec]: readonly [string, ColumnSpec]): TextColumn {
  const { type, nullable, auto = false } = spec
  return { name, type, word: WORDS[type], nullable: nullable && !auto, auto }
}

const WORDS = {
  any: 'string',
  int: 'int',
  bigint: 'long',
  double: 'double',
  str: 'string',
  blob: 'blob',
  time: 'time',
} as const
