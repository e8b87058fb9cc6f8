import { defineModule, param, repeatedParam } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { compileOperation } from './arithmetic.ts'
import { compileCheck } from './check.ts'
import { cutOperands, integerOf, parseOperand, removeValues, replaceValues } from './operands.ts'
import { avpopsSpecs } from './specs.ts'
import { compileSubstitution } from './substitution.ts'

const DONE = 1
const FAILED = -1

/** Functions on AVPs and on databases, as scripts before 3.5 call them. */
export default defineModule(
  {
    name: 'avpops',
    doc: 'Functions on AVPs, and SQL statements and users’ values under the names they had before sqlops.',
    depends: ['sqlops'],
    brings: ['sqlops'],
    params: {
      db_url: repeatedParam(
        'str',
        'A database, `url` or `number url`; functions without a number mean the first one. `db_default_url` if absent.',
      ),
      avp_table: param('str', 'usr_preferences', 'Table of the values that avp_db_load() and its like work on.'),
      use_domain: param('int', 0, 'Whether a URI means the user of its domain.'),
      uuid_column: param('str', 'uuid', 'Its column of unique ids.'),
      username_column: param('str', 'username', 'Its column of users.'),
      domain_column: param('str', 'domain', 'Its column of domains.'),
      attribute_column: param('str', 'attribute', 'Its column of names.'),
      value_column: param('str', 'value', 'Its column of values.'),
      type_column: param('str', 'type', 'Its column of types: 2 is a text, 0 a number.'),
      bigint_to_str: param('int', 0, 'Whether integers beyond 32 bits are read as text.'),
    },
    functions: avpopsSpecs,
  },
  ({ host, params, use }) => {
    const variable = (text: string): PvarRef => host.script.variable(text)
    const steps = use('sqlops').steps({
      urls: params.db_url,
      bigIsText: params.bigint_to_str !== 0,
      preferences: {
        table: params.avp_table,
        usesDomain: params.use_domain !== 0,
        columns: {
          uuid: params.uuid_column,
          username: params.username_column,
          domain: params.domain_column,
          attribute: params.attribute_column,
          value: params.value_column,
          type: params.type_column,
        },
      },
    })
    /** These texts name variables or say what is done, so they are taken as written and not as formats. */
    const written = <T>(one: Arg<string>, compile: (text: string) => T): T => {
      try {
        return compile(one.text.replace(/^(["'])(.*)\1$/s, '$2'))
      } catch (error) {
        return one.reject(error instanceof Error ? error.message : String(error))
      }
    }
    const operand = (one: Arg<string>) => written(one, text => parseOperand(text, variable))
    /** `$avp(a)/$avp(b)/flags`: without the second one the first is written to. */
    const pair = (one: Arg<string>) =>
      written(one, text => {
        const [from = '', to = '', flags = ''] = cutOperands(text)
        const hasTarget = to.startsWith('$')
        const source = parseOperand(from, variable).variable
        return { source, target: hasTarget ? variable(to) : source, flags: hasTarget ? flags : to }
      })
    return {
      functions: {
        avp_db_query: (query, dest, id) => steps.query('all rows', query, dest, id),
        avp_db_load: (source, name, id, prefix) => steps.load(source, name, id, prefix),
        avp_db_store: (source, name, id) => steps.store(source, name, id),
        avp_db_delete: (source, name, id) => steps.remove(source, name, id),
        avp_check: (avp, test) => {
          const { variable: subject } = operand(avp)
          const check = written(test, text => compileCheck(text, variable))
          return m => (check(subject.all(m), m) ? DONE : FAILED)
        },
        avp_copy: (avp, target) => {
          const { variable: from } = operand(avp)
          const { variable: to, flags } = operand(target)
          return m => {
            const values = chosen(from.all(m), flags)
            if (flags.includes('d')) removeValues({ variable: from, flags }, m)
            for (const value of values.toReversed()) to.set(m, converted(value, flags))
            return values.length > 0 ? DONE : FAILED
          }
        },
        avp_delete: avp => {
          const subject = operand(avp)
          return m => {
            const hasAny = subject.variable.all(m).length > 0
            removeValues(subject, m)
            return hasAny ? DONE : FAILED
          }
        },
        avp_insert: (avp, value, index) => m => {
          const target = avp.read(m)
          const values = [...target.all(m)]
          values.splice(Math.max(0, index.read(m)), 0, value.read(m))
          return replaceValues(target, m, values) ? DONE : FAILED
        },
        avp_op: (avp, operation) => {
          const { source, target } = pair(avp)
          const { run, flags } = written(operation, text => compileOperation(text, variable))
          return m => change(m, source, target, flags, value => run(value, m))
        },
        avp_pushto: (target, avp) => {
          const { variable: from, flags } = operand(avp)
          return m => {
            const values = chosen(from.all(m), flags)
            const to = target.read(m)
            return values.length > 0 && values.toReversed().every(value => to.set(m, value)) ? DONE : FAILED
          }
        },
        avp_subst: (avp, substitution) => {
          const { source, target, flags } = pair(avp)
          const substitute = written(substitution, text => compileSubstitution(text, part => host.script.format(part)))
          return m => change(m, source, target, flags, value => substitute(String(value), m))
        },
        is_avp_set: avp => {
          const { variable: subject, flags } = operand(avp)
          return m => {
            const value = subject.get(m)
            if (value === null || (flags.includes('e') && value === '')) return FAILED
            if (flags.includes('n')) return integerOf(value) === null ? FAILED : DONE
            return flags.includes('s') && typeof value !== 'string' ? FAILED : DONE
          }
        },
      },
      start: () => steps.start(),
    }
  },
)

/** With `g` all values, else the newest. */
const chosen = (values: readonly Value[], flags: string): readonly Value[] =>
  flags.includes('g') ? values : values.slice(0, 1)

function converted(value: Value, flags: string): Value {
  if (flags.includes('n')) return integerOf(value) ?? value
  return flags.includes('c') && value !== null ? String(value) : value
}

/**
 * Gives values their results, null for what stays as it is: in their place, or, where the target is another one, added to it;
 * with `d` the old ones go. −1 where there was no result.
 */
function change(
  m: RouteContext,
  source: PvarRef,
  target: PvarRef,
  flags: string,
  resultOf: (value: Value) => Value,
): number {
  const values = source.all(m)
  const results = values.map((value, i) => (i > 0 && !flags.includes('g') ? null : resultOf(value)))
  if (results.every(result => result === null)) return FAILED
  if (source === target)
    return replaceValues(
      source,
      m,
      results.map((result, i) => result ?? values[i] ?? null),
    )
      ? DONE
      : FAILED
  for (const result of results.toReversed()) if (result !== null) target.set(m, result)
  if (flags.includes('d'))
    replaceValues(
      source,
      m,
      values.filter((_, i) => results[i] === null),
    )
  return DONE
}
