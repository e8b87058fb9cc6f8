/**
 * The parameters of every event, as consumers get them: `import type { E_ACC_CDR } from 'fanfare/events'`.
 * Written by `npm run generate`.
 */

/** The default payload of an event. */
export interface Notification<Name extends keyof Events = keyof Events> {
  readonly jsonrpc: '2.0'
  readonly method: Name
  readonly params: Events[Name]
}

/** A call has ended that was accounted with `cdr`. Raised by acc. */
export interface E_ACC_CDR {
  /** Method of the request. */
  readonly method: string
  /** From tag. */
  readonly from_tag: string
  /** To tag; null when there is none. */
  readonly to_tag: string | null
  /** Call-ID. */
  readonly callid: string
  /** Final status, as text. */
  readonly sip_code: string
  /** Its reason phrase. */
  readonly sip_reason: string
  /** When the call was answered, seconds since 1970. */
  readonly time: number
  /** How long the call lasted, in seconds, rounded up. */
  readonly duration: number
  /** How long the call lasted, in milliseconds. */
  readonly ms_duration: number
  /** Seconds from `created` to the answer. */
  readonly setuptime: number
  /** When accounting of the call began, seconds since 1970. */
  readonly created: number
  /** 1: the proxy was restarted during the call. Left out otherwise. */
  readonly recovered?: number
  readonly [extra: string]: string | number | null | undefined
}

/** An accounted transaction was answered, or a script accounted for a request with a code below 300. Raised by acc. */
export interface E_ACC_EVENT {
  /** Method of the request. */
  readonly method: string
  /** From tag. */
  readonly from_tag: string
  /** To tag; null when there is none. */
  readonly to_tag: string | null
  /** Call-ID. */
  readonly callid: string
  /** Final status, as text. */
  readonly sip_code: string
  /** Its reason phrase. */
  readonly sip_reason: string
  /** When the request came, seconds since 1970. */
  readonly time: number
  readonly [extra: string]: string | number | null | undefined
}

/** A call that was accounted with `missed` failed, or a script accounted for a request with a code from 300 on. Raised by acc. */
export interface E_ACC_MISSED_EVENT {
  /** Method of the request. */
  readonly method: string
  /** From tag. */
  readonly from_tag: string
  /** To tag; null when there is none. */
  readonly to_tag: string | null
  /** Call-ID. */
  readonly callid: string
  /** Final status, as text. */
  readonly sip_code: string
  /** Its reason phrase. */
  readonly sip_reason: string
  /** When the request came, seconds since 1970. */
  readonly time: number
  /** Seconds from `created` until the call failed. */
  readonly setuptime: number
  /** When accounting of the call began, seconds since 1970. */
  readonly created: number
  readonly [extra: string]: string | number | null | undefined
}

/** Another node can be reached from now on, or no longer. Raised by clusterer. */
export interface E_CLUSTERER_NODE_STATE_CHANGED {
  /** The cluster. */
  readonly cluster_id: number
  /** The node. */
  readonly node_id: number
  /** 1 up, 0 down. */
  readonly new_state: number
}

/** A request of the script of another node has come. Raised by clusterer. */
export interface E_CLUSTERER_REQ_RECEIVED {
  /** The cluster. */
  readonly cluster_id: number
  /** Node that sent it. */
  readonly src_id: number
  /** The message. */
  readonly msg: string
  /** Tag of the request. */
  readonly tag: string
}

/** The reply of another node to a request has come. Raised by clusterer. */
export interface E_CLUSTERER_RPL_RECEIVED {
  /** The cluster. */
  readonly cluster_id: number
  /** Node that sent it. */
  readonly src_id: number
  /** The message. */
  readonly msg: string
  /** Tag of the request. */
  readonly tag: string
}

/** This node became active for a sharing tag, or backup. Raised by clusterer. */
export interface E_CLUSTERER_SHARING_TAG_CHANGED {
  /** The tag. */
  readonly name: string
  /** Its cluster. */
  readonly cluster: number
  /** `active` or `backup`. */
  readonly state: string
  /** What changed it. */
  readonly reason: string
}

