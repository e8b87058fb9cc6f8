import type { Log } from '../../log/log.ts'
import type { Host, ModuleApis } from '../../module/define.ts'
import type { NodeSets } from './node-sets.ts'

/** What every file of the module works with. */
export interface RtpProxyServices {
  readonly log: Log
  readonly proxy: Pick<Host['proxy'], 'resolve' | 'replyHop'>
  /** RTP proxies are told where each description goes to (`rtpproxy_autobridge`). */
  readonly bridges: boolean
  readonly sets: NodeSets
  /** Null where the module is not loaded. */
  readonly dialog: ModuleApis['dialog'] | null
  readonly tm: ModuleApis['tm'] | null
  /** Line that marks a description an RTP proxy is in; '' for none. */
  readonly mark: string
  /** Where RTP proxies report to; null for nowhere. */
  readonly notifySocket: string | null
}
