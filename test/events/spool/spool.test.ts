import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Cursor } from '../../../src/events/spool/cursor.ts'
import { spoolFolder } from '../../../src/events/spool/files.ts'
import type { DamageReport } from '../../../src/events/spool/recovery.ts'
import { Spool, type SpoolLimits, type SpoolListener } from '../../../src/events/spool/spool.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { silentLog } from '../../conformance/host.ts'
import { FaultyDisk } from './faulty-files.ts'

const texts = { encode: (text: string) => Buffer.from(text), decode: (payload: Buffer) => payload.toString() }

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-spool-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function opened(
  folder: string,
  limits: Partial<SpoolLimits> = {},
  clock = new VirtualClock(),
  listener: SpoolListener<string> = {},
): Promise<Spool<string>> {
  const files = await spoolFolder(folder)
  return Spool.open<string>({ files, clock, log: silentLog, codec: texts, limits, listener })
}

/** Everything the cursor has to give, settled or kept. */
async function drain(cursor: Cursor<string>, isSettled: boolean): Promise<string[]> {
  const texts: string[] = []
  while (cursor.waiting > 0) {
    const handed = cursor.shift()
    if (handed === undefined) {
      await turn()
      continue
    }
    texts.push(handed.item)
    if (isSettled) cursor.settle(handed)
  }
  return texts
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `record ${i}`)
const segmentsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter(name => name.endsWith('.log'))
    .sort()

