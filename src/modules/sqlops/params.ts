import { param, repeatedParam } from '../../module/define.ts'

/** The parameters of sqlops. */
export const sqlopsParams = {
  db_url: repeatedParam(
    'str',
    'A database, `url` or `number url`; functions without a number mean the first one. `db_default_url` if absent.',
  ),
  usr_table: param('str', 'usr_preferences', 'Table of the values that sql_avp_load() and its like work on.'),
  use_domain: param('int', 0, 'Whether a URI means the user of its domain.'),
  uuid_column: param('str', 'uuid', 'Its column of unique ids.'),
  username_column: param('str', 'username', 'Its column of users.'),
  domain_column: param('str', 'domain', 'Its column of domains.'),
  attribute_column: param('str', 'attribute', 'Its column of names.'),
  value_column: param('str', 'value', 'Its column of values.'),
  type_column: param('str', 'type', 'Its column of types: 2 is a text, 0 a number.'),
  bigint_to_str: param('int', 0, 'Whether integers beyond 32 bits are read as text.'),
} as const
