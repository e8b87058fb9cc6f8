import { autoColumn, column, nullableColumn } from '../../db/schema.ts'

/** What was published (presence reference, tables). Times are seconds since 1970. */
export const PRESENTITY_TABLE = {
  name: 'presentity',
  version: 5,
  columns: {
    id: autoColumn,
    username: column('str'),
    domain: column('str'),
    event: column('str'),
    etag: column('str'),
    expires: column('int'),
    received_time: column('int', 0),
    body: column('blob', ''),
    extra_hdrs: nullableColumn('blob'),
    sender: nullableColumn('str'),
  },
} as const

/** Subscriptions. */
export const ACTIVE_WATCHERS_TABLE = {
  name: 'active_watchers',
  version: 12,
  columns: {
    id: autoColumn,
    presentity_uri: column('str'),
    watcher_username: column('str'),
    watcher_domain: column('str'),
    to_user: column('str', ''),
    to_domain: column('str', ''),
    event: column('str', 'presence'),
    event_id: nullableColumn('str'),
    to_tag: column('str'),
    from_tag: column('str'),
    callid: column('str'),
    local_cseq: column('int', 0),
    remote_cseq: column('int', 0),
    contact: column('str'),
    record_route: nullableColumn('str'),
    expires: column('int'),
    status: column('int', 2),
    reason: nullableColumn('str'),
    version: column('int', 0),
    socket_info: column('str', ''),
    local_contact: column('str', ''),
    sharing_tag: nullableColumn('str'),
  },
} as const

/** Who was allowed to watch whom. */
export const WATCHERS_TABLE = {
  name: 'watchers',
  version: 4,
  columns: {
    id: autoColumn,
    presentity_uri: column('str'),
    watcher_username: column('str'),
    watcher_domain: column('str'),
    event: column('str', 'presence'),
    status: column('int'),
    reason: nullableColumn('str'),
    inserted_time: column('int'),
  },
} as const

/** Numbers of the column `status`. */
export const StatusNumber = { active: 1, pending: 2, terminated: 3, waiting: 4 } as const
