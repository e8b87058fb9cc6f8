import type { Database } from '../../db/database.ts'
import { RowError, readRows } from '../../db/read-rows.ts'
import type { RowOf } from '../../db/schema.ts'
import type { Log } from '../../log/log.ts'
import type { Host } from '../../module/define.ts'
import type { ScriptAccess } from '../../script/access.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { PrefixTree } from '../../util/prefix-tree.ts'
import { compileTimes, type TimeTest } from '../../util/recurrence-expression.ts'
import { Carrier, type Member, type SortAlgorithm } from './destinations.ts'
import { addressUri, Gateway, ProbeMode, State } from './gateway.ts'
import type { DroutingParams } from './params.ts'
import type { PartitionSettings } from './partition-settings.ts'
import { buildTrees, RoutingData, type Rule } from './routing-data.ts'
import { CARRIERS_TABLE, GATEWAYS_TABLE, RULES_TABLE } from './tables.ts'

/** What a load works with. */
export interface SourceParts {
  readonly databases: Host['db']
  readonly params: DroutingParams
  readonly script: ScriptAccess
  readonly log: Log
}

/** What was loaded, and a sentence that counts it. */
export interface Loaded {
  readonly data: RoutingData
  readonly summary: string
}

/** Reads the tables of a partition. Rejects where one cannot be read as a whole; rows that are wrong are left out. */
export async function loadPartition(parts: SourceParts, settings: PartitionSettings): Promise<Loaded> {
  const database = await parts.databases.open(settings.url)
  return new Loader(parts, settings, database).load()
}

class Loader {
  readonly #parts: SourceParts
  readonly #settings: PartitionSettings
  readonly #database: Database
  readonly #gateways = new Map<string, Gateway>()
  readonly #carriers = new Map<string, Carrier>()
  readonly #times = new Map<string, TimeTest>()
  /** Says which characters prefixes may have. */
  readonly #alphabet: PrefixTree<never>
  /** Ids that lists name but no table has. */
  readonly #unknown = new Set<string>()

  constructor(parts: SourceParts, settings: PartitionSettings, database: Database) {
    this.#parts = parts
    this.#settings = settings
    this.#database = database
    this.#alphabet = new PrefixTree(parts.params.extra_prefix_chars)
  }

  async load(): Promise<Loaded> {
    const { log, params } = this.#parts
    const { tables } = this.#settings
    const gateways = await readRows(
      await this.#database.table(GATEWAYS_TABLE, { table: tables.gateways }),
      'gwid',
      log,
      row => this.#addGateway(row),
    )
    const carriers = await readRows(
      await this.#database.table(CARRIERS_TABLE, { table: tables.carriers }),
      'carrierid',
      log,
      row => this.#addCarrier(row),
    )
    const rules = await readRows(await this.#database.table(RULES_TABLE, { table: tables.rules }), 'ruleid', log, row =>
      this.#readRule(row),
    )
    const summary = [
      `${gateways.rows.length} gateways loaded (${gateways.discarded} discarded)`,
      `${carriers.rows.length} carriers loaded (${carriers.discarded} discarded)`,
      `${rules.rows.length} rules loaded (${rules.discarded} discarded)`,
    ].join(', ')
    const trees = buildTrees(rules.rows, params.extra_prefix_chars)
    return { data: new RoutingData(this.#gateways, this.#carriers, trees), summary }
  }

  #addGateway(row: RowOf<typeof GATEWAYS_TABLE>): void {
    this.#checkId('gwid', row.gwid, this.#gateways)
    const uri = parseUri(addressUri(row.address))
    if (uri === null || uri.user !== '' || uri.host === '')
      throw new RowError('address', `expected host[:port] or a SIP URI without user, got "${row.address}"`)
    if (row.strip < 0) throw new RowError('strip', `expected a number from 0, got ${row.strip}`)
    this.#gateways.set(
      row.gwid,
      new Gateway({
        id: row.gwid,
        type: row.type,
        address: row.address,
        strip: row.strip,
        prefix: row.pri_prefix ?? '',
        attrs: row.attrs || null,
        probeMode: oneOf('probe_mode', ProbeMode, row.probe_mode),
        state: oneOf('state', State, row.state),
        socketText: row.socket || null,
      }),
    )
  }

