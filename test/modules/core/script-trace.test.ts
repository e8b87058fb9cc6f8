import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { scriptProxy } from '../../support/script-proxy.ts'

const MODULES = 'loadmodule "cfgutils.so"\n'

/** What `script_trace` logs of a message, from the bracket on, with lines counted from the first of the route. */
async function traced(route: string, top = '') {
  const proxy = await scriptProxy({ top: MODULES + top, route })
  return {
    ...proxy,
    lines: (): string[] => {
      const shown = proxy.log.flatMap(line => /\[(?:\S+ )?line \d+\].*/s.exec(line.trimEnd())?.[0] ?? [])
      const first = Number(/line (\d+)/.exec(shown[0] ?? '')?.[1])
      return shown.map(line => line.replace(/\[line (\d+)\]/, (_, number) => `[+${number - first}]`))
    },
  }
}

describe('script_trace', () => {
  it('takes a level, a format and a name, as 2.x and 4.x write them', async () => {
    const proxy = await traced(`script_trace(1, "$rm ruri=$ru");
$var(x) = 1;
script_trace( 1, "$rU", "me");
$var(x) = 2;
script_trace(2);
$var(x) = 3;
script_trace();
sl_send_reply(299, "$var(x)");`)
    expect(await proxy.ask()).toBe('3')
    expect(proxy.lines()).toEqual([
      '[+0][assign] -> (MESSAGE ruri=sip:bob@127.0.0.1)',
      '[+1][module script_trace] -> (MESSAGE ruri=sip:bob@127.0.0.1)',
      '[+2][me][assign] -> (bob)',
      '[+3][me][module script_trace] -> (bob)',
      '[+4][assign] -> ()',
      '[+5][module script_trace] -> ()',
    ])
  })

  it('logs nothing above the log level', async () => {
    const proxy = await traced('script_trace(4, "$rm"); $var(x) = 1; sl_send_reply(299, "done");')
    await proxy.ask()
    expect(proxy.lines()).toEqual([])
  })

  it('is about one message, and ends with the route that the message began in', async () => {
    const proxy = await traced(
      `if ($rU == "bob") script_trace(1, "$rU");
if ($rU == "bob") async(sleep(-1), resumed);
sl_send_reply(299, "other");`,
      'route[resumed] { $var(x) = 1; t_reply(299, "resumed"); }',
    )
    expect(await proxy.ask()).toBe('resumed')
    expect(await proxy.ask({ uri: 'sip:carol@127.0.0.1' })).toBe('other')
    expect(proxy.lines()).toEqual(['[+0][core if] -> (bob)', '[+0][core async] -> (bob)'])
  })

  it('names the file of what stands in an included one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fanfare-included-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'other.cfg')
    writeFileSync(file, 'route[there] {\n  $var(x) = 1;\n}\n')
    const proxy = await traced(
      'script_trace(1, "x");\nroute(there);\nsl_send_reply(299, "done");',
      `include_file "${file}"`,
    )
    await proxy.ask()
    expect(proxy.lines()).toEqual([
      '[+0][core route] -> (x)',
      `[${file} line 2][assign] -> (x)`,
      '[+1][module sl_send_reply] -> (x)',
    ])
  })
})
