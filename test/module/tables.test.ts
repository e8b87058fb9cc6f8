import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { TableSpec } from '../../src/db/schema.ts'
import { modules } from '../../src/main.ts'

const FOLDER = join(import.meta.dirname, '../../src/modules')
const specs: readonly { readonly name: string; readonly tables?: readonly TableSpec[] }[] = modules.map(m => m.spec)

/** Names of the tables that the files of a module declare. */
function declaredIn(module: string): readonly string[] {
  const files = readdirSync(join(FOLDER, module), { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.ts'),
  )
  return files.flatMap(file =>
    [
      ...readFileSync(join(FOLDER, module, file), 'utf8').matchAll(/^export const \w+_TABLE = \{\n {2}name: '(\w+)'/gm),
    ].map(([, name]) => name ?? ''),
  )
}

it('every table that a module declares is among those that "fanfare db create" makes', () => {
  for (const { name, tables = [] } of specs)
    expect({ name, tables: tables.map(table => table.name).toSorted() }).toEqual({
      name,
      tables: declaredIn(name).toSorted(),
    })
})

it('no table is declared twice', () => {
  const names = specs.flatMap(({ tables = [] }) => tables.map(table => table.name))
  expect(names).toEqual([...new Set(names)])
})
