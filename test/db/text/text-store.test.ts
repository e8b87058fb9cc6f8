import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { autoColumn, column, nullableColumn } from '../../../src/db/schema.ts'
import { TextDriver } from '../../../src/db/text/text-driver.ts'
import type { TextStore } from '../../../src/db/text/text-store.ts'
import { databaseConformance, openDatabase } from '../../conformance/database.ts'

const text = {
  name: 'text',
  driver: () => new TextDriver({ followsFiles: false }),
  url: (folder: string) => `text://${folder}`,
  ignoresCase: true,
}
databaseConformance(text)
databaseConformance({ ...text, name: 'text (files followed)', driver: () => new TextDriver({ followsFiles: true }) })

/** As the users' long form has it: texts that are not nullable, and empty. */
const LOCATION =
  'username(str) domain(str,null) contact(str,null) received(str) expires(int,null) q(double,null) flags(int)\n' +
  'bob::sip\\:bob@127.0.0.1\\:5072::1800000000:0.70:0\n'
const CONTACTS = {
  name: 'location',
  version: 1013,
  columns: {
    username: column('str'),
    domain: nullableColumn('str'),
    contact: nullableColumn('str'),
    received: column('str'),
    expires: nullableColumn('int'),
    q: nullableColumn('double'),
    flags: column('int'),
    user_agent: column('str', 'n/a'),
  },
} as const

async function folderWith(files: Readonly<Record<string, string>>, followsFiles = false) {
  let driver = new TextDriver({ followsFiles })
  const opened = await openDatabase({ ...text, driver: () => (driver = new TextDriver({ followsFiles })) })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(opened.folder, name), content)
  return {
    ...opened,
    store: driver.stores[0] as TextStore,
    read: (name: string) => readFileSync(join(opened.folder, name), 'utf8'),
    warnings: (part: string) => opened.log.lines.filter(line => line.startsWith('warn') && line.includes(part)),
  }
}

