import type { Log } from '../../log/log.ts'
import type { Host, ModuleApis } from '../../module/define.ts'
import type { Clock } from '../../util/clock.ts'
import type { Notifier } from './notifier.ts'
import type { EventPackages } from './packages.ts'
import type { PresenceParams } from './params.ts'
import type { Presentities } from './presentity.ts'
import type { PresenceStorage } from './storage.ts'
import type { Subscriptions } from './subscription.ts'

/** An accepted PUBLISH, as its event tells it. */
export interface PublishedFields {
  readonly user: string
  readonly domain: string
  readonly event: string
  readonly expires: number
  readonly old_etag: string | null
  readonly etag: string
  readonly body: string
}

/** What the parts of the module work with. */
export interface PresenceServices {
  readonly host: Host
  readonly clock: Clock
  readonly log: Log
  readonly params: PresenceParams
  readonly tm: ModuleApis['tm']
  readonly packages: EventPackages
  readonly presentities: Presentities
  readonly subscriptions: Subscriptions
  readonly notifier: Notifier
  /** Null: memory only. */
  readonly storage: PresenceStorage | null
  readonly published: (fields: PublishedFields) => void
}
