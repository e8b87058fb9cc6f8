import type { Log } from '../../log/log.ts'
import type { SipProxy } from '../../proxy/proxy.ts'
import type { PvarRef } from '../../script/args.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import type { Clock } from '../../util/clock.ts'
import type { AorSettings } from './aor.ts'
import type { Gruus } from './gruu.ts'
import type { Location } from './location.ts'
import type { Push } from './push.ts'
import type { SaveDefaults } from './save-flags.ts'

/** What the registrar's functions share: settings read from the parameters, and what they work on. */
export interface Registrar {
  readonly clock: Clock
  readonly log: Log
  readonly proxy: SipProxy
  readonly location: Location
  readonly reply: (m: RouteContext, code: number, reason: string) => Verdict
  readonly aor: AorSettings
  readonly saveDefaults: SaveDefaults
  readonly defaultExpiresS: number
  readonly defaultQ: number
  readonly mostContactChars: number
  readonly deviationS: number
  readonly retryAfterS: number
  readonly acceptsSameCseq: boolean
  readonly evictLast: boolean
  readonly receivedParam: string
  readonly socketHeader: string | undefined
  /** Null until the module has started, and where the parameter is not set. */
  readonly variables: {
    received: PvarRef | null
    attr: PvarRef | null
    aor: PvarRef | null
    /** Contact as it was sent upstream, where the script changed it. */
    modifiedContact: PvarRef | null
  }
  /** Null where push notifications are off. */
  push: Push | null
  /** Null where GRUUs are disabled. */
  readonly gruu: Gruus | null
  /** Keeps the connection a registration came by as long as the registration, where the script has set the flag for it. */
  readonly keepConnection: (m: RouteContext, expiresS: number) => void
  readonly counters: { readonly accepted: { value: number }; readonly rejected: { value: number } }
  readonly random: () => number
}
