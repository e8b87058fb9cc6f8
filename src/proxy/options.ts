import type { Step } from '../script/context.ts'

/** How the engine works; names follow the script's settings. */
export interface EngineOptions {
  /** `check_via`: discard replies whose topmost Via is not ours. */
  readonly checkVia: boolean
  /** Complete header line without line end, `Server: …`, or null for none (`server_signature`, `server_header`). */
  readonly serverHeader: string | null
  /** `sip_warning` */
  readonly sipWarning: boolean
  /** `advertised_address`, `advertised_port` */
  readonly advertisedHost: string | null
  readonly advertisedPort: number | null
  /** False with `disable_stateless_fwd`: replies that match no transaction are dropped. */
  readonly forwardStrayReplies: boolean
  /** `mhomed`: choose the sending socket by where the next hop is. */
  readonly mhomed: boolean
  /** `tcp_accept_aliases`: 0 never, 1 where Via says `alias`, 2 always (RFC 5923). */
  readonly acceptAliases: number
  /** `tcp_no_new_conn_bflag`: mask of the branch flag that forbids opening a connection for a request; 0 none. */
  readonly noNewConnectionBranchFlag: number
  /** `tcp_no_new_conn_rplflag`: mask of the message flag that forbids opening one for a reply; 0 none. */
  readonly noNewConnectionReplyFlag: number
  /** `loop_guard`: answer a request that comes back unchanged with 482. */
  readonly guardsLoops: boolean
  /** Most messages whose routes may wait for something at the same time; further ones are dropped. */
  readonly maxWaiting: number
}

/** The script's defaults (script reference, global settings). */
export const ENGINE_DEFAULTS: EngineOptions = {
  checkVia: false,
  serverHeader: null,
  sipWarning: false,
  advertisedHost: null,
  advertisedPort: null,
  forwardStrayReplies: true,
  mhomed: false,
  acceptAliases: 0,
  noNewConnectionBranchFlag: 0,
  noNewConnectionReplyFlag: 0,
  guardsLoops: false,
  maxWaiting: 20_000,
}

/** The routes the engine runs by itself; replaced as a whole when the script is loaded anew. */
export interface EngineRoutes {
  /** `route{}` */
  readonly main: Step | null
  /** `onreply_route{}` */
  readonly onreply: Step | null
  /** `error_route{}` */
  readonly error: Step | null
}

/** No script yet: requests are absorbed, replies forwarded. */
export const NO_ROUTES: EngineRoutes = { main: null, onreply: null, error: null }
