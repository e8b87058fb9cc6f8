import { resolve } from 'node:path'
import type { Databases } from '../../db/databases.ts'
import type { Log } from '../../log/log.ts'
import { ListFile } from './list-file.ts'
import type { DispatcherParams } from './params.ts'
import { Partition } from './partition.ts'
import { DEFAULT_PARTITION, type PartitionSettings, partitionSettings } from './partition-settings.ts'
import type { DestinationSource } from './source.ts'
import { TableSource } from './table-source.ts'

interface RegistryParts {
  readonly params: DispatcherParams
  readonly databases: Databases
  readonly log: Log
  /** Called after each load of a partition. */
  readonly onLoaded: (partition: Partition) => void
}

/** Every partition. */
export class Registry {
  readonly #parts: RegistryParts
  readonly #partitions: ReadonlyMap<string, Partition>

  /** Throws an Error where a partition has no source, or a parameter cannot be read. */
  constructor(parts: RegistryParts) {
    const { params, databases } = parts
    this.#parts = parts
    const hasDefaultSource = params.list_file !== undefined || databases.urlOf(params.db_url) !== undefined
    const settings = partitionSettings(params, hasDefaultSource)
    this.#partitions = new Map(settings.map(one => [one.name, new Partition(one, this.#source(one))]))
  }

  all(): IterableIterator<Partition> {
    return this.#partitions.values()
  }

  /** By name, the default one without. */
  find(name: string | null = null): Partition | undefined {
    return this.#partitions.get(name ?? DEFAULT_PARTITION)
  }

  names(): readonly string[] {
    return [...this.#partitions.keys()]
  }

  /** Loads a partition. Rejects when its source cannot be read; what there was before then stays. */
  async load(partition: Partition, inherits: boolean): Promise<void> {
    const loaded = await partition.source.load()
    partition.replace(loaded, inherits)
    if (loaded.length === 0) this.#parts.log.warn('no dispatching data', { partition: partition.name })
    this.#parts.onLoaded(partition)
  }

  /** Writes the states that have changed to where they are kept. */
  async save(): Promise<void> {
    for (const partition of this.#partitions.values()) {
      const changed = partition.destinations.filter(({ isUnsaved }) => isUnsaved)
      for (const destination of changed) destination.isUnsaved = false
      if (changed.length === 0 || partition.source.save === undefined) continue
      try {
        await partition.source.save(changed)
      } catch (error) {
        for (const destination of changed) destination.isUnsaved = true
        const reason = error instanceof Error ? error.message : String(error)
        this.#parts.log.error('the states of destinations cannot be kept', { partition: partition.name, reason })
      }
    }
  }

  #source({ name, dbUrl, tableName, isPersistent }: PartitionSettings): DestinationSource {
    const { params, databases, log } = this.#parts
    const isDefault = name === DEFAULT_PARTITION
    if (isDefault && params.list_file !== undefined) {
      if (dbUrl === undefined) return new ListFile(resolve(databases.directory, params.list_file))
      log.warn('both db_url and list_file are set: list_file is not read', { list_file: params.list_file })
    }
    const url = databases.urlOf(dbUrl)
    if (url === undefined)
      throw new Error(`partition ${name} has no source of destinations: set db_url${isDefault ? ' or list_file' : ''}`)
    return new TableSource({ databases, url, tableName, isPersistent, params, log })
  }
}
