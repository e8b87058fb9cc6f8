/**
 * Sends mutated SIP to a whole proxy over UDP and TCP: `node scripts/fuzz.ts -- --minutes N --seed S`. It must not fail,
 * hang or grow. What does it harm is written to a new folder, one file a message, and the exit code is 1.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fuzz } from '../test/torture/fuzz-run.ts'

const { values } = parseArgs({
  args: process.argv.slice(2).filter(argument => argument !== '--'),
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed ?? (Date.now() % 0x7fff_ffff) + 1)
if (!(minutes > 0) || !Number.isInteger(seed) || seed === 0) {
  process.stderr.write(
    'usage: node scripts/fuzz.ts -- [--minutes N] [--seed S], N above 0, S an integer other than 0\n',
  )
  process.exit(2)
}

const failures: string[] = []
for (const name of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(name, error => void failures.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`))

const end = performance.now() + minutes * 60_000
const result = await fuzz({
  seed,
  goesOn: () => performance.now() < end && failures.length === 0,
  hangMs: 20_000,
  growthBytes: 16_000_000,
  batchesALook: 200,
})
const megabytes = result.heapBytes.map(bytes => (bytes / 1e6).toFixed(1)).join(' ')
process.stdout.write(
  `seed ${seed}: ${result.rounds} messages, ${result.relayed} relayed, slowest batch ${Math.round(result.slowestMs)} ms, heap ${megabytes} MB\n`,
)
for (const { what, detail, messages } of result.findings) {
  const folder = mkdtempSync(join(tmpdir(), `fanfare-fuzz-${what}-`))
  process.stdout.write(`${what}: ${detail}; the last ${messages.length} messages are in ${folder}\n`)
  for (const [index, bytes] of messages.entries()) writeFileSync(join(folder, `${index}.dat`), bytes)
}
for (const failure of failures) process.stdout.write(`${failure}\n`)
process.exitCode = result.findings.length + failures.length === 0 ? 0 : 1
