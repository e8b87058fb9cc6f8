import type { Log } from '../../log/log.ts'
import type { StatusReports } from '../../stats/status-report.ts'
import { type Gateway, State } from './gateway.ts'
import type { Partition } from './partition.ts'

/** Told of every gateway whose state has changed. Values in the order of E_DROUTING_STATUS. */
export type StatusListener = (status: {
  readonly partition: string
  readonly gwid: string
  readonly address: string
  readonly status: string
  readonly reason: string
}) => void

/** What is to become of a gateway; `lock` is for people: probing does not undo it. */
export type Change = 'enable' | 'disable' | 'lock'

const STATES = { enable: State.active, disable: State.disabled, lock: State.locked } as const

/** Changes the states of gateways and tells of it. */
export class Statuses {
  readonly #log: Log
  readonly #reports: StatusReports
  readonly #tell: StatusListener

  constructor(log: Log, reports: StatusReports, tell: StatusListener) {
    this.#log = log
    this.#reports = reports
    this.#tell = tell
  }

  /** Makes a change. Told of, with its reason, only where it is one. */
  change(partition: Partition, gateway: Gateway, change: Change, reason: string): void {
    this.set(partition, gateway, STATES[change], reason)
  }

  /** The same, by the number of the state. */
  set({ name: partition }: Partition, gateway: Gateway, state: State, reason: string): void {
    const before = gateway.status
    if (gateway.state === state) return
    gateway.state = state
    gateway.isUnsaved = true
    const { id, status, data } = gateway
    this.#log.info('a gateway has changed', { partition, gateway: id, from: before, to: status, reason })
    this.#reports.report('drouting', `${partition};events`, `gateway <${id}> switched to [${status}] due to ${reason}`)
    this.#tell({ partition, gwid: id, address: data.address, status, reason })
  }
}
