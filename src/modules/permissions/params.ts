import { optionalParam, param, repeatedParam } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'

const columnParam = (name: string) => param('str', name, 'Name of the column.')

/** Parameters of the permissions module (permissions reference). */
export const permissionsParams = {
  default_allow_file: param('str', 'permissions.allow', 'Rules that allow_routing() without argument allows by.'),
  default_deny_file: param('str', 'permissions.deny', 'Rules that allow_routing() without argument denies by.'),
  check_all_branches: param('int', 1, '0: allow_routing() looks at the Request-URI alone.'),
  allow_suffix: param('str', '.allow', 'Behind the base name of a file of rules that allow.'),
  deny_suffix: param('str', '.deny', 'Behind the base name of a file of rules that deny.'),
  db_url: optionalParam('str', 'Database with the addresses; `db_default_url` if absent.'),
  address_table: param('str', 'address', 'Table of addresses.'),
  partition: repeatedParam('str', 'Further addresses, `name: db_url=…; table_name=…`.'),
  ip_col: columnParam('ip'),
  proto_col: columnParam('proto'),
  pattern_col: columnParam('pattern'),
  info_col: columnParam('context_info'),
  grp_col: columnParam('grp'),
  mask_col: columnParam('mask'),
  port_col: columnParam('port'),
  id_col: columnParam('id'),
} as const

export type PermissionsParams = ParamValues<typeof permissionsParams>
