import type { ColumnSpec, TableSpec } from '../db/schema.ts'
import type { TransportSpec } from '../events/transport.ts'
import type { ArgSpec, CommandSpec, EventSpec, ParamSpec, StatSpec } from '../util/spec.ts'
import type { FunctionSpec, ModuleSpec, PvarSpec } from './define.ts'
import { functionSpecs } from './transport-functions.ts'

/** A Markdown table; empty text when there are no rows. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const section = (title: string, body: string): string => (body === '' ? '' : `\n## ${title}\n\n${body}\n`)
const code = (text: string): string => `\`${text}\``

function parameterTable(params: Readonly<Record<string, ParamSpec>>): string {
  const dflt = (p: ParamSpec): string => {
    if (p.repeat) return 'repeatable'
    return p.default === undefined ? '–' : code(JSON.stringify(p.default))
  }
  return table(
    ['Parameter', 'Type', 'Default', 'Unit', 'Meaning'],
    Object.entries(params).map(([name, p]) => [
      [name, ...(p.formerly ?? [])].map(code).join(', '),
      p.kind,
      dflt(p),
      p.unit ?? '',
      p.ignored ? `Accepted, without effect. ${p.doc}` : p.doc,
    ]),
  )
}

const signature = (name: string, args: readonly ArgSpec[]): string =>
  `${name}(${args.map((a, i) => `${a.optional ? '[' : ''}${i > 0 ? ', ' : ''}${a.name}${a.optional ? ']' : ''}`).join('')})`

function functionSection([name, spec]: readonly [string, FunctionSpec]): string {
  const lines = [`### ${code(signature(name, spec.args))}`, '', spec.doc, '']
  if (spec.aliases !== undefined) lines.push(`Also: ${spec.aliases.map(code).join(', ')}.`, '')
  lines.push(...spec.args.map(a => `- ${code(a.name)} (${a.kind}${a.optional ? ', optional' : ''}): ${a.doc}`))
  lines.push(`- Returns: ${spec.returns}.`)
  lines.push(`- Routes: ${spec.routes === 'any' ? 'any' : spec.routes.join(', ')}.`)
  return lines.join('\n')
}

function eventSection([name, spec]: readonly [string, EventSpec]): string {
  const fields = table(
    ['Field', 'Type', 'Meaning'],
    Object.entries(spec.fields).map(([field, f]) => [
      code(field),
      `${f.kind}${f.nullable ? ' or null' : ''}${f.optional ? ', may be absent' : ''}`,
      f.doc,
    ]),
  )
  return `### ${code(name)}\n\n${spec.doc}${fields === '' ? '' : `\n\n${fields}`}`
}

const statTable = (stats: Readonly<Record<string, StatSpec>>): string =>
  table(
    ['Statistic', 'Kind', 'Meaning'],
    Object.entries(stats).map(([name, s]) => [code(name), s.type, s.doc]),
  )

function tableSection({ name, version, columns }: TableSpec): string {
  const rows = Object.entries<ColumnSpec>(columns).map(([column, { type, nullable, auto }]) => [
    code(column),
    `${type}${nullable ? ' or NULL' : ''}${auto ? ', numbered' : ''}`,
  ])
  return `### ${code(name)}, version ${version}\n\n${table(['Column', 'Type'], rows)}`
}

const pvarTable = (pvars: Readonly<Record<string, PvarSpec>>): string =>
  table(
    ['Variable', 'Type', 'Writable', 'Meaning'],
    Object.entries(pvars).map(([name, p]) => [
      code(`$${name}${p.inner === undefined || p.inner === 'none' ? '' : '(…)'}`),
      p.type,
      p.writable ? 'yes' : 'no',
      p.doc,
    ]),
  )

const commandTable = (module: string, commands: Readonly<Record<string, CommandSpec>>): string =>
  table(
    ['Command', 'Also', 'Parameters', 'Meaning'],
    Object.entries(commands).map(([name, c]) => [
      code(`${module}:${name}`),
      (c.aliases ?? []).map(code).join(', '),
      c.args.map(a => `${code(a.name)}${a.optional ? ' (optional)' : ''}: ${a.doc}`).join(' '),
      c.doc,
    ]),
  )

/** What modules and transports declare alike. */
interface Declared {
  readonly params?: Readonly<Record<string, ParamSpec>> | undefined
  readonly events?: Readonly<Record<string, EventSpec>> | undefined
  readonly stats?: Readonly<Record<string, StatSpec>> | undefined
  readonly commands?: Readonly<Record<string, CommandSpec>> | undefined
}

const parameters = ({ params = {} }: Declared): string => section('Parameters', parameterTable(params))
const observables = (name: string, { events = {}, stats = {}, commands = {} }: Declared): string =>
  [
    section('Events', Object.entries(events).map(eventSection).join('\n\n')),
    section('Statistics', statTable(stats)),
    section('Management commands', commandTable(name, commands)),
  ].join('')

const functions = (specs: Readonly<Record<string, FunctionSpec>>): string =>
  section('Functions', Object.entries(specs).map(functionSection).join('\n\n'))

/** The reference page of a module, in Markdown. */
export function modulePage(spec: ModuleSpec): string {
  const depends = spec.depends === undefined ? '' : `\nNeeds: ${spec.depends.map(code).join(', ')}.\n`
  const brings = spec.brings === undefined ? '' : `\nLoads with it: ${spec.brings.map(code).join(', ')}.\n`
  return [
    `# ${spec.name}\n\n${spec.doc}\n${depends}${brings}`,
    parameters(spec),
    functions(spec.functions ?? {}),
    section('Variables', pvarTable(spec.pvars ?? {})),
    observables(spec.name, spec),
    section('Tables', (spec.tables ?? []).map(tableSection).join('\n\n')),
  ].join('')
}

/** The reference page of a transport, in Markdown. */
export function transportPage(spec: TransportSpec): string {
  const { ordered, delivered, noticesAbsence } = spec.promises
  const promises = table(
    ['Promise', ''],
    [
      ['Order of acceptance kept', ordered ? 'yes' : 'no'],
      ['`delivered` means', DELIVERED_MEANS[delivered]],
      ['An absent peer is noticed', noticesAbsence ? 'yes' : 'no'],
    ],
  )
  const sockets = spec.examples.map(example => `- ${code(example)}`).join('\n')
  return [
    `# ${spec.module}\n\n${spec.doc}\n`,
    section('Socket', `\`\`\`\n${spec.grammar.trim()}\n\`\`\`\n\n${sockets}`),
    section('Promises', promises),
    parameters(spec),
    functions(functionSpecs(spec.functions ?? {})),
    observables(spec.module, spec),
  ].join('')
}

const DELIVERED_MEANS = {
  accepted: 'taken by the local system',
  written: 'written to storage',
  confirmed: 'confirmed by the peer',
} as const
