/**
 * `npm run bench [NAME…] [-- --json]`: runs the files beside this one and prints one table. Every claim is a ratio measured in
 * one run, since machines differ and are never quiet. Exit status 1 when a bound is not kept.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench, Claim } from './measure.ts'

const SUFFIX = '.bench.ts'
const MARK = '\u0001claims '

const argv = process.argv.slice(2)
const wanted = argv.filter(word => !word.startsWith('--'))

if (argv[0] === '--one') await runOne(argv[1] ?? '')
else process.exitCode = runAll()

/** A bench in a process of its own, so that the heap and the compiled code of one do not disturb the next. */
async function runOne(name: string): Promise<void> {
  const { bench }: { bench: Bench } = await import(join(import.meta.dirname, `${name}${SUFFIX}`))
  process.stdout.write(`${MARK}${JSON.stringify(await bench())}\n`, () => process.exit(0))
}

function runAll(): number {
  const names = readdirSync(import.meta.dirname)
    .filter(file => file.endsWith(SUFFIX))
    .map(file => file.slice(0, -SUFFIX.length))
    .filter(name => wanted.length === 0 || wanted.includes(name))
  const claims = names.flatMap(claimsOf)
  process.stdout.write(argv.includes('--json') ? `${JSON.stringify(claims, null, 2)}\n` : `${table(claims)}\n`)
  return claims.every(claim => claim.holds) ? 0 : 1
}

function claimsOf(name: string): readonly Claim[] {
  const flags = ['--expose-gc', '--disable-warning=ExperimentalWarning', import.meta.filename, '--one', name]
  const { stdout, stderr, status } = spawnSync(process.execPath, flags, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  const line = stdout.split('\n').find(text => text.startsWith(MARK))
  if (line !== undefined) return JSON.parse(line.slice(MARK.length))
  process.stderr.write(stderr)
  return [{ name, measured: `ended with status ${status}`, against: '', ratio: null, bound: '', holds: false }]
}

function table(claims: readonly Claim[]): string {
  const rows = claims.map(c => [
    c.name,
    c.measured,
    c.against,
    c.ratio === null ? '' : c.ratio.toFixed(2),
    c.bound,
    c.bound === '' ? '' : c.holds ? 'kept' : 'NOT KEPT',
  ])
  const all = [['claim', 'measured', 'against', 'ratio', 'bound', ''], ...rows]
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map(row => (row[column] ?? '').length)))
  return all
    .map(row =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
