import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Databases } from '../../src/db/databases.ts'
import type { Driver } from '../../src/db/driver.ts'
import { autoColumn, column, nullableColumn } from '../../src/db/schema.ts'
import { recordingLog } from '../sip/net/peers.ts'

/*
 * One suite every database driver passes. How to use it, in test/db/<name>/<name>.test.ts:
 *
 *     databaseConformance({ name: 'text', driver: () => new TextDriver(…), url: folder => `text://${folder}` })
 */

/** One driver under test. */
export interface DatabaseSubject {
  readonly name: string
  readonly driver: () => Driver
  /** The URL of a database in an empty folder. */
  readonly url: (folder: string) => string
  /** Whether `=` and its like disregard the case of texts. */
  readonly ignoresCase: boolean
}

const THINGS = {
  name: 'things',
  version: 2,
  columns: {
    id: autoColumn,
    name: column('str'),
    note: nullableColumn('str'),
    count: nullableColumn('int'),
    share: column('double', 0),
    big: nullableColumn('bigint'),
    seen: nullableColumn('time'),
  },
} as const

/** A database in a folder of its own, and the log of what happens there. Removed with the test. */
export async function openDatabase(subject: Pick<DatabaseSubject, 'driver' | 'url'>) {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-db-'))
  const log = recordingLog()
  const make = () => {
    const databases = new Databases({ log, directory: folder, versionTable: 'version' })
    const driver = subject.driver()
    databases.register(driver)
    return { databases, close: () => databases.close(driver.schemes) }
  }
  const first = make()
  onTestFinished(async () => {
    await first.close()
    await rm(folder, { recursive: true })
  })
  const url = subject.url(folder)
  const reopen = async () => {
    await first.close()
    const second = make()
    onTestFinished(second.close)
    return second.databases.open(url)
  }
  return {
    folder,
    log,
    url,
    databases: first.databases,
    database: await first.databases.open(url),
    close: first.close,
    reopen,
  }
}

const ROWS = [
  { name: 'one', note: 'first', count: 3, share: 0.5 },
  { name: 'two', note: null, count: 1, share: 0.25 },
  { name: 'three', note: 'third', count: null, share: 1 },
  { name: 'four', note: null, count: 2, share: 0 },
]

async function filled(subject: DatabaseSubject) {
  const opened = await openDatabase(subject)
  await opened.database.create(THINGS)
  const table = await opened.database.table(THINGS)
  for (const row of ROWS) await table.insert(row)
  return { ...opened, table }
}

