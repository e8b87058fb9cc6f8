import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { spoolFolder } from '../../src/events/spool/files.ts'
import { type ItemCodec, Spool } from '../../src/events/spool/spool.ts'
import { systemClock } from '../../src/util/clock.ts'
import { silentLog } from '../conformance/host.ts'
import { atLeast, type Bench, figure, heapUsed, inTurn, msOf, rate } from './measure.ts'

const RECORDS = 200_000
const PAYLOAD = Buffer.from(
  JSON.stringify({ method: 'INVITE', callid: 'a84b4c76e66710@pc33.example.org', pad: 'x'.repeat(230) }),
)
const GROUP = 1000
const BACKLOG = 1_000_000

/** The same bytes for every record: what is measured is the spool, not the encoding of events. */
const codec: ItemCodec<number> = { encode: () => PAYLOAD, decode: payload => payload.length }

const openSpool = async (path: string): Promise<Spool<number>> =>
  Spool.open({
    files: await spoolFolder(path),
    clock: systemClock,
    log: silentLog,
    codec,
    limits: { mostPendingBytes: Number.POSITIVE_INFINITY, retainMs: 0 },
  })

/** The least that any durable log does: groups of records, each with one fdatasync, the next gathered meanwhile. */
async function bareAppend(path: string): Promise<void> {
  const file = await open(join(path, 'bare'), 'w')
  for (let n = 0; n < RECORDS; n += GROUP) {
    const group = Array.from({ length: GROUP }, () => Buffer.concat([Buffer.alloc(32), PAYLOAD]))
    await file.write(Buffer.concat(group))
    await file.datasync()
  }
  await file.close()
}

async function spoolAppend(path: string): Promise<void> {
  const spool = await openSpool(path)
  const cursor = spool.cursor('bench')
  for (let n = 0; n < RECORDS; n += GROUP) {
    for (let i = 0; i < GROUP; i++) spool.append(n + i, cursor, PAYLOAD.length)
    await turn()
  }
  await spool.flush()
  await spool.close()
}

async function spoolRead(path: string): Promise<void> {
  const spool = await openSpool(path)
  const cursor = spool.cursor('bench')
  let seen = 0
  while (seen < RECORDS) {
    const handed = cursor.shift()
    if (handed === undefined) await turn()
    else {
      seen++
      cursor.settle(handed)
    }
  }
  await spool.close()
}

/** Heap that a receiver far behind takes. */
async function backlog(path: string): Promise<string> {
  const spool = await openSpool(path)
  const cursor = spool.cursor('away')
  const before = heapUsed()
  for (let n = 0; n < BACKLOG; n++) {
    spool.append(n, cursor, PAYLOAD.length)
    if (n % 5000 === 0) await spool.flush()
  }
  await spool.flush()
  const mib = (heapUsed() - before) / 2 ** 20
  if (cursor.waiting !== BACKLOG) throw new Error(`${cursor.waiting} wait instead of ${BACKLOG}`)
  await spool.close()
  return `${mib.toFixed(1)} MiB`
}

export const bench: Bench = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-bench-'))
  let runs = 0
  const fresh = (): string => join(folder, String(runs++))
  const timed = async (job: (path: string) => Promise<void>, path: string): Promise<number> => msOf(() => job(path))
  try {
    const bare = mkdtempSync(join(folder, 'bare-'))
    let last = ''
    const [appended, bareAppended] = await inTurn(
      async () => {
        last = fresh()
        return timed(spoolAppend, last)
      },
      () => timed(bareAppend, bare),
      3,
    )
    const copies = [fresh(), fresh(), fresh(), fresh()]
    for (const copy of copies) await spoolAppend(copy)
    const [read, bareAgain] = await inTurn(
      () => timed(spoolRead, copies.pop() ?? ''),
      () => timed(bareAppend, bare),
      3,
    )
    return [
      atLeast(
        'spool: append',
        rate(RECORDS, appended),
        `${rate(RECORDS, bareAppended)} bare, grouped fdatasync`,
        bareAppended / appended,
        0.5,
      ),
      atLeast(
        'spool: read back after a restart, checked and settled',
        rate(RECORDS, read),
        `${rate(RECORDS, bareAgain)} bare append`,
        bareAgain / read,
        0.5,
      ),
      figure('heap of one million events queued to disk', await backlog(fresh())),
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
