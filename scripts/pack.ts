/**
 * Runs around `npm pack` and `npm publish`. Before: builds `dist/` and takes out of package.json what only a checkout
 * needs (the Node.js binaries, the scripts), since a published package must not bring its own Node.js. After: puts the
 * file back.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const file = join(root, 'package.json')
const kept = join(root, 'package.json.before-pack')

if (process.argv[2] === 'before') {
  execFileSync(process.execPath, [join(root, 'scripts/build.ts')], { stdio: 'inherit' })
  const text = readFileSync(file, 'utf8')
  writeFileSync(kept, text)
  const { optionalDependencies: _binaries, devDependencies: _tools, scripts: _scripts, ...published } = JSON.parse(text)
  // The script must stay for npm to find it after packing.
  writeFileSync(file, `${JSON.stringify({ ...published, scripts: { postpack: _scripts.postpack } }, null, 2)}\n`)
} else {
  renameSync(kept, file)
}
