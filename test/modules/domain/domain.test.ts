import { describe, expect, it } from 'vitest'
import { DOMAIN_TABLE } from '../../../src/modules/domain/table.ts'
import { DATABASES, filledDatabase } from '../../support/filled-database.ts'
import { fromUri, requestUri, startAnswering } from '../../support/scripted-answer.ts'
import { modparams } from '../../support/table-proxy.ts'

const ROWS = [
  { domain: 'example.com', attrs: 'gold' },
  { domain: 'wide.example', accept_subdomain: 1, attrs: 'wide' },
  { domain: 'low.wide.example', attrs: 'low' },
  { domain: '127.0.0.1' },
]

const kinds = DATABASES.flatMap(kind => [0, 1].map(mode => ({ kind, mode })))

describe.each(kinds)('domains in $kind with db_mode $mode', ({ kind, mode }) => {
  const start = async (call: string) => {
    const database = await filledDatabase(kind, [[DOMAIN_TABLE, ROWS]])
    const lines = `${database.loadmodule}loadmodule "domain.so"\n${modparams('domain', { db_url: database.url, db_mode: mode })}`
    return { ...(await startAnswering(lines, `$avp(a) = "before"; ${call}`, '$avp(a)')), database }
  }

  it('is_from_local looks at From, and gives the attributes', async () => {
    const { answer } = await start('is_from_local($avp(a))')
    expect(await answer(fromUri('sip:alice@example.com:5070'))).toBe('1 gold')
    expect(await answer(fromUri('sip:alice@127.0.0.1'))).toBe('1 <null>')
    expect(await answer(fromUri('sip:alice@sub.example.com'))).toBe('-1 before')
    expect(await answer(fromUri('tel:+123'))).toBe('-1 before')
  })

  it('is_uri_host_local looks at the current Request-URI', async () => {
    const { answer } = await start('is_uri_host_local($avp(a))')
    expect(await answer(requestUri('sip:bob@example.com'))).toBe('1 gold')
    expect(await answer(requestUri('sip:bob@elsewhere.example'))).toBe('-1 before')
    const other = await start('seturi("sip:x@example.com"); is_uri_host_local()')
    expect(await other.answer()).toBe('1 before')
  })

  it.each([
    ['example.com', '1 gold'],
    ['com', '-1 before'],
    ['wide.example', '1 wide'],
    ['a.b.wide.example', '1 wide'],
    ['low.wide.example', '1 low'],
    ['x.low.wide.example', '1 wide'],
    ['widewide.example', '-1 before'],
    ['1.127.0.0.1', '-1 before'],
    ['', '-1 before'],
  ])('is_domain_local of %s: %s', async (name, expected) => {
    const { answer } = await start(`is_domain_local("${name}", $avp(a))`)
    expect(await answer()).toBe(expected)
  })

  it('domain_reload and domain_dump work on the domains that are loaded', async () => {
    const { mi, database } = await start('is_from_local()')
    if (mode === 0) {
      await expect(mi('domain_reload')).rejects.toMatchObject({ code: 500 })
      await expect(mi('domain:dump')).rejects.toMatchObject({ code: 500 })
      return
    }
    expect(await mi('domain_dump')).toMatchObject({
      Domains: [
        { name: 'example.com', accept_subdomain: 0, attributes: 'gold' },
        { name: 'wide.example', accept_subdomain: 1 },
        { name: 'low.wide.example' },
        { name: '127.0.0.1' },
      ],
    })
    if (kind === 'sqlite') return
    database.write('domain', 'domain(string)\nnew.example\n')
    await mi('dbt_reload')
    expect(await mi('domain:reload')).toBe('OK')
    expect(await mi('domain:dump')).toEqual({ Domains: [{ name: 'new.example', accept_subdomain: 0 }] })
  })
})

describe('the domain module', () => {
  it('takes names in any case, and renamed tables and columns', async () => {
    const { url, loadmodule, write } = await filledDatabase('text', [])
    write('version', 'table_name(string) table_version(int)\nours:4\n')
    write('ours', 'name(string) tag(string,null) sub(int)\nExample.COM:t:0\n')
    const names = { domain_table: 'ours', domain_col: 'name', attrs_col: 'tag', subdomain_col: 'sub' }
    for (const db_mode of [0, 1]) {
      const lines = `${loadmodule}loadmodule "domain.so"\n${modparams('domain', { db_url: url, db_mode, ...names })}`
      const { answer } = await startAnswering(lines, 'is_domain_local("eXample.com", $avp(a))', '$avp(a)')
      expect(await answer()).toBe('1 t')
    }
  })

  it('does not start without its table', async () => {
    const { url, loadmodule } = await filledDatabase('sqlite', [])
    const lines = `${loadmodule}loadmodule "domain.so"\n${modparams('domain', { db_url: url })}`
    await expect(startAnswering(lines, 'is_from_local()')).rejects.toThrow('domain')
    await expect(startAnswering('loadmodule "domain.so"\n', 'is_from_local()')).rejects.toThrow('set db_url')
  })
})
