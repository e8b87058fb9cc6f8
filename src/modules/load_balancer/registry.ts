import type { Log } from '../../log/log.ts'
import { Destination, type DestinationData } from './destination.ts'

/** Told of every destination that was enabled or disabled. Values in the order of E_LOAD_BALANCER_STATUS. */
export type StatusListener = (status: {
  readonly group: number
  readonly uri: string
  readonly status: 'enabled' | 'disabled'
}) => void

/** Every destination, and the changes of their states. */
export class Registry {
  readonly #log: Log
  readonly #tell: StatusListener
  #destinations: ReadonlyMap<number, Destination> = new Map()
  #resources: ReadonlySet<string> = new Set()

  constructor(log: Log, tell: StatusListener) {
    this.#log = log
    this.#tell = tell
  }

  /** In the order of the table. */
  get all(): readonly Destination[] {
    return [...this.#destinations.values()]
  }

  find(id: number): Destination | undefined {
    return this.#destinations.get(id)
  }

  /** Whether any destination provides a resource. */
  hasResource(name: string): boolean {
    return this.#resources.has(name)
  }

  /** Puts loaded destinations in the place of all there were; those there were before keep their state. */
  replace(loaded: readonly DestinationData[]): void {
    const destinations = loaded.map(data => {
      const destination = new Destination(data)
      const before = this.#destinations.get(data.id)
      if (before !== undefined && before.uri === data.uri && before.data.group === data.group)
        destination.inherit(before)
      return destination
    })
    this.#destinations = new Map(destinations.map(destination => [destination.data.id, destination]))
    this.#resources = new Set(loaded.flatMap(({ resources }) => resources.map(({ name }) => name)))
  }

  /** Enables or disables. Told of only where that is a change. `isVerbose`: it is worth a line in the log. */
  switch(destination: Destination, isEnabled: boolean, reason: string, isVerbose = true): void {
    if (destination.isEnabled === isEnabled) return
    destination.isEnabled = isEnabled
    const { data, uri } = destination
    const status = isEnabled ? 'enabled' : 'disabled'
    if (isVerbose) this.#log.info('a destination has changed', { id: data.id, group: data.group, uri, status, reason })
    this.#tell({ group: data.group, uri, status })
  }
}
