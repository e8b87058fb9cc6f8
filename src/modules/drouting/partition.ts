import type { AvpStore } from '../../script/avp.ts'
import type { PartitionSettings } from './partition-settings.ts'
import { RoutingData } from './routing-data.ts'
import type { Session } from './session.ts'

/** A set of gateways, carriers and rules. */
export class Partition {
  readonly settings: PartitionSettings
  data = new RoutingData(new Map(), new Map())
  /** When it was loaded last, wall clock; 0 before. */
  loadedMs = 0
  isReloading = false
  /** What each call that was routed has left to try. Its AVPs go with it through all its routes. */
  readonly sessions = new WeakMap<AvpStore, Session>()

  constructor(settings: PartitionSettings) {
    this.settings = settings
  }

  get name(): string {
    return this.settings.name
  }

  /** Puts what was loaded in the place of what there was. With `inherits`, gateways and carriers keep their states. */
  replace(loaded: RoutingData, inherits: boolean): void {
    if (inherits) {
      for (const [id, gateway] of loaded.gateways) {
        const before = this.data.gateways.get(id)
        if (before !== undefined) gateway.inherit(before)
      }
      for (const [id, carrier] of loaded.carriers) {
        const before = this.data.carriers.get(id)
        if (before !== undefined) carrier.inherit(before)
      }
    }
    this.data = loaded
  }
}
