import { optionalParam, param } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'

/** Parameters of the auth_db module (auth_db reference). */
export const authDbParams = {
  db_url: optionalParam('str', 'Database with the users; `db_default_url` if absent.'),
  user_column: param('str', 'username', 'Column of the user name.'),
  domain_column: param('str', 'domain', 'Column of the domain.'),
  password_column: param(
    'str',
    'ha1',
    'Column of H(username ":" realm ":" password) by MD5; with calculate_ha1, of the password.',
  ),
  password_column_2: param(
    'str',
    'ha1b',
    'Column of the same hash of `username@domain`, for credentials whose user name has a domain. 2.x only, unless set.',
  ),
  hash_column_sha256: param('str', 'ha1_sha256', 'Column of the hash by SHA-256.'),
  hash_column_sha512t256: param('str', 'ha1_sha512t256', 'Column of the hash by SHA-512/256.'),
  calculate_ha1: param('int', 0, '1: password_column holds the password itself.'),
  use_domain: optionalParam('int', '1: users are told apart by domain. 1 if absent; 0 in scripts of 2.x.'),
  load_credentials: optionalParam(
    'str',
    'Columns put into AVPs once the credentials have proved right, `column;$avp(name)=column`. None if absent; `rpid` in scripts of 2.x.',
  ),
  skip_version_check: param('int', 0, '1: the versions of the tables are not looked at.'),
  uri_user_column: param('str', 'username', 'Column of the user name in tables of URIs.'),
  uri_domain_column: param('str', 'domain', 'Column of the domain in tables of URIs.'),
  uri_uriuser_column: param('str', 'uri_user', 'Column of the user part of the URI in tables of URIs.'),
} as const

export type AuthDbParams = ParamValues<typeof authDbParams>
