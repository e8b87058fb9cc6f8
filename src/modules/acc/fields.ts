import type { ScriptAccess } from '../../script/access.ts'
import type { PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import type { AccContext } from './context.ts'
import type { AccType } from './kinds.ts'

/** A column that the configuration adds to the records of one type. */
export interface ExtraField {
  /** As in log lines and events. */
  readonly name: string
  /** Its value, of one leg where it is a field of legs. `m`: the request that is accounted; null once that is gone. */
  read(context: AccContext, m: RouteContext | null, leg: number): Value
}

/** The columns the configuration adds. */
export interface AccFields {
  readonly extras: Readonly<Record<AccType, readonly ExtraField[]>>
  readonly legs: Readonly<Record<AccType, readonly ExtraField[]>>
  /** Names that `$acc_extra` and `$acc_leg` take. */
  readonly extraTags: ReadonlySet<string>
  readonly legTags: ReadonlySet<string>
  /** Looks the variables up, once every module has brought its own. Throws an Error that names a wrong one. */
  findVariables(): void
  /** Whether there are variables among them: then the request is needed for as long as records are made of it. */
  readonly hasVariables: boolean
  /** What the variables give for this request: each value is that of one leg. Read back where the request is gone. */
  freeze(m: RouteContext): FrozenValues
}

/** The values of variables by the columns they are for. */
export type FrozenValues = Readonly<Record<string, readonly Value[]>>
export const NOTHING_FROZEN: FrozenValues = {}

/** The parameters that say so. */
export interface FieldParams {
  readonly extra_fields: readonly string[]
  readonly leg_fields: readonly string[]
  readonly log_extra: string
  readonly db_extra: string
  readonly evi_extra: string
  readonly multi_leg_info: string
}

/** Reads the parameters. Throws an Error that says what is wrong. */
export function readFields(params: FieldParams, script: ScriptAccess): AccFields {
  const extras = params.extra_fields.flatMap(text => parseFields(text, 'extra_fields'))
  const legs = params.leg_fields.flatMap(text => parseFields(text, 'leg_fields'))
  const variables: VariableField[] = []
  const variablesIn = (param: 'log_extra' | 'db_extra' | 'evi_extra' | 'multi_leg_info'): readonly ExtraField[] => {
    const found = parseVariables(params[param], param)
    variables.push(...found)
    return found
  }
  const ofType = (type: AccType) => ({
    extras: [
      ...extras.filter(f => f.backend === type).map(f => extraField(f.field, f.tag)),
      ...variablesIn(`${type}_extra`),
    ],
    legs: [
      ...legs.filter(f => f.backend === type).map(f => legField(f.field, f.tag)),
      ...variablesIn('multi_leg_info'),
    ],
  })
  const [log, db, evi] = [ofType('log'), ofType('db'), ofType('evi')]
  return {
    extras: { log: log.extras, db: db.extras, evi: evi.extras },
    legs: { log: log.legs, db: db.legs, evi: evi.legs },
    extraTags: new Set(extras.map(f => f.tag)),
    legTags: new Set(legs.map(f => f.tag)),
    findVariables: () => {
      for (const field of variables) field.find(script)
    },
    hasVariables: variables.length > 0,
    freeze: m =>
      variables.length === 0 ? NOTHING_FROZEN : Object.fromEntries(variables.map(field => [field.key, field.all(m)])),
  }
}

/** How many legs a call has; 0 where the configuration knows no fields of legs. */
export function legCount(fields: AccFields, type: AccType, context: AccContext, m: RouteContext | null): number {
  const legs = fields.legs[type]
  if (legs.length === 0) return 0
  let count = Math.max(1, context.legs.length)
  while (count < MAX_LEGS && legs.some(field => field.read(context, m, count) !== null)) count++
  return count
}
const MAX_LEGS = 64

interface DeclaredField {
  readonly backend: string
  readonly tag: string
  readonly field: string
}

/** `backend: tag->field; tag2` */
function parseFields(text: string, param: string): readonly DeclaredField[] {
  const [, backend = '', list = ''] = /^\s*(\w+)\s*:([\s\S]*)$/.exec(text) ?? []
  if (!['log', 'db', 'evi', 'aaa'].includes(backend))
    throw new Error(`${param} "${text}": expected log, db, evi or aaa, a colon, and names divided by semicolons`)
  return list
    .split(';')
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(item => {
      const [, tag, field] = /^([\w.-]+)(?:\s*->\s*([\w.-]+))?$/.exec(item) ?? []
      if (tag === undefined) throw new Error(`${param} "${item}": expected a name, or name->field`)
      return { backend, tag, field: field ?? tag }
    })
}

/** `name=$var; name2=$var2` */
function parseVariables(text: string, param: string): readonly VariableField[] {
  return text
    .split(';')
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(item => {
      const [, name, variable] = /^([\w.-]+)\s*=\s*(\$.+)$/.exec(item) ?? []
      if (name === undefined || variable === undefined)
        throw new Error(`${param} "${item}": expected name=$variable, more of them after semicolons`)
      return new VariableField(name, variable, `${param}.${name}`)
    })
}

function extraField(name: string, tag: string): ExtraField {
  return { name, read: context => (context.hasExtra ? (context.extra.get(tag) ?? null) : null) }
}

function legField(name: string, tag: string): ExtraField {
  return { name, read: (context, _, leg) => context.legs[leg]?.get(tag) ?? null }
}

/** A variable as a column. Of several values, each leg has one. */
class VariableField implements ExtraField {
  readonly name: string
  /** Tells it from variables of the same name for other records. */
  readonly key: string
  readonly #text: string
  #variable: PvarRef | null = null

  constructor(name: string, text: string, key: string) {
    this.name = name
    this.key = key
    this.#text = text
  }

  find(script: ScriptAccess): void {
    this.#variable = script.variable(this.#text)
  }

  read(context: AccContext, m: RouteContext | null, leg: number): Value {
    if (m === null) return context.frozen[this.key]?.[leg] ?? null
    try {
      return (leg === 0 ? this.#variable?.get(m) : this.#variable?.all(m)[leg]) ?? null
    } catch {
      // A record without one of its values is worth more than none.
      return null
    }
  }

  all(m: RouteContext): readonly Value[] {
    try {
      return this.#variable === null ? [] : [this.#variable.get(m), ...this.#variable.all(m).slice(1, MAX_LEGS)]
    } catch {
      return []
    }
  }
}