describe('a folder of table files', () => {
  it('warns once for an old version, a missing column, and empty fields of a column that is not nullable', async () => {
    const { database, warnings } = await folderWith({
      location: `${LOCATION}${LOCATION.split('\n')[1]}\n`,
      version: 'table_name(str) table_version(int)\nlocation:6\n',
    })
    const table = await database.table(CONTACTS)
    expect(await table.select()).toHaveLength(2)
    expect(await database.table(CONTACTS).then(again => again.select())).toHaveLength(2)
    expect(warnings('another version')[0]).toContain('"expected":1013,"found":6')
    expect(warnings('lacks a column')[0]).toContain('"column":"user_agent"')
    expect(warnings('not nullable')).toEqual([expect.stringContaining('"column":"received"')])
  })

  it('needs no table of versions', async () => {
    const { database, warnings } = await folderWith({ location: LOCATION })
    const [row] = await (await database.table(CONTACTS)).select()
    expect(row).toEqual({
      username: 'bob',
      domain: null,
      contact: 'sip:bob@127.0.0.1:5072',
      received: '',
      expires: 1_800_000_000,
      q: 0.7,
      flags: 0,
      user_agent: 'n/a',
    })
    expect(warnings('another version')[0]).toContain('"found":"none"')
  })

  it('is written at close only, the same header and order, what is added at the end', async () => {
    const { database, read, close } = await folderWith({ location: LOCATION })
    const table = await database.table(CONTACTS)
    await table.insert({ username: 'al:ice', contact: 'sip:a@b', q: 1, flags: 3, expires: null })
    await table.update({ received: 'sip:1.2.3.4' }, [['username', '=', 'BOB']])
    expect(read('location')).toBe(LOCATION)
    await close()
    const [header, bob] = LOCATION.split('\n')
    expect(read('location')).toBe(
      `${header}\n${bob?.replace('5072::', '5072:sip\\:1.2.3.4:')}\nal\\:ice::sip\\:a@b:::1.00:3\n`,
    )
  })

  it('is left alone when nothing has changed, or only been read', async () => {
    const odd = 'id(int,auto)   name( string , null )\n\n:first\n7:second\n'
    const { database, read, close } = await folderWith({ odd })
    const table = await database.table({
      name: 'odd',
      version: 1,
      columns: { id: autoColumn, name: nullableColumn('str') },
    })
    expect((await table.select()).map(({ id, name }) => [id, name])).toEqual([
      [8, 'first'],
      [7, 'second'],
    ])
    await table.update({ name: 'x' }, [['name', '=', 'nobody']])
    await close()
    expect(read('odd')).toBe(odd)
  })

  it('is written as a whole, keeping mode and links, and leaves nothing else behind', async () => {
    const { folder, database, close } = await folderWith({})
    mkdirSync(join(folder, 'elsewhere'))
    writeFileSync(join(folder, 'elsewhere', 'kept'), LOCATION)
    chmodSync(join(folder, 'elsewhere', 'kept'), 0o600)
    symlinkSync(join('elsewhere', 'kept'), join(folder, 'location'))
    await (await database.table(CONTACTS)).delete([])
    await close()
    expect(readFileSync(join(folder, 'elsewhere', 'kept'), 'utf8')).toBe(`${LOCATION.split('\n')[0]}\n`)
    expect(statSync(join(folder, 'elsewhere', 'kept')).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual(['kept'])
  })

  it('a table that cannot be read stays as it was at a reload; the error names file and line', async () => {
    const { folder, database, store } = await folderWith({ location: LOCATION })
    const table = await database.table(CONTACTS)
    await table.select()
    writeFileSync(join(folder, 'location'), `${LOCATION}too:short\n`)
    await expect(store.reload('location')).rejects.toThrow(`${folder}/location:3:10: expected 7 fields, got 2`)
    expect(await table.select()).toHaveLength(1)
    writeFileSync(join(folder, 'location'), `${LOCATION}${LOCATION.split('\n')[1]}\n`)
    expect(await table.select()).toHaveLength(1)
    await store.reload()
    expect(await table.select()).toHaveLength(2)
  })

  it('is read again at its next use after a change, where files are followed', async () => {
    const { folder, database, warnings } = await folderWith({ location: LOCATION }, true)
    const table = await database.table(CONTACTS)
    await table.update({ flags: 5 }, [])
    writeFileSync(join(folder, 'location'), LOCATION.replace('bob', 'eve'))
    utimesSync(join(folder, 'location'), 1, 1)
    expect((await table.select()).map(({ username, flags }) => [username, flags])).toEqual([['eve', 0]])
    expect(warnings('is lost')).toHaveLength(1)
  })

  it('warns when it overwrites a file that somebody else has changed', async () => {
    const { folder, database, store, warnings } = await folderWith({ location: LOCATION })
    const table = await database.table(CONTACTS)
    await table.update({ flags: 5 }, [])
    utimesSync(join(folder, 'location'), 1, 1)
    await store.dump()
    expect(warnings('overwritten')).toHaveLength(1)
    await table.update({ flags: 6 }, [])
    await store.dump()
    expect(warnings('overwritten')).toHaveLength(1)
  })

  it('keeps what cannot be written for the next time', async () => {
    const { folder, database, store, read } = await folderWith({ location: LOCATION })
    await (await database.table(CONTACTS)).update({ flags: 5 }, [])
    const inTheWay = join(folder, `.location.${process.pid}.tmp`)
    mkdirSync(inTheWay)
    await expect(store.dump()).rejects.toMatchObject({ code: 'E_DB_STORAGE' })
    expect(read('location')).toBe(LOCATION)
    rmdirSync(inTheWay)
    await store.dump()
    expect(read('location')).toBe(LOCATION.replace(':0\n', ':5\n'))
  })

  it('reads bytes that are no UTF-8 as ISO 8859-1', async () => {
    const { folder, database, warnings } = await folderWith({})
    writeFileSync(join(folder, 'names'), Buffer.from('name(str)\nZo\xeb\n', 'latin1'))
    const table = await database.table({ name: 'names', version: 1, columns: { name: column('str') } })
    expect(await table.select()).toEqual([{ name: 'Zoë' }])
    expect(warnings('not UTF-8')).toHaveLength(1)
  })

  it('a folder is one database however its URL is written', async () => {
    const { folder, database, databases } = await folderWith({ location: LOCATION })
    await (await database.table(CONTACTS)).delete([])
    const other = await (await databases.open(`text://${folder}/.`)).table(CONTACTS)
    expect(await other.select()).toEqual([])
  })

  it('NULL for a column of text that is not nullable is stored as empty, with one warning', async () => {
    const { database, warnings } = await folderWith({ location: LOCATION.replace('::1800', ':x:1800') })
    const table = await database.table(CONTACTS)
    expect(warnings('not nullable')).toEqual([])
    await table.insert({ username: 'a', flags: 0 })
    await table.insert({ username: 'b', flags: 0 })
    expect((await table.select()).map(({ received }) => received)).toEqual(['x', '', ''])
    expect(warnings('not nullable')).toHaveLength(1)
  })

  it('relative URLs start at the folder of the configuration', async () => {
    const { folder, databases } = await folderWith({})
    mkdirSync(join(folder, 'db'))
    writeFileSync(join(folder, 'db', 'location'), LOCATION)
    const table = await (await databases.open('text://db')).table(CONTACTS)
    expect(await table.select()).toHaveLength(1)
  })

  it.each([
    ['text:///nowhere/at/all', 'E_DB_URL', 'there is no folder /nowhere/at/all'],
    ['mysql://me:secret@host/db', 'E_DB_SCHEME', 'mysql://me:***@host/db'],
    ['nonsense', 'E_DB_URL', 'expected scheme://location'],
  ])('%s cannot be opened', async (url, code, message) => {
    const { databases } = await folderWith({})
    await expect(databases.open(url)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })
})