/** A line was written to the log while `log_event_enabled` is on. Raised by core. */
export interface E_CORE_LOG {
  /** Time as the log line shows it. */
  readonly time: string
  /** Process id. */
  readonly pid: number
  /** Level as the log line shows it. */
  readonly level: string
  /** Which part wrote it; absent for the script. */
  readonly module?: string
  /** Always absent here. */
  readonly function?: string
  /** The configured `log_prefix`. */
  readonly prefix?: string
  /** The text. */
  readonly message: string
}

/** The JavaScript heap passed `event_pkg_threshold`. Raised by core. */
export interface E_CORE_PKG_THRESHOLD {
  /** Share in use, whole percent. */
  readonly usage: number
  /** The configured limit, percent. */
  readonly threshold: number
  /** Bytes in use. */
  readonly used: number
  /** Bytes in all. */
  readonly size: number
  /** Process id. */
  readonly pid: number
}

/** A worker was started or ended. Never raised: one event loop serves all. Raised by core. */
export interface E_CORE_PROC_AUTO_SCALE {
  /** Kind of worker group. */
  readonly group_type: string
  /** Which group. */
  readonly group_filter: string
  /** Its load, percent. */
  readonly group_load: number
  /** `up` or `down`. */
  readonly scale: string
  /** Internal process number. */
  readonly process_id: number
  /** Process id. */
  readonly pid: number
}

/** Memory of the process passed `event_shm_threshold`. Raised by core. */
export interface E_CORE_SHM_THRESHOLD {
  /** Share in use, whole percent. */
  readonly usage: number
  /** The configured limit, percent. */
  readonly threshold: number
  /** Bytes in use. */
  readonly used: number
  /** Bytes in all. */
  readonly size: number
}

/** The status of a status/report identifier changed. Raised by core. */
export interface E_CORE_SR_STATUS_CHANGED {
  /** Status group. */
  readonly group: string
  /** Identifier inside the group. */
  readonly identifier: string
  /** The new status; positive is ready. */
  readonly status: number
  /** Text that goes with the new status. */
  readonly details?: string
  /** The status before. */
  readonly old_status: number
}

/** A connection of a stream transport was closed. Raised by core. */
export interface E_CORE_TCP_DISCONNECT {
  /** Address of the peer. */
  readonly src_ip: string
  /** Port of the peer. */
  readonly src_port: number
  /** Our address. */
  readonly dst_ip: string
  /** Our port. */
  readonly dst_port: number
  /** Protocol, `tcp`. */
  readonly proto: string
}

/** A guarded operation took longer than its configured limit. Raised by core. */
export interface E_CORE_THRESHOLD {
  /** What was slow, `msg processing` or `dns`. */
  readonly source: string
  /** How long it took, microseconds. */
  readonly time: number
  /** The message or the name that was looked up. */
  readonly extra: string
}

/** A destination went into or out of service. Raised by dispatcher. */
export interface E_DISPATCHER_STATUS {
  /** Its partition; left out for the default one. */
  readonly partition?: string
  /** Its set. */
  readonly group: number
  /** Its URI, as provisioned. */
  readonly address: string
  /** `active`, or `inactive` for inactive and probing ones. */
  readonly status: string
  /** What changed it. */
  readonly reason: string
}

/** A dialog went from one state to another. Raised by dialog. */
export interface E_DLG_STATE_CHANGED {
  /** Id of the dialog: two hexadecimal numbers written backwards. */
  readonly id: string
  /** The same id as one decimal number. */
  readonly db_id: string
  /** Call-ID. */
  readonly callid: string
  /** Tag of the caller. */
  readonly from_tag: string
  /** Tag of the callee; null until one is known. */
  readonly to_tag: string | null
  /** State left: 1 unconfirmed, 2 early, 3 answered, 4 confirmed, 5 ended. */
  readonly old_state: number
  /** State entered. */
  readonly new_state: number
}

/** The state of a gateway changed. Raised by drouting. */
export interface E_DROUTING_STATUS {
  /** Its partition. */
  readonly partition: string
  /** Its id. */
  readonly gwid: string
  /** Its address, as provisioned. */
  readonly address: string
  /** `active`, `inactive`, `probing` or `disabled MI`. */
  readonly status: string
  /** What changed it. */
  readonly reason: string
}

