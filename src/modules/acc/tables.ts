import { autoColumn, column, nullableColumn } from '../../db/schema.ts'

const core = {
  id: autoColumn,
  method: column('str', ''),
  from_tag: column('str', ''),
  to_tag: column('str', ''),
  callid: column('str', ''),
  sip_code: column('str', ''),
  sip_reason: column('str', ''),
  time: column('time'),
} as const

/** Answered transactions, and calls with their durations (acc reference, formats). */
export const ACC_TABLE = {
  name: 'acc',
  version: 7,
  columns: {
    ...core,
    duration: column('int', 0),
    ms_duration: column('int', 0),
    setuptime: column('int', 0),
    created: nullableColumn('time'),
    /** 1: the proxy was restarted during the call. */
    recovered: nullableColumn('int'),
  },
} as const

/** Calls that failed. */
export const MISSED_CALLS_TABLE = {
  name: 'missed_calls',
  version: 5,
  columns: { ...core, setuptime: column('int', 0), created: nullableColumn('time') },
} as const
