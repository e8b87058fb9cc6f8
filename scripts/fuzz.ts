/**
 * `node scripts/fuzz.ts -- --minutes N --seed S`: gives mutated samples to all that reads what others have written (scripts,
 * filters, addresses, management requests, messages of peers), then sends mutated SIP to a whole proxy over UDP, TCP and
 * WebSocket. None of it may fail, hang or grow. What does harm is written to a new folder, one file a message, and the exit
 * code is 1.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fuzzReaders } from '../test/torture/fuzz-readers.ts'
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

const start = performance.now()
const end = start + minutes * 60_000
/** What of the time the readers get. */
const readersEnd = start + minutes * 20_000
let rounds = 0
const unreadable = await fuzzReaders({
  seed,
  goesOn: done => {
    rounds = done
    return performance.now() < readersEnd && failures.length === 0
  },
  hangMs: 20_000,
})
process.stdout.write(`seed ${seed}: ${rounds} samples of each kind were read\n`)
for (const { reader, what, detail, input } of unreadable) {
  const file = join(mkdtempSync(join(tmpdir(), `fanfare-fuzz-${what}-`)), 'input.dat')
  writeFileSync(file, input)
  process.stdout.write(`${reader}: ${what}: ${detail}; the input is in ${file}\n`)
}

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
process.exitCode = unreadable.length + result.findings.length + failures.length === 0 ? 0 : 1
