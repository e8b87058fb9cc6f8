import type { Database } from '../../db/database.ts'
import type { Log } from '../../log/log.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Step, Verdict } from '../../script/context.ts'
import type { Clock } from '../../util/clock.ts'
import type { DatabasesById } from './databases-by-id.ts'
import { type PreferenceSettings, Preferences, parseSubject } from './preferences.ts'
import { columnVariables, type Rows, writeRow, writeRows } from './results.ts'

const DONE = 1
const ERROR = -1
const NOTHING_FOUND = -2

interface SqlStepsParts {
  readonly databases: DatabasesById
  readonly preferences: PreferenceSettings
  /** Integers beyond 32 bits are given as text. */
  readonly bigIsText: boolean
  readonly variable: (text: string) => PvarRef
  readonly log: Log
  readonly clock: Clock
}

type Wanted = 'all rows' | 'one row'

/** Builds the script functions that work on databases. Whatever a database refuses is logged and gives −1. */
export class SqlSteps {
  readonly #parts: SqlStepsParts
  readonly #preferences: Preferences
  /** Databases that must take SQL, undefined the first one. */
  readonly #queried = new Set<string | undefined>()

  constructor(parts: SqlStepsParts) {
    this.#parts = parts
    this.#preferences = new Preferences(parts.preferences)
  }

  /** Opens the databases. Rejects with a DatabaseError, also where one takes no SQL and the script has some for it. */
  async start(): Promise<void> {
    const { databases } = this.#parts
    for (const id of databases.ids()) await databases.open(id)
    for (const id of this.#queried) (await databases.open(id)).requireQueries()
  }

  /** Runs a query; `dest` names the variables of its columns. */
  query(wanted: Wanted, text: Arg<string>, dest: Arg<string> | undefined, id: Arg<string> | undefined): Step {
    if (id === undefined || id.constant !== undefined) this.#queried.add(id?.constant)
    return this.rows(wanted, dest, id, async (database, m) => {
      const query = text.read(m)
      const rows = await database.query(query)
      // A statement that asks for nothing finds nothing.
      return rows.length === 0 && !/^\s*(?:select|with|values|pragma|show)\b/i.test(query) ? null : rows
    })
  }

  /** Writes the rows that `find` gives; null: there was nothing to find. */
  rows(
    wanted: Wanted,
    dest: Arg<string> | undefined,
    id: Arg<string> | undefined,
    find: (database: Database, m: RouteContext) => Promise<Rows | null>,
  ): Step {
    const { variable, bigIsText } = this.#parts
    const variables = columnVariables(unquoted(dest?.text), variable)
    return this.on(id, async (database, m) => {
      const rows = await find(database, m)
      if (rows === null) return DONE
      const [first] = rows
      if (first === undefined) return NOTHING_FOUND
      if (wanted === 'one row') writeRow(m, first, variables, bigIsText)
      else writeRows(m, rows, variables, bigIsText)
      return DONE
    })
  }

  load(source: Arg<string>, name: Arg<string>, id: Arg<string> | undefined, prefix: Arg<string> | undefined): Step {
    const subject = this.#subject(source, name)
    return this.on(id, async (database, m) =>
      (await this.#preferences.load(database, subject, m, prefix?.read(m) ?? '')) > 0 ? DONE : ERROR,
    )
  }

  store(source: Arg<string>, name: Arg<string>, id: Arg<string> | undefined): Step {
    const subject = this.#subject(source, name)
    const nowS = () => Math.floor(this.#parts.clock.nowMs() / 1000)
    return this.on(id, async (database, m) =>
      (await this.#preferences.store(database, subject, m, nowS())) > 0 ? DONE : ERROR,
    )
  }

  remove(source: Arg<string>, name: Arg<string>, id: Arg<string> | undefined): Step {
    const subject = this.#subject(source, name)
    return this.on(id, async (database, m) => {
      await this.#preferences.remove(database, subject, m)
      return DONE
    })
  }

  /** Does some work on a database. */
  on(id: Arg<string> | undefined, work: (database: Database, m: RouteContext) => Promise<Verdict>): Step {
    return async m => {
      try {
        return await work(await this.#parts.databases.open(id?.read(m)), m)
      } catch (error) {
        if (!(error instanceof Error)) throw error
        this.#parts.log
          .often(error.message)
          .error('a database has not done what the script asked', { reason: error.message })
        return ERROR
      }
    }
  }

  #subject(source: Arg<string>, name: Arg<string>) {
    const { variable, preferences } = this.#parts
    try {
      return parseSubject(unquoted(source.text) ?? '', unquoted(name.text) ?? '', variable, preferences.usesDomain)
    } catch (error) {
      return source.reject(error instanceof Error ? error.message : String(error))
    }
  }
}

/** These texts name variables to write to, so they are taken as written and not as formats. */
const unquoted = (text: string | undefined): string | undefined => text?.replace(/^(["'])(.*)\1$/s, '$2')