/** Deliveries of a subscription fail. At most one in ten seconds for each socket and kind. Raised by evi. */
export interface E_EVI_FAILURE {
  /** Name of the event subscribed to, or `*`. */
  readonly event: string
  /** Where it leads, secrets masked. */
  readonly socket: string
  /** `held`: events wait; `dead`: refused for good; `dropped`: given up unsent. */
  readonly kind: string
  /** Code of the error, `E_NOT_CONNECTED`. */
  readonly code: string
  /** What went wrong. */
  readonly reason: string
  /** Held: events that wait. Otherwise: events lost since this was last told. */
  readonly events: number
  /** Id of the latest event lost; empty for `held`. */
  readonly id: string
  /** How often that event was tried. */
  readonly attempts: number
}

/** More than half of the queue of a subscription is full, or an event has waited for a minute. Raised by evi. */
export interface E_EVI_LAG {
  /** Name of the event subscribed to, or `*`. */
  readonly event: string
  /** Where it leads, secrets masked. */
  readonly socket: string
  /** Events that wait. */
  readonly queued: number
  /** How long the oldest has waited, milliseconds. */
  readonly oldest_ms: number
}

/** Deliveries of a subscription go on after they were held up. Raised by evi. */
export interface E_EVI_RECOVERED {
  /** Name of the event subscribed to, or `*`. */
  readonly event: string
  /** Where it leads, secrets masked. */
  readonly socket: string
  /** How long deliveries were held up, milliseconds. */
  readonly down_ms: number
  /** Events that wait. */
  readonly queued: number
}

/** A flatstore file was rotated. Raised by event_flatstore. */
export interface E_FLATSTORE_ROTATION {
  /** Unix time of the rotation, seconds. */
  readonly timestamp: string
  /** `count`, `size`, `period` or `mi`. */
  readonly reason: string
  /** File written from now on. */
  readonly filename: string
  /** File written before. */
  readonly old_filename: string
}

/** A value is at or above its threshold for an alarm. Raised by fraud_detection. */
export interface E_FRD_CRITICAL {
  /** `calls-per-minute`, `total-calls`, `concurrent-calls`, `sequential-calls` or `call-duration`. */
  readonly param: string
  /** The value. */
  readonly value: number
  /** The threshold. */
  readonly threshold: number
  /** User who calls. */
  readonly user: string
  /** Number called. */
  readonly called_number: string
  /** Rule with the threshold. */
  readonly rule_id: number
  /** Its profile. */
  readonly profile_id: number
}

/** A value is at or above its threshold for a warning. Raised by fraud_detection. */
export interface E_FRD_WARNING {
  /** `calls-per-minute`, `total-calls`, `concurrent-calls`, `sequential-calls` or `call-duration`. */
  readonly param: string
  /** The value. */
  readonly value: number
  /** The threshold. */
  readonly threshold: number
  /** User who calls. */
  readonly user: string
  /** Number called. */
  readonly called_number: string
  /** Rule with the threshold. */
  readonly rule_id: number
  /** Its profile. */
  readonly profile_id: number
}

/** A FreeSWITCH server has sent an event that was subscribed to. Raised by freeswitch_scripting. */
export interface E_FREESWITCH {
  /** Its name; `CUSTOM` for events of FreeSWITCH modules. */
  readonly name: string
  /** IP address of the server. */
  readonly sender: string
  /** The whole event, JSON. */
  readonly body: string
}

/** A destination was enabled or disabled. Raised by load_balancer. */
export interface E_LOAD_BALANCER_STATUS {
  /** Its group. */
  readonly group: number
  /** Its URI, as provisioned. */
  readonly uri: string
  /** `enabled` or `disabled`. */
  readonly status: string
}

/** A database server begins or ends to be there. Raised by db_mysql. */
export interface E_MYSQL_CONNECTION {
  /** URL of the database, without its password. */
  readonly url: string
  /** `connected` or `disconnected`. */
  readonly status: string
}

/** An address has sent too many requests and is blocked from now on. Raised by pike. */
export interface E_PIKE_BLOCKED {
  /** The address. */
  readonly ip: string
}

/** A blocked address is no longer blocked: it went below the limit, was forgotten, or was released by pike:rm. Raised by pike. */
export interface E_PIKE_UNBLOCKED {
  /** The address. */
  readonly ip: string
}

