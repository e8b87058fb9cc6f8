import type { Log } from '../../log/log.ts'
import type { Destination } from './destination.ts'
import type { Partition } from './partition.ts'
import { DEFAULT_PARTITION } from './partition-settings.ts'

/** What is to become of a destination. `probe` counts a failure, and takes it out of service at the threshold. */
export type Change = 'activate' | 'deactivate' | 'probe'

/** Told of every destination whose state has changed; `inactive` stands for probing too. Values in the order of E_DISPATCHER_STATUS. */
export type StatusListener = (status: {
  readonly partition?: string
  readonly group: number
  readonly address: string
  readonly status: 'active' | 'inactive'
  readonly reason: string
}) => void

/** Changes the states of destinations and tells of it. */
export class Statuses {
  readonly #threshold: number
  readonly #log: Log
  readonly #tell: StatusListener

  constructor(threshold: number, log: Log, tell: StatusListener) {
    this.#threshold = threshold
    this.#log = log
    this.#tell = tell
  }

  /** Makes a change. Told of, with its reason, only where the destination is in another state than before. */
  change(partition: Partition, destination: Destination, change: Change, reason: string): void {
    const before = destination.state
    this.#apply(destination, change)
    if (destination.state !== before) this.#changed(partition, destination, before, reason)
  }

  #changed(partition: Partition, destination: Destination, before: string, reason: string): void {
    destination.isUnsaved = true
    const { setId, uri } = destination.data
    this.#log.info('a destination has changed', {
      partition: partition.name,
      set: setId,
      uri,
      from: before,
      to: destination.state,
      reason,
    })
    this.#tell({
      ...(partition.name === DEFAULT_PARTITION ? {} : { partition: partition.name }),
      group: setId,
      address: uri,
      status: destination.isActive ? 'active' : 'inactive',
      reason,
    })
  }

  /** Takes over a state that another node has found, as a number of {@link Destination.stateNumber}. */
  adopt(partition: Partition, destination: Destination, state: number, reason: string): void {
    if (destination.stateNumber === state) return
    const before = destination.state
    destination.isInactive = state === 1
    destination.isProbing = state === 2
    destination.failures = 0
    this.#changed(partition, destination, before, reason)
  }

  #apply(destination: Destination, change: Change): void {
    if (change === 'probe') this.#countFailure(destination)
    else {
      destination.isInactive = change === 'deactivate'
      destination.isProbing = false
      destination.failures = 0
    }
  }

  #countFailure(destination: Destination): void {
    if (destination.isInactive) {
      this.#log.info('a destination that is inactive is not set to probing', { uri: destination.uri })
      return
    }
    destination.failures = Math.min(destination.failures + 1, this.#threshold)
    if (destination.failures >= this.#threshold) destination.isProbing = true
  }
}
