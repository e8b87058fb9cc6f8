import { arg, optional } from '../../module/define.ts'

const avp = arg('avp', 'str', '`$avp(name)`, and flags behind a slash.')
const database = optional(arg('database', 'str', 'Number of the database in db_url; the first one if absent.'))
const source = arg('source', 'str', 'Whose: `$fu/username`, `$ru/uri`, `text/uuid`.')
const name = arg('name', 'str', 'Which: `$avp(name)`, `$avp(name)/table`, or `a` for all.')
const LOADED = '1; −1 there is nothing, or the database refused'

/** Functions on AVPs, as data. */
export const avpopsSpecs = {
  avp_db_query: {
    args: [
      arg('query', 'str', 'The SQL statement.'),
      optional(arg('results', 'str', 'Variables for the columns, `$avp(a);$avp(b)`; `$avp(1)` … if absent.')),
      database,
    ],
    routes: 'any',
    async: true,
    returns: '1; −2 nothing was found; −1 the database refused',
    doc: 'Runs a statement. Each column becomes a list of values, index 0 that of the first row; NULL is `<null>`.',
  },
  avp_db_load: {
    args: [source, name, database, optional(arg('prefix', 'str', 'Stands before the names of the AVPs.'))],
    routes: 'any',
    async: true,
    returns: LOADED,
    doc: 'Loads values of a user into AVPs.',
  },
  avp_db_store: {
    args: [source, name, database],
    routes: 'any',
    async: true,
    returns: LOADED,
    doc: 'Stores values of AVPs for a user.',
  },
  avp_db_delete: {
    args: [source, name, database],
    routes: 'any',
    async: true,
    returns: '1; −1 the database refused',
    doc: 'Deletes values of a user.',
  },
  avp_check: {
    args: [
      avp,
      arg(
        'test',
        'str',
        '`op/value/flags`; op is eq, ne, lt, le, gt, ge, re, fm, and, or or xor; flags g all values, i any case.',
      ),
    ],
    routes: 'any',
    returns: '1 it holds, −1 it does not',
    doc: 'Whether a value satisfies a test.',
  },
  avp_copy: {
    args: [avp, arg('target', 'str', 'The other one; flags g all values, d take them away, n as numbers, c as texts.')],
    routes: 'any',
    returns: '1; −1 there is no value',
    doc: 'Copies values of an AVP to another one.',
  },
  avp_delete: {
    args: [avp],
    routes: 'any',
    returns: '1; −1 there was none',
    doc: 'Takes the newest value away, with g all.',
  },
  avp_insert: {
    args: [
      arg('avp', 'var', 'The AVP.'),
      arg('value', 'str', 'What is inserted.'),
      arg('index', 'int', 'Where; the end where there are fewer values.'),
    ],
    routes: 'any',
    returns: '1',
    doc: 'Inserts a value into an AVP.',
  },
  avp_op: {
    args: [
      arg('avp', 'str', '`$avp(name)`, or `$avp(name)/$avp(result)`.'),
      arg(
        'operation',
        'str',
        '`op/value/flags`; op is add, sub, mul, div, mod, and, or, xor or not; flags g all values, d take the old away.',
      ),
    ],
    routes: 'any',
    returns: '1; −1 there is no number',
    doc: 'Calculates with the values of an AVP.',
  },
  avp_pushto: {
    args: [arg('target', 'var', 'What gets the value: `$ru`, `$du`, `$avp(x)` …'), avp],
    routes: 'any',
    returns: '1; −1 there is none, or it is not taken',
    doc: 'Writes the value of an AVP to a variable, with g all of them.',
  },
  avp_subst: {
    args: [
      arg('avp', 'str', '`$avp(name)`, or `$avp(name)/$avp(result)/flags`; flags g all values, d take the old away.'),
      arg('substitution', 'str', '`/pattern/replacement/flags`, as of sed; flags i any case, g every place.'),
    ],
    routes: 'any',
    returns: '1 something was substituted, −1 nothing was',
    doc: 'Substitutes in the values of an AVP.',
  },
  is_avp_set: {
    args: [arg('avp', 'str', '`$avp(name)`; flags e also not empty, n a number, s a text.')],
    routes: 'any',
    returns: '1 it has a value, −1 it has none',
    doc: 'Whether an AVP has a value.',
  },
} as const
