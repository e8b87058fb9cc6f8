import { Destination, type DestinationData, DestinationSet } from './destination.ts'
import type { PartitionSettings } from './partition-settings.ts'
import type { DestinationSource } from './source.ts'

/** The sets of one source. */
export class Partition {
  readonly settings: PartitionSettings
  readonly source: DestinationSource
  #sets: ReadonlyMap<number, DestinationSet> = new Map()

  constructor(settings: PartitionSettings, source: DestinationSource) {
    this.settings = settings
    this.source = source
  }

  get name(): string {
    return this.settings.name
  }

  /** In the order in which they were first named. */
  get sets(): readonly DestinationSet[] {
    return [...this.#sets.values()]
  }

  get destinations(): readonly Destination[] {
    return this.sets.flatMap(set => set.destinations)
  }

  set(id: number): DestinationSet | undefined {
    return this.#sets.get(id)
  }

  find(setId: number, uri: string): Destination | undefined {
    return this.#sets.get(setId)?.find(uri)
  }

  /** Puts loaded destinations in the place of all there were. With `inherits`, those there were before keep their state. */
  replace(loaded: readonly DestinationData[], inherits: boolean): void {
    const groups = new Map<number, Destination[]>()
    for (const data of loaded) {
      const destination = new Destination(data)
      const before = inherits ? this.find(data.setId, data.uri) : undefined
      if (before !== undefined) destination.inherit(before)
      const group = groups.get(data.setId)
      if (group === undefined) groups.set(data.setId, [destination])
      else group.push(destination)
    }
    this.#sets = new Map([...groups].map(([id, group]) => [id, new DestinationSet(id, group)]))
  }
}
