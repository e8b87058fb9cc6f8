import type { ArgSpec } from '../util/spec.ts'

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

const ARGUMENT: Readonly<Record<string, JsonSchema>> = {
  int: { type: ['integer', 'string'], pattern: '^[+-]?[0-9]+$' },
  str: { type: ['string', 'number'] },
  list: { type: 'array', minItems: 1 },
  json: {},
}

/** The named parameters of a management command: what each may be, and which must be there. */
export function paramsSchema(args: readonly ArgSpec[]): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(args.map(a => [a.name, { ...ARGUMENT[a.kind], description: a.doc }])),
    required: args.filter(a => !a.optional).map(a => a.name),
    additionalProperties: false,
  }
}