/** A database server begins or ends to be there. Raised by db_postgres. */
export interface E_POSTGRES_CONNECTION {
  /** URL of the database, without its password. */
  readonly url: string
  /** `connected` or `disconnected`. */
  readonly status: string
}

/** presence:expose tells of a document. Raised by presence. */
export interface E_PRESENCE_EXPOSED {
  /** User part of the presentity. */
  readonly user: string
  /** Its domain. */
  readonly domain: string
  /** Event package. */
  readonly event: string
  /** Lifetime, seconds. */
  readonly expires: number
  /** Entity tag that was refreshed, changed or removed; null for a new publication. */
  readonly old_etag: string | null
  /** Its entity tag from now on. */
  readonly etag: string
  /** The document. */
  readonly body: string
}

/** A PUBLISH was accepted. Raised by presence. */
export interface E_PRESENCE_PUBLISH {
  /** User part of the presentity. */
  readonly user: string
  /** Its domain. */
  readonly domain: string
  /** Event package. */
  readonly event: string
  /** Lifetime, seconds. */
  readonly expires: number
  /** Entity tag that was refreshed, changed or removed; null for a new publication. */
  readonly old_etag: string | null
  /** Its entity tag from now on. */
  readonly etag: string
  /** The document. */
  readonly body: string
}

/** An internal step was entered or left while process profiling runs. Raised by core. */
export interface E_PROFILING_PROC {
  /** Time of the step, whole seconds since 1970. */
  readonly sec: number
  /** Microseconds of that time. */
  readonly usec: number
  /** Profiling session. */
  readonly session: number
  /** What happened: start, enter, exit or end. */
  readonly verb: string
  /** Route or step. */
  readonly name: string
  /** Kind of step. */
  readonly type: number
  /** Nesting depth. */
  readonly depth: number
  /** Script file. */
  readonly file?: string
  /** Line in it. */
  readonly line?: number
  /** Result of the step. */
  readonly status?: number
}

/** A route or statement was entered or left while script profiling runs. Raised by core. */
export interface E_PROFILING_SCRIPT {
  /** Time of the step, whole seconds since 1970. */
  readonly sec: number
  /** Microseconds of that time. */
  readonly usec: number
  /** Profiling session. */
  readonly session: number
  /** What happened: start, enter, exit or end. */
  readonly verb: string
  /** Route or step. */
  readonly name: string
  /** Kind of step. */
  readonly type: number
  /** Nesting depth. */
  readonly depth: number
  /** Script file. */
  readonly file?: string
  /** Line in it. */
  readonly line?: number
  /** Result of the step. */
  readonly status?: number
}

/** The REGISTER is sent again, with credentials. Raised by uac_registrant. */
export interface E_REGISTRANT_AUTHENTICATING {
  /** Address of record. */
  readonly aor: string
  /** URI of the contact. */
  readonly contact: string
  /** URI of the registrar. */
  readonly registrar: string
}

/** That is sent again, with credentials. Raised by uac_registrant. */
export interface E_REGISTRANT_AUTHENTICATING_UNREGISTER {
  /** Address of record. */
  readonly aor: string
  /** URI of the contact. */
  readonly contact: string
  /** URI of the registrar. */
  readonly registrar: string
}

/** The REGISTER could not be sent. Raised by uac_registrant. */
export interface E_REGISTRANT_INTERNAL_ERROR {
  /** Address of record. */
  readonly aor: string
  /** URI of the contact. */
  readonly contact: string
  /** URI of the registrar. */
  readonly registrar: string
}

/** The registrar has taken the contact. Raised by uac_registrant. */
export interface E_REGISTRANT_REGISTERED {
  /** Address of record. */
  readonly aor: string
  /** URI of the contact. */
  readonly contact: string
  /** URI of the registrar. */
  readonly registrar: string
}

/** A REGISTER is sent. Raised by uac_registrant. */
export interface E_REGISTRANT_REGISTERING {
  /** Address of record. */
  readonly aor: string
  /** URI of the contact. */
  readonly contact: string
  /** URI of the registrar. */
  readonly registrar: string
}

/** The registrar does not answer. Raised by uac_registrant. */
export interface E_REGISTRANT_REGISTER_TIMEOUT {
  /** Address of record. */
  readonly aor: string
  /** URI of the contact. */
  readonly contact: string
  /** URI of the registrar. */
  readonly registrar: string
}

