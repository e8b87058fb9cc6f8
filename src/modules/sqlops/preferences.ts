import type { Database } from '../../db/database.ts'
import { autoColumn, type Condition, column, type RowOf, type TableSpec } from '../../db/schema.ts'
import type { Table } from '../../db/table.ts'
import type { PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { Value } from '../../util/spec.ts'

/** Values of AVPs that belong to users. */
export const PREFERENCES_TABLE = {
  name: 'usr_preferences',
  version: 3,
  columns: {
    id: autoColumn,
    uuid: column('str', ''),
    username: column('str', ''),
    domain: column('str', ''),
    attribute: column('str', ''),
    type: column('int', 0),
    value: column('str', ''),
    last_modified: column('time', 0),
  },
} as const satisfies TableSpec

/** Flag of the column `type`: the value is a text. */
const IS_TEXT = 2

/** Whose values are meant, and which. */
export interface Subject {
  /** Conditions for this message; null where nobody is meant. */
  owner(m: RouteContext): Owner | null
  /** Name of the AVP; undefined: all of them. */
  readonly attribute: string | undefined
  /** Another table than the usual one. */
  readonly table: string | undefined
}
export interface Owner {
  readonly uuid: string
  readonly username: string
  readonly domain: string
}

/** Where the values are. */
export interface PreferenceSettings {
  readonly table: string
  readonly usesDomain: boolean
  /** Declared name of a column → name in the database. */
  readonly columns: Readonly<Partial<Record<keyof typeof PREFERENCES_TABLE.columns, string>>>
}

/**
 * Reads `source`, `$fu/username` or `text/uuid`, and `name`, `$avp(x)/table`, as they stand in the script. Throws an Error that
 * says what is wrong.
 */
export function parseSubject(
  source: string,
  name: string,
  variable: (text: string) => PvarRef,
  usesDomain: boolean,
): Subject {
  const [, who = '', part] = /^(.*?)(?:\/(username|domain|uri|uuid))?$/s.exec(source.trim()) ?? []
  if (who === '') throw new Error('expected $variable, or a text, and /username, /domain, /uri or /uuid behind it')
  const read = who.startsWith('$') ? variable(who) : undefined
  const [, spec = '', table] = /^([^/]*)(?:\/([\w.-]+))?$/.exec(name.trim()) ?? []
  const attribute = /^\$\(?avp\(\s*(?:[si]:)?([^()[\]$]+)\)\)?$/.exec(spec)?.[1]?.trim() ?? spec.replace(/^[si]:/, '')
  if (spec.startsWith('$') && attribute === spec) throw new Error(`"${name}": expected $avp(name), or a for all`)
  return {
    owner: m => ownerOf(read === undefined ? who : read.get(m), part, usesDomain),
    attribute: attribute === '' || attribute === 'a' || attribute === '*' ? undefined : attribute,
    table,
  }
}

function ownerOf(value: Value, part: string | undefined, usesDomain: boolean): Owner | null {
  if (value === null) return null
  const text = String(value)
  const uri = parseUri(text)
  const nobody = { uuid: '', username: '', domain: '' }
  if (part === 'uuid' || (part === undefined && uri === null)) return { ...nobody, uuid: text }
  if (part === 'domain') return { ...nobody, domain: uri?.host ?? text }
  if (part === 'username') return { ...nobody, username: uri?.user ?? text }
  return uri === null ? null : { ...nobody, username: uri.user, domain: usesDomain ? uri.host : '' }
}

/** The values that users have in the database. Everything rejects with a DatabaseError. */
export class Preferences {
  readonly #settings: PreferenceSettings

  constructor(settings: PreferenceSettings) {
    this.#settings = settings
  }

  /** Adds the values to the AVPs, with `prefix` before their names. Gives how many there were. */
  async load(database: Database, subject: Subject, m: RouteContext, prefix: string): Promise<number> {
    const owner = subject.owner(m)
    if (owner === null) return 0
    const table = await this.#open(database, subject)
    const rows = await table.select({ where: conditions(owner, subject.attribute) })
    // AVPs are stacks: what was stored first was the newest.
    for (const { attribute, type, value } of rows.toReversed()) m.avps.push(prefix + attribute, typed(type, value))
    return rows.length
  }

  /** Stores the values of the AVPs. Gives how many there were. */
  async store(database: Database, subject: Subject, m: RouteContext, nowS: number): Promise<number> {
    const owner = subject.owner(m)
    if (owner === null) return 0
    const names = subject.attribute === undefined ? [...m.avps.names()] : [subject.attribute]
    const rows = names.flatMap(attribute => m.avps.all(attribute).map(value => rowOf(owner, attribute, value, nowS)))
    const table = await this.#open(database, subject)
    for (const row of rows) await table.insert(row)
    return rows.length
  }

  /** Gives how many were deleted. */
  async remove(database: Database, subject: Subject, m: RouteContext): Promise<number> {
    const owner = subject.owner(m)
    if (owner === null) return 0
    const table = await this.#open(database, subject)
    return table.delete(conditions(owner, subject.attribute))
  }

  #open(database: Database, { table }: Subject): Promise<Table<typeof PREFERENCES_TABLE>> {
    const { table: usual, columns } = this.#settings
    return database.table(PREFERENCES_TABLE, { table: table ?? usual, columns })
  }
}

function conditions(
  owner: Owner,
  attribute: string | undefined,
): readonly Condition<keyof typeof PREFERENCES_TABLE.columns>[] {
  const given = (['uuid', 'username', 'domain'] as const).flatMap(key =>
    owner[key] === '' ? [] : [[key, '=', owner[key]] as const],
  )
  return attribute === undefined ? given : [...given, ['attribute', '=', attribute]]
}

function rowOf(owner: Owner, attribute: string, value: Value, nowS: number): Partial<RowOf<typeof PREFERENCES_TABLE>> {
  return {
    ...owner,
    attribute,
    type: typeof value === 'number' ? 0 : IS_TEXT,
    value: String(value),
    last_modified: nowS,
  }
}

function typed(type: number, value: string): Value {
  return (type & IS_TEXT) === 0 && /^[+-]?\d+$/.test(value) ? Number(value) : value
}
