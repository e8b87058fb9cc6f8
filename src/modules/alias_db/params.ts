import { optionalParam, param } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'

const columnParam = (name: string) => param('str', name, 'Name of the column.')

/** Parameters of the alias_db module. */
export const aliasParams = {
  db_url: optionalParam('str', 'Database with the aliases; `db_default_url` if absent.'),
  user_column: columnParam('username'),
  domain_column: columnParam('domain'),
  alias_user_column: columnParam('alias_username'),
  alias_domain_column: columnParam('alias_domain'),
  domain_prefix: optionalParam('str', 'Taken off the front of the domain before it is looked for.'),
  append_branches: param(
    'int',
    0,
    '1: where an alias stands for several users, alias_db_lookup() adds branches for the others.',
  ),
} as const

export type AliasParams = ParamValues<typeof aliasParams>
