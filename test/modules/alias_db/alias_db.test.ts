import { describe, expect, it } from 'vitest'
import { ALIAS_TABLE } from '../../../src/modules/alias_db/table.ts'
import { DATABASES, filledDatabase } from '../../support/filled-database.ts'
import { requestUri, startAnswering } from '../../support/scripted-answer.ts'
import { modparams } from '../../support/table-proxy.ts'

const ROWS = [
  { alias_username: '1000', alias_domain: 'a.example', username: 'alice', domain: 'home.example' },
  { alias_username: '1000', alias_domain: 'a.example', username: 'bob', domain: 'home.example' },
  { alias_username: '2000', alias_domain: 'b.example', username: 'carol', domain: '' },
  { alias_username: 'odd one', alias_domain: 'a.example', username: 'd e', domain: 'home.example' },
  { alias_username: 'evil', alias_domain: 'a.example', username: 'x', domain: 'h> <sip:y@z' },
]

describe.each(DATABASES)('aliases in %s', kind => {
  const start = async (call: string, shown: string, params: Readonly<Record<string, string | number>> = {}) => {
    const { url, loadmodule } = await filledDatabase(kind, [[ALIAS_TABLE, ROWS]])
    const lines = `${loadmodule}loadmodule "alias_db.so"\n${modparams('alias_db', { db_url: url, ...params })}`
    return startAnswering(lines, call, shown)
  }

  it('alias_db_lookup replaces the Request-URI by that of the user', async () => {
    const { answer } = await start('alias_db_lookup("dbaliases")', '$ru $branch')
    expect(await answer(requestUri('sip:1000@a.example:5070;transport=tcp'))).toBe('1 sip:alice@home.example <null>')
    expect(await answer(requestUri('sip:2000@b.example'))).toBe('1 sip:carol@b.example <null>')
    expect(await answer(requestUri('sip:odd%20one@a.example'))).toBe('1 sip:d%20e@home.example <null>')
    expect(await answer(requestUri('sip:2000@a.example'))).toBe('-1 sip:2000@a.example <null>')
    expect(await answer(requestUri('sip:a.example'))).toBe('-1 sip:a.example <null>')
  })

  it('a row that would spoil the request is passed over', async () => {
    const { answer } = await start('alias_db_lookup("dbaliases")', '$ru')
    expect(await answer(requestUri('sip:evil@a.example'))).toBe('-1 sip:evil@a.example')
  })

  it('flag d looks by user alone', async () => {
    const { answer } = await start('alias_db_lookup("dbaliases", "d")', '$ru')
    expect(await answer(requestUri('sip:2000@elsewhere.example'))).toBe('1 sip:carol@elsewhere.example')
  })

  it('with append_branches the other users become branches', async () => {
    const { answer } = await start('alias_db_lookup("dbaliases")', '$ru $(branch(uri)[0])', { append_branches: 1 })
    expect(await answer(requestUri('sip:1000@a.example'))).toBe('1 sip:alice@home.example sip:bob@home.example')
  })

  it('domain_prefix is taken off before the look-up', async () => {
    const { answer } = await start('alias_db_lookup("dbaliases")', '$ru', { domain_prefix: 'sip.' })
    expect(await answer(requestUri('sip:1000@sip.a.example'))).toBe('1 sip:alice@home.example')
  })

  it('alias_db_find finds the user of any URI, and with flag r the alias of a user', async () => {
    const user = await start('alias_db_find("dbaliases", "$ru", $avp(out))', '$ru $avp(out)')
    expect(await user.answer(requestUri('sip:1000@a.example'))).toBe('1 sip:1000@a.example sip:alice@home.example')
    expect(await user.answer(requestUri('sip:3@a.example'))).toBe('-1 sip:3@a.example <null>')
    const alias = await start('alias_db_find("dbaliases", "sip:bob@home.example", $avp(out), "r")', '$avp(out)')
    expect(await alias.answer()).toBe('1 sip:1000@a.example')
    const byUser = await start('alias_db_find("dbaliases", "sip:bob@x", $var(out), "dr")', '$var(out)')
    expect(await byUser.answer()).toBe('1 sip:1000@a.example')
  })

  it('wrong flags, a missing table and a missing database are errors at start', async () => {
    await expect(start('alias_db_lookup("dbaliases", "x")', '')).rejects.toThrow('expected d, r or both')
    await expect(start('alias_db_lookup("nowhere")', '')).rejects.toThrow('nowhere')
    await expect(startAnswering('loadmodule "alias_db.so"\n', 'alias_db_lookup("t")')).rejects.toThrow('set db_url')
  })

  it('a table that a variable names and that is not there gives −1', async () => {
    const { answer, log } = await start('$var(t) = "../x"; alias_db_lookup("$var(t)")', '')
    expect(await answer()).toBe('-1')
    expect(log.join('')).toContain('the aliases cannot be asked for')
  })
})
