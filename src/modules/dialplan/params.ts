import { optionalParam, param, repeatedParam } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'

const columnParam = (name: string) => param('str', name, 'Name of the column.')

/** The module's parameters. */
export const dialplanParams = {
  db_url: optionalParam('str', 'Database with the rules of the default partition; `db_default_url` if absent.'),
  table_name: param('str', 'dialplan', 'Table with these rules.'),
  partition: repeatedParam(
    'str',
    'Further rules, `name: db_url=…; table_name=…`; the name `default` sets the default up.',
  ),
  id_col: columnParam('id'),
  dpid_col: columnParam('dpid'),
  pr_col: columnParam('pr'),
  match_op_col: columnParam('match_op'),
  match_exp_col: columnParam('match_exp'),
  match_flags_col: columnParam('match_flags'),
  subst_exp_col: columnParam('subst_exp'),
  repl_exp_col: columnParam('repl_exp'),
  timerec_col: columnParam('timerec'),
  disabled_col: columnParam('disabled'),
  attrs_col: columnParam('attrs'),
} as const

export type DialplanParams = ParamValues<typeof dialplanParams>
