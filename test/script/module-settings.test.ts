import { describe, expect, it } from 'vitest'
import { Diagnostics } from '../../src/script/diagnostic.ts'
import type { KnownModule } from '../../src/script/environment.ts'
import { moduleName, readLoadModules, readModparams } from '../../src/script/module-settings.ts'
import { loadScript } from '../../src/script/parse.ts'
import { memoryReader } from '../../src/script/preprocess.ts'
import { optionalParam, param, repeatedParam } from '../../src/util/spec.ts'

const modules: readonly KnownModule[] = [
  {
    name: 'usrloc',
    params: {
      db_url: optionalParam('str', ''),
      timer_interval: param('int', 60, ''),
      working_mode: param('str', '', '', { formerly: ['db_mode'] }),
    },
  },
  { name: 'auth_db', params: { db_url: optionalParam('str', '') } },
  { name: 'db_text', params: { db_mode: param('int', 0, '') } },
  {
    name: 'acc',
    aliases: ['accounting'],
    params: { extra_fields: repeatedParam('str', ''), note: repeatedParam('int', '') },
  },
]

function load(text: string) {
  const diagnostics = new Diagnostics()
  const script = loadScript('t.cfg', memoryReader({ 't.cfg': text }))
  const find = (name: string) => modules.find(module => module.name === name || module.aliases?.includes(name))
  const loaded = readLoadModules(
    script.loadModules,
    find,
    modules.map(({ name }) => name),
    diagnostics,
  )
  const given = readModparams(script.modparams, loaded, diagnostics)
  return {
    loaded: loaded.map(({ name }) => name),
    given: Object.fromEntries([...given].map(([name, params]) => [name, Object.fromEntries(params)])),
    diagnostics: diagnostics.list.map(
      ({ line, column, message, hint }) => `${line}:${column} ${message}${hint === undefined ? '' : ` (${hint})`}`,
    ),
  }
}

describe('loadmodule', () => {
  it.each([
    ['x', 'x'],
    ['x.so', 'x'],
    ['modules/x/x.so', 'x'],
    ['/usr/lib/opensips/modules/x.so', 'x'],
  ])('%s is module %s', (path, name) => expect(moduleName(path)).toBe(name))

  it('loads each module once, by old names too, and takes the ones of the core', () => {
    const text = ['modules/usrloc/usrloc.so', 'usrloc', 'dbtext.so', 'accounting', 'proto_udp.so']
      .map(path => `loadmodule "${path}"`)
      .join('\n')
    expect(load(text)).toMatchObject({ loaded: ['usrloc', 'db_text', 'acc'], diagnostics: [] })
  })

  it('reports a module that there is not', () => {
    expect(load('loadmodule "usrlok.so"').diagnostics).toEqual([
      '1:1 there is no module "usrlok" (did you mean "usrloc"?)',
    ])
  })
})

it('says nothing of the parameters of a module that there is not', () => {
  const diagnostics = new Diagnostics()
  const script = loadScript('t.cfg', memoryReader({ 't.cfg': 'modparam("pike", "x", 1)' }))
  readModparams(script.modparams, modules, diagnostics, ['pike'])
  expect(diagnostics.list).toEqual([])
})

describe('modparam', () => {
  const all = 'loadmodule "usrloc"\nloadmodule "auth_db"\nloadmodule "acc"\n'
  it.each<[string, object, string[]]>([
    [
      'modparam("usrloc|auth_db", "db_url", "text:///x")',
      { usrloc: { db_url: 'text:///x' }, auth_db: { db_url: 'text:///x' } },
      [],
    ],
    ['modparam("USRLOC", "timer_interval", "5")', { usrloc: { timer_interval: 5 } }, []],
    ['modparam("usrloc", "db_mode", 0)', { usrloc: { working_mode: '0' } }, []],
    [
      'modparam("usrloc", "timer_interval", 1) modparam("usrloc", "timer_interval", 2)',
      { usrloc: { timer_interval: 2 } },
      [],
    ],
    [
      'modparam("acc", "extra_fields", "a") modparam("accounting", "extra_fields", "b")',
      { acc: { extra_fields: ['a', 'b'] } },
      [],
    ],
    ['modparam("usr.*", "timer_interval", 5)', { usrloc: { timer_interval: 5 } }, []],
    ['modparam("proto_udp", "x", 5)', {}, ['4:10 "proto_udp" is part of the core and has no parameters here']],
    ['modparam("usr", "timer_interval", 5)', {}, ['4:10 no loaded module is called "usr" (is a loadmodule missing?)']],
    [
      'modparam("usrlok", "timer_interval", 5)',
      {},
      ['4:10 no loaded module is called "usrlok" (did you mean "usrloc"?)'],
    ],
    [
      'modparam("usrloc", "timer_intervall", 5)',
      {},
      ['4:20 usrloc has no parameter "timer_intervall" (did you mean "timer_interval"?)'],
    ],
    ['modparam("usrloc", "timer_interval", "soon")', {}, ['4:38 "timer_interval" takes a number, got "soon"']],
    ['modparam("usrloc(", "timer_interval", 5)', {}, ['4:10 "usrloc(" is no regular expression: "(" without ")"']],
  ])('%s', (text, given, diagnostics) => {
    expect(load(all + text)).toEqual({ loaded: ['usrloc', 'auth_db', 'acc'], given, diagnostics })
  })
})
