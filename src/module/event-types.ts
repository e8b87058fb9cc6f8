import type { FieldSpec } from '../util/spec.ts'
import type { DeclaredEvent } from './async-api.ts'

const HEAD = `/**
 * The parameters of every event, as consumers get them: \`import type { E_ACC_CDR } from 'fanfare/events'\`.
 * Written by \`npm run generate\`.
 */

/** The default payload of an event. */
export interface Notification<Name extends keyof Events = keyof Events> {
  readonly jsonrpc: '2.0'
  readonly method: Name
  readonly params: Events[Name]
}
`

/** TypeScript declarations of every event's parameters. */
export function eventTypes(events: readonly DeclaredEvent[]): string {
  const sorted = events.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const list = sorted.map(({ name }) => `  readonly ${name}: ${name}`).join('\n')
  return [
    HEAD,
    ...sorted.map(declaration),
    `/** Every event by its name. */\nexport interface Events {\n${list}\n}\n`,
  ].join('\n')
}

function declaration({ name, module, spec }: DeclaredEvent): string {
  const fields = Object.entries(spec.fields)
  const named = fields.filter(([field]) => !field.startsWith('<'))
  const lines = named.flatMap(([field, fieldSpec]) => [
    `  /** ${fieldSpec.doc} */`,
    `  readonly ${property(field, fieldSpec)}`,
  ])
  // Fields that the configuration names.
  if (named.length < fields.length) lines.push('  readonly [extra: string]: string | number | null | undefined')
  const head = `/** ${spec.doc} Raised by ${module}. */\nexport interface ${name}`
  return lines.length === 0 ? `${head} {}\n` : `${head} {\n${lines.join('\n')}\n}\n`
}

function property(field: string, { kind, nullable, optional }: FieldSpec): string {
  const name = /^[A-Za-z_]\w*$/.test(field) ? field : `'${field}'`
  return `${name}${optional === true ? '?' : ''}: ${kind === 'int' ? 'number' : 'string'}${nullable === true ? ' | null' : ''}`
}
