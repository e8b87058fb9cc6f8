/** Makes `dist/`: the sources as JavaScript, for publishing. A checkout runs its sources as they are. */
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const PUBLIC_TYPES = ['api', 'index', 'scenario'].map(name => join('src/testing', `${name}.d.ts`))
const compiler = join(root, 'node_modules/typescript/bin/tsc')

rmSync(join(root, 'dist'), { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
})
if (status === 0) dropPrivateTypes()
process.exitCode = status ?? 1

/** Leaves the types of what the package exports; all others would only be in the way of changes. */
function dropPrivateTypes(): void {
  const dist = join(root, 'dist')
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' }))
    if (name.endsWith('.d.ts') && !PUBLIC_TYPES.includes(name)) rmSync(join(dist, name))
}
