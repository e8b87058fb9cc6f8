import { describe, expect, it } from 'vitest'
import { parseGroups } from '../../../src/modules/regex/groups.ts'
import { modparams, tableProxy } from '../../support/table-proxy.ts'

async function matching(route: string, params: Readonly<Record<string, string | number>> = {}, file = '') {
  const script = `
loadmodule "sl.so"
loadmodule "regex.so"
${modparams('regex', params)}
route { ${route} $var(rc) = $rc; sl_send_reply(299, "$var(rc)"); }
`
  const proxy = await tableProxy({ script, tables: { groups: file } })
  return {
    ...proxy,
    ask: async (user: string): Promise<string> => {
      proxy.phone.request('MESSAGE', proxy.port, { uri: `sip:${user}@127.0.0.1` })
      return (await proxy.phone.nextReply(299)).reason
    },
  }
}

const FILE = '# gateways\n^gw\n[0]\n\\d{3}$\n\n[1]\n^vip-\n'

describe('pcre_match', () => {
  it.each([
    ['pcre_match("$rU", "^a.c$");', {}, 'abc', '1'],
    ['pcre_match("$rU", "^a.c$");', {}, 'ABC', '-1'],
    ['pcre_match("$rU", "^a.c$");', { pcre_caseless: 1 }, 'ABC', '1'],
    ['pcre_match("$rU", "^a  .c$");', { pcre_extended: 1 }, 'abc', '1'],
    ['$var(p) = "^(a"; pcre_match("$rU", "$var(p)");', {}, 'abc', '-1'],
  ])('%s with %j on %s is %s', async (route, params, user, expected) => {
    const { ask } = await matching(route, params)
    expect(await ask(user)).toBe(expected)
  })

  it('a constant expression that is none is refused at load', async () => {
    await expect(matching('pcre_match("$rU", "(");')).rejects.toThrow(/pcre_match|regular expression/i)
  })
})

describe('pcre_match_group', () => {
  it.each([
    ['', 'gw1', '1'],
    ['', 'x123', '1'],
    ['', 'vip-1', '-1'],
    [', 1', 'vip-1', '1'],
    [', 7', 'vip-1', '-1'],
  ])('group "%s" on %s is %s', async (group, user, expected) => {
    const { ask } = await matching(`pcre_match_group("$rU"${group});`, { file: '@DB@/groups' }, FILE)
    expect(await ask(user)).toBe(expected)
  })

  it('regex_reload takes the file as it is now; one that cannot be read changes nothing', async () => {
    const { ask, mi, write } = await matching('pcre_match_group("$rU");', { file: '@DB@/groups' }, FILE)
    write('groups', '^new\n')
    expect(await ask('gw1')).toBe('1')
    expect(await mi('regex_reload')).toBe('OK')
    expect([await ask('gw1'), await ask('new')]).toEqual(['-1', '1'])
    write('groups', '^ok\n(\n')
    await expect(mi('regex_reload')).rejects.toMatchObject({ code: 500, data: expect.stringContaining('groups:2:') })
    expect(await ask('new')).toBe('1')
  })

  it('without a file there is nothing to reload', async () => {
    const { mi } = await matching('pcre_match_group("$rU");')
    await expect(mi('regex_reload')).rejects.toMatchObject({ code: 500 })
  })

  it.each([
    ['[20]\na\n', 'f:1: expected a group below 20'],
    ['abcdef\n', 'f:1: group 0 is longer than 5 bytes'],
    ['a\n[1]\n(\n', 'f:3: '],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseGroups(text, 'f', { groups: 20, bytes: 5 }, {})).toThrow(message)
  })
})
