import type { StatusReports } from '../../stats/status-report.ts'
import type { Clock } from '../../util/clock.ts'
import { State } from './gateway.ts'
import { Partition } from './partition.ts'
import { DEFAULT_PARTITION, partitionSettings } from './partition-settings.ts'
import { loadPartition, type SourceParts } from './table-source.ts'
import { CARRIERS_TABLE, GATEWAYS_TABLE } from './tables.ts'

interface RegistryParts extends SourceParts {
  readonly clock: Clock
  readonly reports: StatusReports
  /** Called after each load of a partition. */
  readonly onLoaded: (partition: Partition) => void
}

/** Every partition. */
export class Registry {
  readonly #parts: RegistryParts
  #partitions: ReadonlyMap<string, Partition> = new Map()

  constructor(parts: RegistryParts) {
    this.#parts = parts
  }

  get all(): readonly Partition[] {
    return [...this.#partitions.values()]
  }

  /** By name, the default one without. */
  find(name: string | undefined): Partition | undefined {
    return this.#partitions.get(name === undefined || name === '' ? DEFAULT_PARTITION : name)
  }

  /** Makes the partitions and loads them. Rejects where one cannot be loaded. */
  async start(): Promise<void> {
    const { params, databases, log, reports } = this.#parts
    const settings = await partitionSettings(params, databases, log)
    this.#partitions = new Map(settings.map(one => [one.name, new Partition(one)]))
    for (const partition of this.all) {
      reports.set('drouting', `${partition.name};events`, 1, null)
      await this.#load(partition, false)
      reports.set('drouting', partition.name, 1, 'data available')
    }
  }

  /** Loads a partition anew. Rejects when its tables cannot be read; what there was before then stays. */
  async reload(partition: Partition, inherits: boolean): Promise<void> {
    const { reports } = this.#parts
    reports.set('drouting', partition.name, 2, 'data re-loading')
    partition.isReloading = true
    try {
      await this.#load(partition, inherits)
    } finally {
      partition.isReloading = false
      reports.set('drouting', partition.name, 1, 'data available')
    }
  }

  /** Writes the states that have changed to the tables. */
  async save(): Promise<void> {
    if (this.#parts.params.persistent_state === 0) return
    for (const partition of this.all) {
      try {
        await this.#save(partition)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        this.#parts.log.error('the states of gateways cannot be kept', { partition: partition.name, reason })
      }
    }
  }

  async #load(partition: Partition, inherits: boolean): Promise<void> {
    const { clock, reports, onLoaded } = this.#parts
    const { name } = partition
    reports.report('drouting', name, 'starting DB data loading')
    try {
      const { data, summary } = await loadPartition(this.#parts, partition.settings)
      partition.replace(data, inherits)
      partition.loadedMs = clock.nowMs()
      reports.report('drouting', name, 'DB data loading successfully completed')
      reports.report('drouting', name, summary)
    } catch (error) {
      reports.report('drouting', name, 'DB data loading failed, the data there was is kept')
      throw error
    }
    onLoaded(partition)
  }

  async #save({ data, settings }: Partition): Promise<void> {
    const gateways = [...data.gateways.values()].filter(({ isUnsaved }) => isUnsaved)
    const carriers = [...data.carriers.values()].filter(({ isUnsaved }) => isUnsaved)
    if (gateways.length + carriers.length === 0) return
    const database = await this.#parts.databases.open(settings.url)
    if (gateways.length > 0) {
      const table = await database.table(GATEWAYS_TABLE, { table: settings.tables.gateways })
      for (const gateway of gateways) {
        await table.update({ state: gateway.state }, [['gwid', '=', gateway.id]])
        gateway.isUnsaved = false
      }
    }
    if (carriers.length > 0) {
      const table = await database.table(CARRIERS_TABLE, { table: settings.tables.carriers })
      for (const carrier of carriers) {
        await table.update({ state: carrier.isEnabled ? State.active : State.locked }, [['carrierid', '=', carrier.id]])
        carrier.isUnsaved = false
      }
    }
  }
}
