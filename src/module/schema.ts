import { type JsonSchema, paramsSchema } from '../mi/params-schema.ts'
import type { CommandSpec, EventSpec, FieldSpec } from '../util/spec.ts'
import type { ModuleSpec } from './define.ts'

const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

const fieldSchema = (spec: FieldSpec): JsonSchema => {
  const type = spec.kind === 'int' ? 'integer' : 'string'
  return { type: spec.nullable ? [type, 'null'] : type, description: spec.doc }
}

/** Stands for any number of fields that the configuration names. */
const isPlaceholder = (field: string): boolean => field.startsWith('<')

/** What fields that have no name here may hold. */
function otherFields(fields: readonly (readonly [string, FieldSpec])[]): JsonSchema | false {
  const descriptions = fields.filter(([field]) => isPlaceholder(field)).map(([, spec]) => spec.doc)
  if (descriptions.length === 0) return false
  return { type: ['string', 'integer', 'null'], description: descriptions.join(' ') }
}

/** The JSON-RPC notification that carries an event, as every JSON transport sends it. */
export function eventSchema(name: string, module: string, spec: EventSpec): JsonSchema {
  const fields = Object.entries(spec.fields)
  return {
    $schema: DRAFT,
    $id: `${name}.json`,
    title: name,
    description: spec.doc,
    'x-module': module,
    type: 'object',
    properties: {
      jsonrpc: { const: '2.0' },
      method: { const: name },
      params: {
        type: 'object',
        properties: Object.fromEntries(
          fields
            .filter(([field]) => !isPlaceholder(field))
            .map(([field, fieldSpec]) => [field, fieldSchema(fieldSpec)]),
        ),
        required: fields.filter(([, fieldSpec]) => !fieldSpec.optional).map(([field]) => field),
        additionalProperties: otherFields(fields),
        'x-order': fields.map(([field]) => field),
      },
    },
    required: ['jsonrpc', 'method', 'params'],
    additionalProperties: false,
  }
}

export type { JsonSchema } from '../mi/params-schema.ts'

/** The named parameters of a management command. */
export function commandSchema(spec: CommandSpec): JsonSchema {
  return {
    description: spec.doc,
    ...(spec.aliases === undefined ? {} : { 'x-aliases': spec.aliases }),
    'x-positional': spec.namedOnly ? [] : spec.args.map(a => a.name),
    ...paramsSchema(spec.args),
  }
}

/** Every management command of these modules, by canonical name. */
export function commandsSchema(specs: readonly ModuleSpec[]): JsonSchema {
  const commands = specs.flatMap(({ name, commands = {} }) =>
    Object.entries(commands).map(([command, spec]) => [`${name}:${command}`, commandSchema(spec)] as const),
  )
  return {
    $schema: DRAFT,
    $id: 'management-commands.json',
    title: 'Management commands',
    description: 'The params member of a JSON-RPC 2.0 request, by method.',
    $defs: Object.fromEntries(commands),
  }
}