/** The registrar refuses the contact. Raised by uac_registrant. */
export interface E_REGISTRANT_REGISTRAR_ERROR {
  /** Address of record. */
  readonly aor: string
  /** URI of the contact. */
  readonly contact: string
  /** URI of the registrar. */
  readonly registrar: string
}

/** A REGISTER that takes the contact back is sent. Raised by uac_registrant. */
export interface E_REGISTRANT_UNREGISTERING {
  /** Address of record. */
  readonly aor: string
  /** URI of the contact. */
  readonly contact: string
  /** URI of the registrar. */
  readonly registrar: string
}

/** The registrar refuses the credentials. Raised by uac_registrant. */
export interface E_REGISTRANT_WRONG_CREDENTIALS {
  /** Address of record. */
  readonly aor: string
  /** URI of the contact. */
  readonly contact: string
  /** URI of the registrar. */
  readonly registrar: string
}

/** An RTP proxy has heard a key. Raised by rtpproxy. */
export interface E_RTPPROXY_DTMF {
  /** The key. */
  readonly digit: string
  /** How long it was pressed. */
  readonly duration: number
  /** How loud it was. */
  readonly volume: number
  /** Call-ID, or id of the dialog. */
  readonly id: string
  /** 1: `id` is a Call-ID; 0: that of a dialog. */
  readonly is_callid: number
  /** 0 the caller has pressed it, 1 the callee. */
  readonly stream: number
}

/** An RTP proxy starts or stops answering. Raised by rtpproxy. */
export interface E_RTPPROXY_STATUS {
  /** Its address, as configured. */
  readonly socket: string
  /** `active` or `inactive`. */
  readonly status: string
}

/** The last contact of an address of record was removed. Raised by usrloc. */
export interface E_UL_AOR_DELETE {
  /** Location table. */
  readonly domain: string
  /** Address of record. */
  readonly aor: string
}

/** The first contact of an address of record was stored. Raised by usrloc. */
export interface E_UL_AOR_INSERT {
  /** Location table. */
  readonly domain: string
  /** Address of record. */
  readonly aor: string
}

/** A contact was removed: by a registration, a command, a script, or because its time was over. Raised by usrloc. */
export interface E_UL_CONTACT_DELETE {
  /** Location table. */
  readonly domain: string
  /** Address of record. */
  readonly aor: string
  /** Contact URI. */
  readonly uri: string
  /** Where the registration came from, as a URI; null when that is the contact itself. */
  readonly received: string | null
  /** Route set to the contact; null when there is none. */
  readonly path: string | null
  /** q value, 0…1000; −1 when not given. */
  readonly qval: number
  /** User-Agent of the registration. */
  readonly user_agent: string
  /** Socket the registration arrived on; empty when it was not received. */
  readonly socket: string
  /** Branch flags stored with the contact, as a bit mask. */
  readonly bflags: number
  /** When the binding ends, seconds since 1970; 0 never. */
  readonly expires: number
  /** Call-ID of the registration. */
  readonly callid: string
  /** CSeq of the registration. */
  readonly cseq: number
  /** Attributes the script stored with the contact. */
  readonly attr: string
  /** Round trip of the last ping, microseconds; 0 when unknown. */
  readonly latency: number
  /** Sharing tag that owns the contact. */
  readonly shtag: string
}

/** A contact was added. Raised by usrloc. */
export interface E_UL_CONTACT_INSERT {
  /** Location table. */
  readonly domain: string
  /** Address of record. */
  readonly aor: string
  /** Contact URI. */
  readonly uri: string
  /** Where the registration came from, as a URI; null when that is the contact itself. */
  readonly received: string | null
  /** Route set to the contact; null when there is none. */
  readonly path: string | null
  /** q value, 0…1000; −1 when not given. */
  readonly qval: number
  /** User-Agent of the registration. */
  readonly user_agent: string
  /** Socket the registration arrived on; empty when it was not received. */
  readonly socket: string
  /** Branch flags stored with the contact, as a bit mask. */
  readonly bflags: number
  /** When the binding ends, seconds since 1970; 0 never. */
  readonly expires: number
  /** Call-ID of the registration. */
  readonly callid: string
  /** CSeq of the registration. */
  readonly cseq: number
  /** Attributes the script stored with the contact. */
  readonly attr: string
  /** Round trip of the last ping, microseconds; 0 when unknown. */
  readonly latency: number
  /** Sharing tag that owns the contact. */
  readonly shtag: string
}

