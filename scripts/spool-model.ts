/**
 * Drives spools on failing disks by chance against their model: `npm run spool-model -- --minutes N --seed S`. Each history
 * has the next seed; the first that differs is named, and the exit code is 1. The tests run the first sixty.
 */
import { parseArgs } from 'node:util'
import { runSpoolModel } from '../test/events/spool/spool-model.ts'

const { values } = parseArgs({
  args: process.argv.slice(2).filter(argument => argument !== '--'),
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, steps: { type: 'string' } },
})
const minutes = Number(values.minutes)
const first = Number(values.seed ?? (Date.now() % 0x7fff_ffff) + 1)
const steps = Number(values.steps ?? 600)
if (!(minutes > 0) || !Number.isInteger(first) || !(steps > 0)) {
  process.stderr.write('usage: node scripts/spool-model.ts -- [--minutes N] [--seed S] [--steps N]\n')
  process.exit(2)
}

const end = performance.now() + minutes * 60_000
const totals = { histories: 0, crashes: 0, flips: 0 }
try {
  for (let seed = first; performance.now() < end; seed++) {
    const { crashes, flips } = await runSpoolModel(seed, steps)
    totals.histories++
    totals.crashes += crashes
    totals.flips += flips
  }
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
const { histories, crashes, flips } = totals
process.stdout.write(
  `from seed ${first}: ${histories} histories of ${steps} steps, ${crashes} crashes, ${flips} flipped bits\n`,
)
