import { autoColumn, column, nullableColumn } from '../../db/schema.ts'

/** The table of users, as it is made. What is read of it follows from the parameters. */
export const SUBSCRIBER_TABLE = {
  name: 'subscriber',
  version: 8,
  // With ha1b instead of the hashes by SHA.
  formerVersions: [7],
  columns: {
    id: autoColumn,
    username: column('str', ''),
    domain: column('str', ''),
    password: column('str', ''),
    ha1: column('str', ''),
    ha1_sha256: column('str', ''),
    ha1_sha512t256: column('str', ''),
  },
} as const

/** The table that says which URIs belong to which users. */
export const URI_TABLE = {
  name: 'uri',
  version: 2,
  columns: {
    id: autoColumn,
    username: column('str'),
    domain: column('str'),
    uri_user: column('str'),
    last_modified: nullableColumn('time'),
  },
} as const
