import type { Databases } from '../../db/databases.ts'
import { autoColumn, column, nullableColumn, type RowOf } from '../../db/schema.ts'
import type { Table } from '../../db/table.ts'
import type { Log } from '../../log/log.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { Destination, DestinationData } from './destination.ts'
import type { DispatcherParams } from './params.ts'
import type { DestinationSource } from './source.ts'

/** The table of destinations (dispatcher reference, data sources). */
export const DISPATCHER_TABLE = {
  name: 'dispatcher',
  version: 9,
  // Without probe_mode, and with a number as weight.
  formerVersions: [8, 7],
  columns: {
    id: autoColumn,
    setid: nullableColumn('int'),
    destination: nullableColumn('str'),
    socket: nullableColumn('str'),
    state: column('int', 0),
    probe_mode: column('int', 0),
    weight: column('str', '1'),
    priority: column('int', 0),
    attrs: nullableColumn('str'),
    description: nullableColumn('str'),
  },
} as const

type DispatcherRow = RowOf<typeof DISPATCHER_TABLE>

interface TableSourceParts {
  readonly databases: Databases
  readonly url: string
  readonly tableName: string
  readonly isPersistent: boolean
  readonly params: DispatcherParams
  readonly log: Log
}

/** Destinations in a database table. */
export class TableSource implements DestinationSource {
  readonly save?: (changed: readonly Destination[]) => Promise<void>
  readonly #parts: TableSourceParts
  #table: Table<typeof DISPATCHER_TABLE> | null = null

  constructor(parts: TableSourceParts) {
    this.#parts = parts
    if (parts.isPersistent) this.save = changed => this.#save(changed)
  }

  async load(): Promise<readonly DestinationData[]> {
    const table = await this.#open()
    const rows = await table.select()
    return rows.flatMap(row => {
      const data = this.#read(row)
      return data === null ? [] : [data]
    })
  }

  async #save(changed: readonly Destination[]): Promise<void> {
    const table = await this.#open()
    if (table.missing.has('state')) return
    for (const { data, stateNumber } of changed)
      await table.update({ state: stateNumber }, [
        ['setid', '=', data.setId],
        ['destination', '=', data.uri],
      ])
  }

  async #open(): Promise<Table<typeof DISPATCHER_TABLE>> {
    const { databases, url, tableName, params } = this.#parts
    if (this.#table !== null) return this.#table
    const database = await databases.open(url)
    const columns = Object.fromEntries(
      Object.keys(DISPATCHER_TABLE.columns).map(name => [
        name,
        String(params[`${name as keyof typeof DISPATCHER_TABLE.columns}_col`]),
      ]),
    )
    this.#table = await database.table(DISPATCHER_TABLE, { table: tableName, columns })
    return this.#table
  }

  #read(row: DispatcherRow): DestinationData | null {
    const { log } = this.#parts
    const { id, setid, destination, state } = row
    if (setid === null || destination === null || parseUri(destination) === null) {
      log.warn('a destination is left out: its set or URI cannot be used', { id, set: setid, uri: destination })
      return null
    }
    if (state < 0 || state > 2) log.warn('unknown state of a destination; it counts as active', { id, state })
    if (row.probe_mode !== 0 && row.probe_mode !== 1)
      log.error('unknown probe mode of a destination; ds_probing_mode counts', { id, probe_mode: row.probe_mode })
    return {
      setId: setid,
      uri: destination,
      socketText: textOrNull(row.socket),
      isInactive: state === 1,
      isProbing: state === 2,
      isAlwaysProbed: row.probe_mode === 1,
      weight: this.#weight(row),
      freeswitch: isFreeSwitch(row.weight) ? row.weight.trim() : null,
      priority: row.priority,
      attrs: textOrNull(row.attrs),
      description: textOrNull(row.description),
    }
  }

  #weight({ id, weight }: DispatcherRow): number {
    const { log, params } = this.#parts
    if (/^\d+$/.test(weight.trim())) return Number(weight)
    if (isFreeSwitch(weight)) return params.max_freeswitch_weight
    log.warn('the weight of a destination is no number; it counts as 1', { id, weight })
    return 1
  }
}

const isFreeSwitch = (weight: string): boolean => /^\s*fs:\/\//i.test(weight)
const textOrNull = (text: string | null): string | null => (text === '' ? null : text)
