import type { Log } from '../../log/log.ts'
import type { ModuleApis } from '../../module/define.ts'
import type { SipProxy } from '../../proxy/proxy.ts'
import type { SealedText } from '../../util/sealed-text.ts'
import type { PassedParams } from './contact.ts'

/** What every file of the module works with. */
export interface TopologyServices {
  readonly log: Log
  readonly proxy: SipProxy
  readonly tm: ModuleApis['tm']
  /** Null where the module is not loaded. */
  readonly dialog: ModuleApis['dialog'] | null
  readonly forcesDialog: boolean
  readonly passed: PassedParams
  readonly callIdPrefix: string
  readonly callIdSeal: SealedText
  readonly contactParam: string
  readonly contactSeal: SealedText
}

/** The Call-ID that callees see instead. */
export function changedCallId({ callIdPrefix, callIdSeal }: TopologyServices, callId: string): string {
  return callIdPrefix + callIdSeal.seal(callId)
}

/** The Call-ID behind a changed one; null where it is none. */
export function originalCallId({ callIdPrefix, callIdSeal }: TopologyServices, callId: string): string | null {
  return callId.startsWith(callIdPrefix) ? callIdSeal.open(callId.slice(callIdPrefix.length)) : null
}
