import { optionalParam, param } from '../../module/define.ts'

/** Parameters of the domain module. */
export const domainParams = {
  db_url: optionalParam('str', 'Database with the domains; `db_default_url` if absent.'),
  db_mode: param('int', 0, '0: each question is put to the database; 1: the domains are loaded once.'),
  domain_table: param('str', 'domain', 'Table of the domains.'),
  domain_col: param('str', 'domain', 'Column of the domain.'),
  attrs_col: param('str', 'attrs', 'Column of its attributes.'),
  subdomain_col: param('str', 'accept_subdomain', 'Column that is 1 where the domains below it are served too.'),
} as const
