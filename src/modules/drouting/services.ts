import type { Log } from '../../log/log.ts'
import type { Host } from '../../module/define.ts'
import type { PvarRef } from '../../script/args.ts'
import type { DroutingParams } from './params.ts'
import type { Registry } from './registry.ts'
import type { Router } from './router.ts'
import type { Statuses } from './status.ts'

/** What the script functions work with. */
export interface DroutingServices {
  readonly params: DroutingParams
  readonly databases: Host['db']
  readonly proxy: Host['proxy']
  readonly registry: Registry
  readonly router: Router
  readonly statuses: Statuses
  readonly log: Log
  /** Takes the partition where `*` stands for any. */
  readonly partitionVariable: PvarRef | null
}
