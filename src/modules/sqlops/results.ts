import type { DbValue } from '../../db/schema.ts'
import type { PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'

/** What the rows of a query are, of each the values in the order of the columns. */
export type Rows = readonly (readonly DbValue[])[]

/** The variable of a column, counted from 0; undefined: its values are not wanted. */
export type ColumnVariable = (column: number) => PvarRef | undefined

/** What NULL is in a list of values, which holds no NULL. */
const NULL_TEXT = '<null>'
const INT_MAX = 0x7fff_ffff

/** The variables that `$avp(a);$avp(b)` names; where nothing is named, `$avp(1)`, `$avp(2)` …. Throws ScriptError. */
export function columnVariables(text: string | undefined, variable: (text: string) => PvarRef): ColumnVariable {
  if (text !== undefined && text.trim() !== '') {
    const named = text
      .split(';')
      .map(name => name.trim())
      .filter(name => name !== '')
      .map(variable)
    return column => named[column]
  }
  const numbered: PvarRef[] = []
  return column => {
    numbered[column] ??= variable(`$avp(${column + 1})`)
    return numbered[column]
  }
}

/** Writes all rows: each column is a list, index 0 of the first row. */
export function writeRows(m: RouteContext, rows: Rows, variables: ColumnVariable, bigIsText: boolean): void {
  // AVPs are stacks: the row that comes first is written last.
  for (const row of rows.toReversed())
    for (const [column, value] of row.entries()) variables(column)?.set(m, asScriptValue(value, bigIsText) ?? NULL_TEXT)
}

/** Writes one row to variables of any kind; NULL is NULL. */
export function writeRow(m: RouteContext, row: Rows[number], variables: ColumnVariable, bigIsText: boolean): void {
  for (const [column, value] of row.entries()) {
    const shown = asScriptValue(value, bigIsText)
    variables(column)?.set(m, shown, shown === null)
  }
}

function asScriptValue(value: DbValue, bigIsText: boolean): Value {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'number') return value
  const isBig = value > INT_MAX || value < -INT_MAX - 1
  return Number.isInteger(value) && !(isBig && bigIsText) ? value : String(value)
}