  #addCarrier(row: RowOf<typeof CARRIERS_TABLE>): void {
    this.#checkId('carrierid', row.carrierid, this.#carriers)
    const members = this.#members(row.gwlist, false)
    // Of 2.x: bit 1 weights, bit 2 first gateway only. Since then: bit 1 first gateway only, bit 2 disabled.
    const isFormer = row.sort_alg === ''
    const sort = isFormer ? (row.flags & 1 ? 'weights' : 'listed') : this.#sort(row.sort_alg, members)
    const data = {
      id: row.carrierid,
      members,
      sort,
      isFirstOnly: (row.flags & (isFormer ? 2 : 1)) !== 0,
      attrs: row.attrs || null,
    } as const
    const isDisabled = row.state !== 0 || (!isFormer && (row.flags & 2) !== 0)
    this.#carriers.set(row.carrierid, new Carrier(data, !isDisabled))
  }

  #readRule(row: RowOf<typeof RULES_TABLE>): Rule {
    if (!this.#alphabet.accepts(row.prefix))
      throw new RowError('prefix', `"${row.prefix}" has characters that are neither digits nor in extra_prefix_chars`)
    const members = this.#members(row.gwlist ?? '', true)
    return {
      id: row.ruleid,
      groups: readGroups(row.groupid),
      prefix: row.prefix,
      priority: row.priority,
      times: this.#compileTimes(row.timerec ?? ''),
      routeName: this.#routeName(row.routeid || null),
      members,
      sort: this.#sort(row.sort_alg, members),
      attrs: row.attrs || null,
    }
  }

  #checkId(column: string, id: string, known: ReadonlyMap<string, unknown>): void {
    const extra = this.#parts.params.extra_id_chars
    const isPlain = id !== '' && [...id].every(char => /[A-Za-z0-9]/.test(char) || extra.includes(char))
    if (!isPlain) throw new RowError(column, `expected letters, digits and ${extra}, got "${id}"`)
    if (known.has(id)) throw new RowError(column, `"${id}" is there twice`)
  }

  /** Reads `gw1,gw2=30,#carrier`. What no table has is left out. */
  #members(text: string, allowsCarriers: boolean): readonly Member[] {
    const items = text.split(/[,;]/).map(item => item.trim())
    return items
      .filter(item => item !== '')
      .flatMap(item => {
        const [, hash, id = '', weight = '0'] = /^(#?)([^\s=#]+)\s*(?:=\s*(\d{1,9}))?$/.exec(item) ?? []
        if (id === '' || (hash === '#' && !allowsCarriers))
          throw new RowError(
            'gwlist',
            `expected gateways, id or id=weight${allowsCarriers ? ', or #carrier' : ''}, got "${item}"`,
          )
        const to = hash === '#' ? this.#carriers.get(id) : this.#gateways.get(id)
        if (to === undefined) this.#noteUnknown(`${hash}${id}`)
        return to === undefined ? [] : [{ to, weight: Number(weight) }]
      })
  }

  #noteUnknown(id: string): void {
    if (this.#unknown.has(id)) return
    this.#unknown.add(id)
    this.#parts.log.warn('lists name a gateway or carrier that there is not; it is left out', {
      partition: this.#settings.name,
      id,
    })
  }

  #sort(letter: string, members: readonly Member[]): SortAlgorithm {
    switch (letter.trim().toUpperCase()) {
      case '':
        return members.some(({ weight }) => weight > 0) ? 'weights' : 'listed'
      case 'N':
        return 'listed'
      case 'W':
        return 'weights'
      case 'Q':
        this.#parts.log.warn('sorting by quality is not supported; destinations are used as listed')
        return 'listed'
      default:
        throw new RowError('sort_alg', `expected N or W, got "${letter}"`)
    }
  }

  #compileTimes(text: string): TimeTest | null {
    if (text.trim() === '') return null
    const known = this.#times.get(text)
    if (known !== undefined) return known
    try {
      const test = compileTimes(text)
      this.#times.set(text, test)
      return test
    } catch (error) {
      throw new RowError('timerec', `"${text}": ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #routeName(name: string | null): string | null {
    if (name !== null && name !== '0' && this.#parts.script.route('request', name) === undefined)
      throw new RowError('routeid', `there is no route[${name}]`)
    return name === '0' ? null : name
  }
}

function readGroups(text: string): readonly number[] {
  const items = text.split(/[,;]/).map(item => item.trim())
  const wrong = items.find(item => !/^\d{1,9}$/.test(item))
  if (wrong !== undefined) throw new RowError('groupid', `expected numbers divided by commas, got "${text}"`)
  return [...new Set(items.map(Number))]
}

function oneOf<T extends number>(column: string, known: Readonly<Record<string, T>>, value: number): T {
  const found = Object.values(known).find(one => one === value)
  if (found === undefined)
    throw new RowError(column, `expected one of ${Object.values(known).join(', ')}, got ${value}`)
  return found
}