describe('a spool', () => {
  it('hands nothing out before it is on disk', async () => {
    const folder = newFolder()
    const spool = await opened(folder)
    const cursor = spool.cursor('a')
    spool.append('first', cursor, 10)
    expect(cursor.shift()).toBeUndefined()
    expect(cursor.waiting).toBe(1)
    await spool.flush()
    expect(readFileSync(join(folder, segmentsIn(folder)[0] ?? ''), 'latin1')).toContain('first')
    expect(cursor.shift()?.item).toBe('first')
    await spool.close()
  })

  it('gives what was not settled again after a restart, in order, and nothing else', async () => {
    const folder = newFolder()
    const first = await opened(folder)
    const cursor = first.cursor('a')
    for (const text of numbered(10)) first.append(text, cursor, 10)
    await first.flush()
    const handed = Array.from({ length: 10 }, () => cursor.shift())
    for (const index of [0, 1, 4, 7]) if (handed[index] !== undefined) cursor.settle(handed[index])
    await first.close()

    const second = await opened(folder)
    expect(await drain(second.cursor('a'), true)).toEqual([2, 3, 5, 6, 8, 9].map(i => `record ${i}`))
    await second.close()
    const third = await opened(folder)
    expect(third.cursor('a').waiting).toBe(0)
    await third.close()
  })

  it('lists what a receiver holds as waiting until it is settled', async () => {
    const spool = await opened(newFolder())
    const cursor = spool.cursor('a')
    for (const text of numbered(2)) spool.append(text, cursor, 10)
    await spool.flush()
    const handed = [cursor.shift(), cursor.shift()]
    const waiting = () => spool.summary().map(one => one.waiting)
    expect(waiting()).toEqual([2])
    if (handed[1] !== undefined) cursor.settle(handed[1])
    expect(waiting()).toEqual([1])
    await spool.close()
  })

  it('writes one record for all receivers of an item', async () => {
    const folder = newFolder()
    const spool = await opened(folder)
    const cursors = numbered(50).map(name => spool.cursor(name))
    for (const cursor of cursors) spool.append('shared by all of them', cursor, 30)
    await spool.flush()
    const bytes = readFileSync(join(folder, segmentsIn(folder)[0] ?? ''), 'latin1')
    expect(bytes.split('shared by all of them')).toHaveLength(2)
    for (const cursor of cursors) expect(cursor.shift()?.item).toBe('shared by all of them')
    await spool.close()
  })

  it('keeps a receiver that is far behind on disk and gives it everything in order', async () => {
    const folder = newFolder()
    const spool = await opened(folder, { segmentBytes: 20_000 })
    const slow = spool.cursor('slow')
    const texts = numbered(5000)
    for (const text of texts) spool.append(text, slow, 20)
    await spool.flush()
    expect(segmentsIn(folder).length).toBeGreaterThan(0)
    const got = drain(slow, true)
    for (const text of ['more', 'and more']) spool.append(text, slow, 20)
    expect(await got).toEqual([...texts, 'more', 'and more'])
    await spool.close()
  })

  it('removes a segment once every receiver has settled it and its time for replay is over', async () => {
    const folder = newFolder()
    const clock = new VirtualClock()
    const spool = await opened(folder, { segmentBytes: 100, retainMs: 60_000 }, clock)
    const cursor = spool.cursor('a')
    for (const text of numbered(20)) {
      spool.append(text, cursor, 20)
      await spool.flush()
    }
    const before = segmentsIn(folder).length
    await drain(cursor, true)
    await clock.advance(30_000)
    expect(segmentsIn(folder)).toHaveLength(before)
    await clock.advance(31_000)
    await expect
      .poll(
        async () => {
          await clock.advance(200)
          return segmentsIn(folder).length
        },
        { timeout: 15_000 },
      )
      .toBe(1)
    await spool.close()
  })

  it('removes settled segments beyond the size kept for replay, whatever their age', async () => {
    const folder = newFolder()
    const clock = new VirtualClock()
    const spool = await opened(folder, { segmentBytes: 1000, retainMs: 1e9, retainBytes: 3000 }, clock)
    const cursor = spool.cursor('a')
    for (const text of numbered(200)) {
      spool.append(text, cursor, 20)
      await spool.flush()
    }
    expect(spool.bytes).toBeGreaterThan(6000)
    await drain(cursor, true)
    while (spool.bytes > 3000) await clock.advance(200)
    expect(spool.bytes).toBeGreaterThan(1000)
    await spool.close()
  })

  it('gives up the oldest at its bound, and says how many of whom', async () => {
    const folder = newFolder()
    const clock = new VirtualClock()
    const forgone: [string, number][] = []
    const spool = await opened(folder, { segmentBytes: 200, mostBytes: 1000 }, clock, {
      forgone: (cursor, count) => void forgone.push([cursor, count]),
    })
    const cursor = spool.cursor('away')
    const texts = numbered(3000)
    for (const text of texts) spool.append(text, cursor, 20)
    await spool.flush()
    for (let i = 0; i < 50; i++) {
      spool.append('later', cursor, 20)
      await spool.flush()
    }
    await expect
      .poll(
        async () => {
          await clock.advance(200)
          return spool.bytes
        },
        { timeout: 15_000 },
      )
      .toBeLessThanOrEqual(1000)
    const lost = forgone.reduce((sum, [, count]) => sum + count, 0)
    expect(forgone.every(([name]) => name === 'away')).toBe(true)
    expect((await drain(cursor, true)).length + lost).toBe(3050)
    await spool.close()
  })

  it('keeps nothing for a receiver that has ended, and starts anew under the same name', async () => {
    const folder = newFolder()
    const first = await opened(folder)
    const cursor = first.cursor('a')
    for (const text of numbered(5)) first.append(text, cursor, 10)
    await first.flush()
    expect(first.end(cursor)).toBe(5)
    const again = first.cursor('a')
    first.append('new', again, 10)
    await first.flush()
    expect(await drain(again, false)).toEqual(['new'])
    await first.close()
    const second = await opened(folder)
    expect(await drain(second.cursor('a'), false)).toEqual(['new'])
    await second.close()
  })

  it('takes nothing more when too much waits for a disk that refuses, and goes on when there is room', async () => {
    const disk = new FaultyDisk(() => 0)
    const clock = new VirtualClock()
    const refused: (string | null)[] = []
    const spool = await Spool.open<string>({
      files: disk.mount(),
      clock,
      log: silentLog,
      codec: texts,
      limits: { mostPendingBytes: 100 },
      listener: { refused: reason => void refused.push(reason) },
    })
    const cursor = spool.cursor('a')
    disk.faultRate = 1
    const taken = numbered(20).filter(text => spool.append(text, cursor, 10))
    expect(taken).toHaveLength(10)
    await spool.flush()
    expect(refused).toHaveLength(1)
    disk.faultRate = 0
    await clock.advance(10_000)
    await spool.flush()
    expect(refused.at(-1)).toBeNull()
    expect(await drain(cursor, true)).toEqual(taken)
    await spool.close()
  })

  it('puts damaged bytes aside, once, says what is lost, and gives the rest', async () => {
    const folder = newFolder()
    const first = await opened(folder)
    for (const text of numbered(9)) first.append(text, first.cursor('a'), 10)
    await first.close()
    const file = join(folder, segmentsIn(folder)[0] ?? '')
    const bytes = readFileSync(file)
    const at = bytes.indexOf('record 4')
    bytes[at] = 0x52
    writeFileSync(file, bytes)
    for (const expected of [1, 0]) {
      const reports: DamageReport[] = []
      const spool = await opened(folder, {}, new VirtualClock(), { damaged: report => void reports.push(report) })
      expect(reports.map(({ lostRecords, isTorn }) => ({ lostRecords, isTorn }))).toEqual(
        Array.from({ length: expected }, () => ({ lostRecords: 1, isTorn: false })),
      )
      for (const { file } of reports) expect(readFileSync(join(folder, file), 'latin1')).toContain('Record 4')
      expect(await drain(spool.cursor('a'), false)).toEqual(numbered(9).filter(text => text !== 'record 4'))
      await spool.close()
    }
  })

  it('lists what it still has for replay, settled or not, by time', async () => {
    const folder = newFolder()
    const clock = new VirtualClock(1_000_000)
    const spool = await opened(folder, {}, clock)
    const cursor = spool.cursor('a')
    for (const text of numbered(4)) {
      spool.append(text, cursor, 10)
      await spool.flush()
      await clock.advance(1000)
    }
    await drain(cursor, true)
    const listed: string[] = []
    for await (const { item } of spool.records(1_001_000, 1_002_000)) listed.push(item)
    expect(listed).toEqual(['record 1', 'record 2'])
    await spool.close()
  })
})