/** A contact reached by push notifications (RFC 8599) must be woken up to register again. Raised by usrloc. */
export interface E_UL_CONTACT_REFRESH {
  /** Location table. */
  readonly domain: string
  /** Address of record. */
  readonly aor: string
  /** Contact URI. */
  readonly uri: string
  /** Where the registration came from, as a URI; null when that is the contact itself. */
  readonly received: string | null
  /** User-Agent of the registration. */
  readonly user_agent: string
  /** Socket the registration arrived on; empty when it was not received. */
  readonly socket: string
  /** Branch flags stored with the contact, as a bit mask. */
  readonly bflags: number
  /** When the binding ends, seconds since 1970; 0 never. */
  readonly expires: number
  /** Call-ID of the registration. */
  readonly callid: string
  /** Attributes the script stored with the contact. */
  readonly attr: string
  /** Sharing tag that owns the contact. */
  readonly shtag: string
  /** Why: `reg-refresh` before it expires, `ini-` and a method for a request that waits for it. */
  readonly reason: string
  /** Call-ID of the request that waits for it. */
  readonly req_callid: string
}

/** A contact was refreshed. Raised by usrloc. */
export interface E_UL_CONTACT_UPDATE {
  /** Location table. */
  readonly domain: string
  /** Address of record. */
  readonly aor: string
  /** Contact URI. */
  readonly uri: string
  /** Where the registration came from, as a URI; null when that is the contact itself. */
  readonly received: string | null
  /** Route set to the contact; null when there is none. */
  readonly path: string | null
  /** q value, 0…1000; −1 when not given. */
  readonly qval: number
  /** User-Agent of the registration. */
  readonly user_agent: string
  /** Socket the registration arrived on; empty when it was not received. */
  readonly socket: string
  /** Branch flags stored with the contact, as a bit mask. */
  readonly bflags: number
  /** When the binding ends, seconds since 1970; 0 never. */
  readonly expires: number
  /** Call-ID of the registration. */
  readonly callid: string
  /** CSeq of the registration. */
  readonly cseq: number
  /** Attributes the script stored with the contact. */
  readonly attr: string
  /** Round trip of the last ping, microseconds; 0 when unknown. */
  readonly latency: number
  /** Sharing tag that owns the contact. */
  readonly shtag: string
}

/** The round trip of a ping to the contact was measured. Raised by usrloc. */
export interface E_UL_LATENCY_UPDATE {
  /** Location table. */
  readonly domain: string
  /** Address of record. */
  readonly aor: string
  /** Contact URI. */
  readonly uri: string
  /** Where the registration came from, as a URI; null when that is the contact itself. */
  readonly received: string | null
  /** Route set to the contact; null when there is none. */
  readonly path: string | null
  /** q value, 0…1000; −1 when not given. */
  readonly qval: number
  /** User-Agent of the registration. */
  readonly user_agent: string
  /** Socket the registration arrived on; empty when it was not received. */
  readonly socket: string
  /** Branch flags stored with the contact, as a bit mask. */
  readonly bflags: number
  /** When the binding ends, seconds since 1970; 0 never. */
  readonly expires: number
  /** Call-ID of the registration. */
  readonly callid: string
  /** CSeq of the registration. */
  readonly cseq: number
  /** Attributes the script stored with the contact. */
  readonly attr: string
  /** Round trip of the last ping, microseconds; 0 when unknown. */
  readonly latency: number
  /** Sharing tag that owns the contact. */
  readonly shtag: string
}

