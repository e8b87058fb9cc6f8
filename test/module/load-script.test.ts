import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startFile } from '../../src/main.ts'
import { freePort } from '../support/ports.ts'

/** What is said about a script when it is started, without the paths. */
async function check(script: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-load-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'x.cfg')
  writeFileSync(file, script)
  const { proxy, text } = await startFile({
    file,
    sockets: [`udp:127.0.0.1:${await freePort()}`],
    write: () => {},
  })
  await proxy?.stop(AbortSignal.abort())
  expect(proxy === null).toBe(text.includes(': error: '))
  return text.replaceAll(`${folder}/`, '')
}
/** The findings alone, a line each. */
const findings = async (script: string): Promise<string[]> =>
  (await check(script)).split('\n').filter(line => /: (error|warning|notice): /.test(line))

describe('loading modules', () => {
  it('a script without faults has nothing said about it', async () => {
    expect(await check('socket=udp:127.0.0.1:5060\nloadmodule "sl.so"\nroute { sl_send_reply(200, "OK"); }')).toBe('')
  })

  it('a missing dependency is named at the module that needs it, with the line to add', async () => {
    const text = await check('loadmodule "registrar.so"\nroute { save("location"); }')
    expect(text).toContain('x.cfg:1:1: error: module registrar needs module usrloc')
    expect(text).toContain('add: loadmodule "usrloc.so"')
  })

  it('modules may stand in any order in the script', async () => {
    expect(
      await findings(
        'socket=udp:127.0.0.1:5060\nloadmodule "registrar.so"\nloadmodule "signaling.so"\nloadmodule "sl.so"\nloadmodule "usrloc.so"\nroute { save("location"); }',
      ),
    ).toEqual([])
  })

  it('textops brings sipmsgops, whose functions were its own in 2.x', async () => {
    expect(
      await findings(
        'socket=udp:127.0.0.1:5060\nloadmodule "textops.so"\nroute { if (has_totag()) { append_hf("X: 1\\r\\n"); } }',
      ),
    ).toEqual([])
  })

  it('an unknown module is one error with a suggestion, and its functions are none', async () => {
    const text = await check('loadmodule "registrat.so"\nroute { zzq_frobnicate("x"); $var(a) = $zzq; }')
    expect(text.match(/: error: /g)?.length).toBe(1)
    expect(text).toContain('x.cfg:1:1: error: there is no module "registrat"')
    expect(text).toContain('hint: did you mean "registrar"?')
  })

  it('nor are the functions of the module that was meant', async () => {
    expect(await findings('loadmodule "registrat.so"\nroute { save("location"); }')).toEqual([
      'x.cfg:1:1: error: there is no module "registrat"',
    ])
  })

  it('a path and a former name lead to the same module', async () => {
    expect(
      await findings(
        'socket=udp:127.0.0.1:5060\nloadmodule "/usr/lib/opensips/modules/localcache.so"\nroute { cache_remove("local", "k"); }',
      ),
    ).toEqual([])
  })

  it('what a module says of its parameters stands at its loadmodule line', async () => {
    const [found] = await findings(
      'loadmodule "cachedb_local.so"\nmodparam("cachedb_local", "cachedb_url", "nonsense")\nroute { cache_remove("local", "k"); }',
    )
    expect(found).toMatch(/^x.cfg:1:\d+: error: module cachedb_local: cachedb_url "nonsense": expected local:/)
  })

  it('what a module that cannot work leaves unknown is no fault of its own, nor is a module that stands on it', async () => {
    const found = await findings(
      'loadmodule "tm.so"\nloadmodule "rr.so"\nloadmodule "dialog.so"\nloadmodule "fraud_detection.so"\n' +
        'modparam("dialog", "profiles_with_value", "x/b")\n' +
        'route { create_dialog(); $DLG_timeout = 5; check_fraud($fU, $rU, 1); zzq(); }',
    )
    expect(found).toEqual([
      expect.stringMatching(/^x.cfg:3:1: error: module dialog: /),
      expect.stringMatching(/^x.cfg:6:70: error: unknown function zzq\(\)/),
    ])
  })

  it('a parameter that no module has, and one of the wrong type, are errors where they stand', async () => {
    expect(
      await findings(
        'loadmodule "tm.so"\nmodparam("tm", "fr_timout", 5)\nmodparam("tm", "fr_timeout", "soon")\nroute {}',
      ),
    ).toEqual([
      expect.stringMatching(/^x.cfg:2:\d+: error: .*fr_timout/),
      expect.stringMatching(/^x.cfg:3:\d+: error: .*fr_timeout/),
    ])
  })

  it('every fault is reported in one go', async () => {
    const found = await findings(
      'unknown_setting = 1\nloadmodule "none.so"\nroute { route(nowhere); sethost("a", "b"); $ru.x = 1; }',
    )
    expect(found.length).toBeGreaterThanOrEqual(4)
  })

  it('a script of 2.x that sends events is told what they look like, unless it says which it wants', async () => {
    const script = 'children=4\nlisten=udp:127.0.0.1:5060\nloadmodule "event_datagram.so"\nroute { exit; }'
    expect(await check(script)).toContain(
      'x.cfg:1:1: warning: "children" is of 2.x, whose events were lines of text: here they are JSON-RPC',
    )
    expect(await check(`era = 4.0\n${script}`)).not.toContain('warning')
    expect(await check(script.replace('event_datagram', 'sl'))).not.toContain('warning')
  })

  it('a function of a module that is not loaded names the module', async () => {
    expect(await check('route { t_relay(); }')).toContain('it is in module tm: add loadmodule "tm.so"')
  })
})