export function databaseConformance(subject: DatabaseSubject): void {
  describe(`the ${subject.name} driver`, () => {
    it('gives back what was inserted, numbered, in the order of insertion', async () => {
      const { table } = await filled(subject)
      const rows = await table.select()
      expect(
        rows.map(({ id, name, note, count, share, big, seen }) => [id, name, note, count, share, big, seen]),
      ).toEqual([
        [1, 'one', 'first', 3, 0.5, null, null],
        [2, 'two', null, 1, 0.25, null, null],
        [3, 'three', 'third', null, 1, null, null],
        [4, 'four', null, 2, 0, null, null],
      ])
    })

    it.each([
      ['line\nbreak', 'tab\tand colon:', 'back\\slash'],
      ["'quoted'", 'null', ' blanks '],
      ['Zoë ☎ 𝕏', '"double" -- ; DROP TABLE things', '\r'],
    ])('keeps texts as they are, also when closed and opened again: %j', async (...texts) => {
      const { table, reopen } = await filled(subject)
      for (const text of texts) await table.insert({ name: 'text', note: text, share: 0 })
      const found = async (one: typeof table) =>
        (await one.select({ where: [['name', '=', 'text']] })).map(({ note }) => note)
      expect(await found(table)).toEqual(texts)
      expect(await found(await (await reopen()).table(THINGS))).toEqual(texts)
    })

    it('keeps integers exactly, those of 64 bits too', async () => {
      const { table, reopen } = await filled(subject)
      await table.insert({
        name: 'big',
        count: Number.MAX_SAFE_INTEGER,
        share: 0,
        big: 2n ** 63n - 1n,
        seen: 1_800_000_000,
      })
      const [row] = await (await (await reopen()).table(THINGS)).select({ where: [['name', '=', 'big']] })
      expect([row?.count, row?.big, row?.seen]).toEqual([Number.MAX_SAFE_INTEGER, 2n ** 63n - 1n, 1_800_000_000])
    })

    it.each([
      [[['count', '=', 1]], ['two']],
      [[['count', '>', 1]], ['one', 'four']],
      [[['count', '>=', 2]], ['one', 'four']],
      [[['count', '<', 2]], ['two', 'three']],
      [[['count', '<=', 1]], ['two', 'three']],
      [[['count', '=', null]], ['three']],
      [[['count', '>', null]], ['one', 'two', 'four']],
      [[['count', '<', null]], []],
      [[['count', '<=', null]], ['three']],
      [[['count', '>=', null]], ['one', 'two', 'three', 'four']],
      [
        [
          ['note', '=', null],
          ['share', '>', 0],
        ],
        ['two'],
      ],
      [[], ['one', 'two', 'three', 'four']],
    ] as const)('finds the rows for which every condition holds: %j', async (where, names) => {
      const { table } = await filled(subject)
      expect((await table.select({ where })).map(({ name }) => name)).toEqual(names)
    })

    it(`compares texts ${subject.ignoresCase ? 'without' : 'with'} regard to case`, async () => {
      const { table } = await filled(subject)
      expect(await table.select({ where: [['name', '=', 'ONE']] })).toHaveLength(subject.ignoresCase ? 1 : 0)
    })

    it('orders by several columns, NULL below everything, equals as inserted', async () => {
      const { table } = await filled(subject)
      const names = async (...orderBy: (readonly ['note' | 'count', 'ascending' | 'descending'])[]) =>
        (await table.select({ orderBy })).map(({ name }) => name)
      expect(await names(['count', 'ascending'])).toEqual(['three', 'two', 'four', 'one'])
      expect(await names(['note', 'ascending'])).toEqual(['two', 'four', 'one', 'three'])
      expect(await names(['note', 'ascending'], ['count', 'descending'])).toEqual(['four', 'two', 'one', 'three'])
    })

    it('updates and deletes what the conditions hold for, and says how many; replaces or inserts', async () => {
      const { table } = await filled(subject)
      expect(await table.update({ note: 'new', count: 9 }, [['note', '=', null]])).toBe(2)
      expect(await table.update({ note: 'x' }, [['name', '=', 'nobody']])).toBe(0)
      expect(await table.delete([['count', '<', 9]])).toBe(2)
      expect((await table.select()).map(({ name, note, count }) => [name, note, count])).toEqual([
        ['two', 'new', 9],
        ['four', 'new', 9],
      ])
      await table.replace({ name: 'two', note: 'again', share: 1 }, [['name', '=', 'two']])
      await table.replace({ name: 'six', note: 'added', share: 1 }, [['name', '=', 'six']])
      expect((await table.select()).map(({ name, note }) => [name, note])).toEqual([
        ['two', 'again'],
        ['four', 'new'],
        ['six', 'added'],
      ])
      expect(await table.delete([])).toBe(3)
      expect(await table.select()).toEqual([])
    })

    it('refuses a value that does not fit its column, and then changes nothing', async () => {
      const { table } = await filled(subject)
      const wrong = table.insert({ name: 'wrong', id: null as never, share: null as never })
      await expect(wrong).rejects.toMatchObject({ name: 'DatabaseError', code: 'E_DB_VALUE' })
      expect(await table.select()).toHaveLength(4)
    })

    it('says so when there is no such table, or already one', async () => {
      const { database } = await filled(subject)
      const absent = { ...THINGS, name: 'absent' }
      await expect(database.table(absent)).rejects.toMatchObject({ code: 'E_DB_TABLE' })
      await expect(database.create(THINGS)).rejects.toMatchObject({ code: 'E_DB_TABLE' })
      await expect(database.table(THINGS, { table: '../things' })).rejects.toMatchObject({ code: 'E_DB_TABLE' })
    })

    it('a missing column reads as its default with a warning, is not written, and cannot be asked for', async () => {
      const { database, log } = await filled(subject)
      const wider = {
        ...THINGS,
        columns: { ...THINGS.columns, extra: column('str', 'usual'), more: nullableColumn('int') },
      }
      const table = await database.table(wider)
      expect([...table.missing]).toEqual(['extra', 'more'])
      expect(log.lines.filter(line => line.includes('lacks a column'))).toHaveLength(2)
      await table.insert({ name: 'five', share: 0, extra: 'lost', more: 1 })
      const rows = await table.select({ where: [['name', '=', 'five']] })
      expect(rows.map(({ extra, more }) => [extra, more])).toEqual([['usual', null]])
      await expect(table.select({ where: [['extra', '=', 'usual']] })).rejects.toMatchObject({ code: 'E_DB_COLUMN' })
      const stricter = { ...THINGS, columns: { ...THINGS.columns, needed: column('int') } }
      await expect(database.table(stricter)).rejects.toMatchObject({ code: 'E_DB_COLUMN' })
    })

    it('columns can have other names, and other types where the values fit', async () => {
      const { database } = await filled(subject)
      const spec = {
        name: 'things',
        version: 2,
        columns: { title: column('str'), amount: nullableColumn('str') },
      } as const
      const table = await database.table(spec, { columns: { title: 'name', amount: 'count' } })
      expect(await table.select({ where: [['title', '=', 'one']] })).toEqual([{ title: 'one', amount: '3' }])
      const wrong = { name: 'things', version: 2, columns: { name: column('int') } } as const
      await expect((await database.table(wrong)).select()).rejects.toMatchObject({ code: 'E_DB_VALUE' })
    })

    it('a table of a later version is refused, one of a former version that serves is not', async () => {
      const { database } = await filled(subject)
      await expect(database.table({ ...THINGS, version: 1 })).rejects.toMatchObject({ code: 'E_DB_VERSION' })
      await database.table({ ...THINGS, version: 3, formerVersions: [2] })
      await database.table({ ...THINGS, version: 1 }, { skipsVersion: true })
    })

    it('has written what was asked for before it closes, in that order', async () => {
      const { table, reopen } = await filled(subject)
      const asked = Array.from({ length: 20 }, (_, i) => table.insert({ name: 'late', count: i, share: 0 }))
      asked.push(table.update({ note: 'seen' }, [['count', '=', 19]]).then(() => {}))
      const again = await (await reopen()).table(THINGS)
      await Promise.all(asked)
      const rows = await again.select({ where: [['name', '=', 'late']] })
      expect(rows.map(({ count, note }) => [count, note])).toEqual(
        Array.from({ length: 20 }, (_, i) => [i, i === 19 ? 'seen' : null]),
      )
    })

    it('is opened once for a URL, closes twice, and can be opened again', async () => {
      const { database, databases, url, close } = await filled(subject)
      const again = await databases.open(url)
      await (await again.table(THINGS)).insert({ name: 'five', share: 0 })
      expect(await (await database.table(THINGS)).select()).toHaveLength(5)
      await close()
      await close()
      expect(await (await (await databases.open(url)).table(THINGS)).select()).toHaveLength(5)
    })
  })
}