/** Every event by its name. */
export interface Events {
  readonly E_ACC_CDR: E_ACC_CDR
  readonly E_ACC_EVENT: E_ACC_EVENT
  readonly E_ACC_MISSED_EVENT: E_ACC_MISSED_EVENT
  readonly E_CLUSTERER_NODE_STATE_CHANGED: E_CLUSTERER_NODE_STATE_CHANGED
  readonly E_CLUSTERER_REQ_RECEIVED: E_CLUSTERER_REQ_RECEIVED
  readonly E_CLUSTERER_RPL_RECEIVED: E_CLUSTERER_RPL_RECEIVED
  readonly E_CLUSTERER_SHARING_TAG_CHANGED: E_CLUSTERER_SHARING_TAG_CHANGED
  readonly E_CORE_LOG: E_CORE_LOG
  readonly E_CORE_PKG_THRESHOLD: E_CORE_PKG_THRESHOLD
  readonly E_CORE_PROC_AUTO_SCALE: E_CORE_PROC_AUTO_SCALE
  readonly E_CORE_SHM_THRESHOLD: E_CORE_SHM_THRESHOLD
  readonly E_CORE_SR_STATUS_CHANGED: E_CORE_SR_STATUS_CHANGED
  readonly E_CORE_TCP_DISCONNECT: E_CORE_TCP_DISCONNECT
  readonly E_CORE_THRESHOLD: E_CORE_THRESHOLD
  readonly E_DISPATCHER_STATUS: E_DISPATCHER_STATUS
  readonly E_DLG_STATE_CHANGED: E_DLG_STATE_CHANGED
  readonly E_DROUTING_STATUS: E_DROUTING_STATUS
  readonly E_EVI_FAILURE: E_EVI_FAILURE
  readonly E_EVI_LAG: E_EVI_LAG
  readonly E_EVI_RECOVERED: E_EVI_RECOVERED
  readonly E_FLATSTORE_ROTATION: E_FLATSTORE_ROTATION
  readonly E_FRD_CRITICAL: E_FRD_CRITICAL
  readonly E_FRD_WARNING: E_FRD_WARNING
  readonly E_FREESWITCH: E_FREESWITCH
  readonly E_LOAD_BALANCER_STATUS: E_LOAD_BALANCER_STATUS
  readonly E_MYSQL_CONNECTION: E_MYSQL_CONNECTION
  readonly E_PIKE_BLOCKED: E_PIKE_BLOCKED
  readonly E_PIKE_UNBLOCKED: E_PIKE_UNBLOCKED
  readonly E_POSTGRES_CONNECTION: E_POSTGRES_CONNECTION
  readonly E_PRESENCE_EXPOSED: E_PRESENCE_EXPOSED
  readonly E_PRESENCE_PUBLISH: E_PRESENCE_PUBLISH
  readonly E_PROFILING_PROC: E_PROFILING_PROC
  readonly E_PROFILING_SCRIPT: E_PROFILING_SCRIPT
  readonly E_REGISTRANT_AUTHENTICATING: E_REGISTRANT_AUTHENTICATING
  readonly E_REGISTRANT_AUTHENTICATING_UNREGISTER: E_REGISTRANT_AUTHENTICATING_UNREGISTER
  readonly E_REGISTRANT_INTERNAL_ERROR: E_REGISTRANT_INTERNAL_ERROR
  readonly E_REGISTRANT_REGISTERED: E_REGISTRANT_REGISTERED
  readonly E_REGISTRANT_REGISTERING: E_REGISTRANT_REGISTERING
  readonly E_REGISTRANT_REGISTER_TIMEOUT: E_REGISTRANT_REGISTER_TIMEOUT
  readonly E_REGISTRANT_REGISTRAR_ERROR: E_REGISTRANT_REGISTRAR_ERROR
  readonly E_REGISTRANT_UNREGISTERING: E_REGISTRANT_UNREGISTERING
  readonly E_REGISTRANT_WRONG_CREDENTIALS: E_REGISTRANT_WRONG_CREDENTIALS
  readonly E_RTPPROXY_DTMF: E_RTPPROXY_DTMF
  readonly E_RTPPROXY_STATUS: E_RTPPROXY_STATUS
  readonly E_UL_AOR_DELETE: E_UL_AOR_DELETE
  readonly E_UL_AOR_INSERT: E_UL_AOR_INSERT
  readonly E_UL_CONTACT_DELETE: E_UL_CONTACT_DELETE
  readonly E_UL_CONTACT_INSERT: E_UL_CONTACT_INSERT
  readonly E_UL_CONTACT_REFRESH: E_UL_CONTACT_REFRESH
  readonly E_UL_CONTACT_UPDATE: E_UL_CONTACT_UPDATE
  readonly E_UL_LATENCY_UPDATE: E_UL_LATENCY_UPDATE
}
