import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { column } from '../../../src/db/schema.ts'
import { startProxy } from '../../support/running-proxy.ts'

const NAMES = { name: 'names', version: 1, columns: { name: column('str') } } as const

/** A proxy with db_text, and the table `names` in a folder `db` beside its configuration. */
async function withTable(mode = 0) {
  const started = await startProxy(
    `loadmodule "modules/db_text/db_text.so"\nmodparam("dbtext", "db_mode", ${mode})\nroute { exit; }`,
  )
  onTestFinished(() => started.stop())
  const { host } = started.proxy
  mkdirSync(join(started.folder, 'db'))
  const file = join(started.folder, 'db', 'names')
  const write = (...names: string[]) => writeFileSync(file, `name(str)\n${names.map(name => `${name}\n`).join('')}`)
  write('one')
  const table = await (await host.db.open('text://db')).table(NAMES)
  return {
    folder: join(started.folder, 'db'),
    file,
    write,
    table,
    names: async () => (await table.select()).map(({ name }) => name),
    mi: (command: string, params?: unknown) => host.mi.call(command, params),
    text: () => readFileSync(file, 'utf8'),
  }
}

describe('the db_text module', () => {
  it.each(['db_text:dump', 'dbt_dump'])('%s writes what has changed', async command => {
    const { table, mi, text } = await withTable()
    await table.insert({ name: 'two' })
    expect(text()).toBe('name(str)\none\n')
    expect(await mi(command)).toBe('OK')
    expect(text()).toBe('name(str)\none\ntwo\n')
  })

  it('reload takes changed files over: all, those of a folder, or one table', async () => {
    const { folder, write, names, mi } = await withTable()
    for (const [i, params] of [[], [folder], [`text://${folder}/`, 'names']].entries()) {
      write('new', String(i))
      expect((await names()).includes(String(i))).toBe(false)
      expect(await mi('dbt_reload', params)).toBe('OK')
      expect(await names()).toEqual(['new', String(i)])
    }
    await expect(mi('dbt_reload', ['/nowhere'])).rejects.toMatchObject({ code: 404, message: 'No such database' })
    await expect(mi('dbt_reload', [folder, 'absent'])).rejects.toMatchObject({ code: 500, message: 'Internal error' })
  })

  it('db_mode 1 follows the files', async () => {
    const { file, write, names } = await withTable(1)
    expect(await names()).toEqual(['one'])
    write('other')
    utimesSync(file, 1, 1)
    expect(await names()).toEqual(['other'])
  })
})
