import { autoColumn, column } from '../../db/schema.ts'

/** The table of aliases. */
export const ALIAS_TABLE = {
  name: 'dbaliases',
  version: 2,
  formerVersions: [1],
  columns: {
    id: autoColumn,
    alias_username: column('str'),
    alias_domain: column('str', ''),
    username: column('str'),
    domain: column('str', ''),
  },
} as const
