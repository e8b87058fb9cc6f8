/** Writes `schemas/` and the generated pages under `docs/` from the specs of the modules; with `--check`, only compares. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TransportSpec } from '../src/events/transport.ts'
import { modules, transports } from '../src/main.ts'
import { asyncApi, type DeclaredEvent } from '../src/module/async-api.ts'
import type { ModuleSpec } from '../src/module/define.ts'
import { eventTypes } from '../src/module/event-types.ts'
import { modulePage, transportPage } from '../src/module/reference-page.ts'
import { commandsSchema, eventSchema } from '../src/module/schema.ts'
import { sipConformancePage } from './sip-conformance.ts'

const root = join(import.meta.dirname, '..')
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Every generated file: path from the root → content. */
function generated(): Map<string, string> {
  const files = new Map<string, string>()
  const specs: readonly ModuleSpec[] = modules.map(module => module.spec)
  const transportSpecs: readonly TransportSpec[] = transports.map(transport => transport.spec)
  const owners = [
    ...specs.map(s => [s.name, s.events ?? {}] as const),
    ...transportSpecs.map(s => [s.module, s.events ?? {}] as const),
  ]
  const events: DeclaredEvent[] = owners.flatMap(([module, declared]) =>
    Object.entries(declared).map(([name, spec]) => ({ name, module, spec })),
  )
  for (const { name, module, spec } of events)
    files.set(`schemas/events/${name}.json`, json(eventSchema(name, module, spec)))
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  files.set('schemas/asyncapi.json', json(asyncApi(events, transportSpecs, version)))
  files.set('schemas/events.d.ts', eventTypes(events))
  const commandOwners = [
    ...specs,
    ...transportSpecs.map(s => ({ name: s.module, doc: s.doc, commands: s.commands ?? {} })),
  ]
  files.set('schemas/management-commands.json', json(commandsSchema(commandOwners)))
  files.set('docs/sip-conformance.md', sipConformancePage(root))
  for (const spec of specs) files.set(`docs/modules/${spec.name}.md`, modulePage(spec))
  for (const spec of transportSpecs) files.set(`docs/transports/${spec.module}.md`, transportPage(spec))
  files.set(
    'docs/reference.md',
    indexPage(
      specs.map(s => s.name),
      transportSpecs.map(s => s.module),
      events.map(({ name }) => name),
    ),
  )
  return files
}

function indexPage(
  moduleNames: readonly string[],
  transportNames: readonly string[],
  events: readonly string[],
): string {
  const list = (names: readonly string[], link: (n: string) => string): string =>
    names
      .toSorted()
      .map(n => `- [${n}](${link(n)})`)
      .join('\n')
  return [
    '# Reference\n\nGenerated from the declarations of the modules and transports by `npm run generate`.\n',
    `## Modules\n\n${list(moduleNames, n => `modules/${n}.md`)}\n`,
    `## Transports\n\n${list(transportNames, n => `transports/${n}.md`)}\n`,
    `## Events\n\n${list(events, n => `../schemas/events/${n}.json`)}\n`,
  ].join('\n')
}

/** Files in the generated folders that nothing generates any more. */
function leftovers(files: ReadonlyMap<string, string>): string[] {
  return ['schemas/events', 'docs/modules', 'docs/transports'].flatMap(folder =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder))
          .map(name => `${folder}/${name}`)
          .filter(path => !files.has(path))
      : [],
  )
}

const files = generated()
const stale = [...files].filter(
  ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
)
const extra = leftovers(files)

if (process.argv.includes('--check')) {
  for (const path of [...stale.map(([path]) => path), ...extra]) process.stderr.write(`stale: ${path}\n`)
  if (stale.length + extra.length > 0) {
    process.stderr.write('Run "npm run generate" and commit what it writes.\n')
    process.exitCode = 1
  }
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const path of extra) rmSync(join(root, path))
}
