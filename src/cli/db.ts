import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Database } from '../db/database.ts'
import { DatabaseError } from '../db/database-error.ts'
import { Databases } from '../db/databases.ts'
import { MysqlDriver } from '../db/mysql/mysql-driver.ts'
import { PostgresDriver } from '../db/postgres/postgres-driver.ts'
import type { TableSpec } from '../db/schema.ts'
import { SqliteDriver } from '../db/sqlite/sqlite-driver.ts'
import { TextDriver } from '../db/text/text-driver.ts'
import { Logger } from '../log/logger.ts'
import { didYouMean } from '../script/nearest.ts'
import { systemClock } from '../util/clock.ts'
import { type CliCommand, type CliIo, UsageError } from './command.ts'

/** A declared table, and what it is called in the database. */
interface WantedTable {
  readonly spec: TableSpec
  readonly name: string
  /** Named on the command line. */
  readonly isNamed: boolean
}

const db: CliCommand = {
  usage: 'db create|check --url URL [--version-table NAME] [TABLE[=NAME]]…',
  summary:
    'Makes the tables that modules keep, or completes those that are there; check only says what is missing. All tables, ' +
    'or those named; acc=calls makes the table acc under the name calls. URL is text://FOLDER, ' +
    'sqlite://FILE, mysql://USER:PASSWORD@HOST/DATABASE or postgres://USER:PASSWORD@HOST/DATABASE, by default $FANFARE_DB_URL.',
  run: async (argv, io) => {
    const { positionals, values } = parseArgs({
      args: [...argv],
      options: { url: { type: 'string' }, 'version-table': { type: 'string', default: 'version' } },
      allowPositionals: true,
    })
    const [action, ...names] = positionals
    if (action !== 'create' && action !== 'check')
      throw new UsageError(`db ${action ?? ''}: expected "db create" or "db check"`)
    const url = values.url ?? process.env['FANFARE_DB_URL']
    if (url === undefined) throw new UsageError('db needs --url, as in --url sqlite:///var/lib/fanfare/calls.db')
    const tables = wantedTables(await declaredTables(), names)
    return withDatabase(url, values['version-table'], action === 'create', io, database =>
      action === 'create' ? create(database, tables, io) : check(database, tables, io),
    )
  },
}
export default db

/** Every table of every module, by name. */
async function declaredTables(): Promise<ReadonlyMap<string, TableSpec>> {
  const { modules } = await import('../main.ts')
  const specs = modules.flatMap(module => (module.spec as { readonly tables?: readonly TableSpec[] }).tables ?? [])
  return new Map(specs.map(spec => [spec.name, spec]))
}

function wantedTables(declared: ReadonlyMap<string, TableSpec>, names: readonly string[]): readonly WantedTable[] {
  if (names.length === 0) return [...declared.values()].map(spec => ({ spec, name: spec.name, isNamed: false }))
  return names.map(text => {
    const [table = '', name = table] = text.split('=')
    const spec = declared.get(table)
    if (spec !== undefined) return { spec, name, isNamed: true }
    const hint = didYouMean(table, [...declared.keys()])
    throw new UsageError(`no module keeps a table "${table}"${hint === undefined ? '' : `; ${hint}`}`)
  })
}

async function withDatabase(
  url: string,
  versionTable: string,
  isWritten: boolean,
  io: CliIo,
  work: (database: Database) => Promise<number>,
): Promise<number> {
  const log = new Logger({ clock: systemClock, write: line => void io.stderr.write(line) }).part('db')
  const databases = new Databases({ log, directory: process.cwd(), versionTable })
  const server = { clock: systemClock, timeoutMs: 10_000, tries: 1, readers: 0, changed: () => {} }
  const drivers = [
    new TextDriver({ followsFiles: false }),
    new SqliteDriver({ busyTimeoutMs: 5_000 }),
    new MysqlDriver(server),
    new PostgresDriver(server),
  ]
  for (const driver of drivers) databases.register(driver)
  try {
    const [, folder] = /^(?:text|dbtext):(?:\/\/)?(.+)$/s.exec(url) ?? []
    if (folder !== undefined && isWritten) await mkdir(resolve(folder), { recursive: true })
    return await work(await databases.open(url))
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    io.stderr.write(`fanfare: ${error.message}\n`)
    return 1
  } finally {
    await databases.close(drivers.flatMap(driver => driver.schemes))
  }
}

async function create(database: Database, tables: readonly WantedTable[], { stdout, stderr }: CliIo): Promise<number> {
  const words = { made: 'made', completed: 'completed', ready: 'there already' }
  let status = 0
  for (const { spec, name } of tables) {
    try {
      const outcome = await database.prepare(spec, name)
      stdout.write(`${name}: ${words[outcome]} (version ${spec.version})\n`)
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      stderr.write(`${error.message}\n`)
      status = 1
    }
  }
  return status
}

async function check(database: Database, tables: readonly WantedTable[], { stdout }: CliIo): Promise<number> {
  let status = 0
  for (const { spec, name, isNamed } of tables) {
    const { exists, version, missing, isReady } = await database.state(spec, name)
    const faults = [
      ...(version === spec.version ? [] : [`expected version ${spec.version}, found ${version ?? 'none'}`]),
      ...(missing.length === 0 ? [] : [`columns missing: ${missing.join(', ')}`]),
    ]
    if (!exists) stdout.write(`${name}: not there\n`)
    else stdout.write(`${name}: ${isReady ? `as it should be (version ${spec.version})` : faults.join('; ')}\n`)
    if (exists ? !isReady : isNamed) status = 1
  }
  if (status !== 0) stdout.write('fanfare db create makes tables, and gives those that are there what is missing.\n')
  return status
}
