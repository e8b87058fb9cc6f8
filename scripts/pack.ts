/**
 * Runs around `npm pack` and `npm publish`. Before: builds `dist/` and takes out of package.json what only a checkout
 * needs (the Node.js binaries, the tools, the scripts), since a published package must not bring its own Node.js. After:
 * puts the file back. npm does not get to "after" when packing fails, so a watcher puts the file back once npm has ended.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'

const root = join(import.meta.dirname, '..')
const file = join(root, 'package.json')
const kept = join(root, 'package.json.before-pack')

const [, self = '', step, pid] = process.argv
if (step === 'before') prepare()
else if (step === 'after') restore()
else if (step === 'watch') await restoreAfter(Number(pid))
else throw new Error(`pack.ts is run by npm with "before" or "after", got "${step}"`)

function prepare(): void {
  // Left behind by a run that was cut off together with its watcher.
  restore()
  const build = spawnSync(process.execPath, [join(root, 'scripts/build.ts')], { stdio: 'inherit' })
  if (build.status !== 0) process.exit(1)
  const text = readFileSync(file, 'utf8')
  const {
    optionalDependencies: _,
    devDependencies: _tools,
    allowScripts: _allowed,
    scripts,
    exports,
    ...published
  } = JSON.parse(text)
  spawn(process.execPath, [self, 'watch', String(npmPid())], { detached: true, stdio: 'ignore' }).unref()
  writeFileSync(kept, text)
  // npm looks up what to run after packing in the file it packs.
  writeFileSync(
    file,
    `${JSON.stringify({ ...published, exports: built(exports), scripts: { postpack: scripts.postpack } }, null, 2)}\n`,
  )
}

/** The package has no sources: what is exported of them is there as JavaScript and types. */
function built(exports: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const entries = Object.entries(exports).map(([name, target]) => {
    const source = typeof target === 'string' ? /^\.\/(src\/.*)\.ts$/.exec(target)?.[1] : undefined
    return [name, source === undefined ? target : { types: `./dist/${source}.d.ts`, default: `./dist/${source}.js` }]
  })
  return Object.fromEntries(entries)
}

function restore(): void {
  if (existsSync(kept)) renameSync(kept, file)
}

async function restoreAfter(npm: number): Promise<void> {
  while (isRunning(npm)) await after(50)
  restore()
}

function isRunning(process_: number): boolean {
  try {
    return process.kill(process_, 0)
  } catch {
    return false
  }
}

/** npm runs scripts through a shell, which may have made way for this process. */
function npmPid(): number {
  const [parent, command] = ps(process.ppid)
  return /(^|\/)-?(ba|da|z|k)?sh$/.test(command) ? parent : process.ppid
}

/** Parent and name of a process. */
function ps(ofPid: number): [number, string] {
  const line = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(ofPid)], { encoding: 'utf8' })
  const [, parent = '0', command = ''] = /^\s*(\d+)\s+(.*?)\s*$/.exec(line) ?? []
  return [Number(parent), command]
}
