import type { Log } from '../../log/log.ts'
import type { Host } from '../../module/define.ts'
import { parseNamedSettings } from '../../util/named-settings.ts'
import type { DialplanParams } from './params.ts'
import { Dialplans } from './rule.ts'
import { loadRules, type RuleTable } from './table-source.ts'

/** The partition there is without a `partition` parameter. */
export const DEFAULT_PARTITION = 'default'

/** A table of rules and what was loaded of it. */
export interface Partition extends RuleTable {
  readonly name: string
  plans: Dialplans
}

interface PartitionsParts {
  readonly databases: Host['db']
  readonly params: DialplanParams
  readonly log: Log
}

/** Every partition. */
export class Partitions {
  readonly #parts: PartitionsParts
  readonly #byName: ReadonlyMap<string, Partition>

  /** Throws an Error where a partition has no source, or a parameter cannot be read. */
  constructor(parts: PartitionsParts) {
    const { params, databases } = parts
    this.#parts = parts
    const given = params.partition.map(text => parseNamedSettings('partition', text, ['db_url', 'table_name']))
    const usual = databases.urlOf(params.db_url)
    const written = new Map(given.map(one => [one.name, one.given]))
    if (usual !== undefined || written.size === 0) written.set(DEFAULT_PARTITION, written.get(DEFAULT_PARTITION) ?? {})
    this.#byName = new Map(
      [...written].map(([name, { db_url: url = usual, table_name: table = params.table_name }]) => {
        if (url === undefined) throw new Error(`partition ${name} has no source of rules: set db_url`)
        return [name, { name, url, table, plans: new Dialplans([]) }]
      }),
    )
  }

  get all(): readonly Partition[] {
    return [...this.#byName.values()]
  }

  /** By name, the default one without. */
  find(name: string | undefined): Partition | undefined {
    return this.#byName.get(name === undefined || name === '' ? DEFAULT_PARTITION : name)
  }

  /** Loads a partition. Rejects when its table cannot be read; what there was before then stays. */
  async load(partition: Partition): Promise<void> {
    const { databases, params, log } = this.#parts
    partition.plans = new Dialplans(await loadRules(databases, params, partition, log))
  }
}
