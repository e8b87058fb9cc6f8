import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scriptProxy } from '../../support/script-proxy.ts'
import { until } from '../../support/until.ts'

const TOP = `max_event_statements = 20
loadmodule "sipmsgops.so"
loadmodule "mi_script.so"
route[again] { route(again); }`

/** A request to `bad` runs the statement, in the second line of the route; any other is answered. */
const failing = (statement: string, top = '') =>
  scriptProxy({
    top: TOP + top,
    route: `if ($rU == "bad") {\n   ${statement}\n}\nsl_send_reply(299, "served");`,
  })

describe('an error while a script runs', () => {
  it.each([
    ['an expression without a value', '$var(x) = 5 / $var(zero);', 14, 'expression has no value'],
    ['an argument that is NULL', 'append_hf($avp(none));', 14, 'argument has no usable value'],
    ['a comparison that makes no sense', 'if ($rU > 5) exit;', 8, 'comparison of a text with a number'],
    ['a route that does not exist', 'route("r$rU");', 4, 'no such route'],
    ['a loop without end', 'while (1) $var(i) = 1;', 4, 'while stopped after max_while_loops rounds'],
    ['a function that fails', '$avp(n) = "a"; mi("version", $var(r), $avp(n), $avp(none));', 19, 'function failed'],
  ])(
    '%s: the log names file, line and column, and the messages around it are served',
    async (_, statement, column, said) => {
      const proxy = await failing(statement)
      proxy.phone.request('MESSAGE', proxy.port, { uri: 'sip:bad@127.0.0.1' })
      expect(await proxy.ask()).toBe('served')
      await until(() => proxy.logged(said) > 0)
      expect(placeIn(proxy.log, said)).toEqual([`${proxy.folder}/test.cfg`, lineOf(proxy.folder, statement), column])
      expect(await proxy.ask()).toBe('served')
    },
  )

  it('routes without end: the place of the call that was one too many', async () => {
    const proxy = await failing('route(again);')
    proxy.phone.request('MESSAGE', proxy.port, { uri: 'sip:bad@127.0.0.1' })
    expect(await proxy.ask()).toBe('served')
    await until(() => proxy.logged('routes call each other too deeply') > 0)
    expect(placeIn(proxy.log, 'too deeply')[2]).toBe(16)
  })

  it('too many statements in a route of an event: the loop that was stopped', async () => {
    const proxy = await failing('raise_event("E_A");', '\nevent_route[E_A] {\n  while (1)\n     $var(i) = 1;\n}')
    proxy.phone.request('MESSAGE', proxy.port, { uri: 'sip:bad@127.0.0.1' })
    await until(() => proxy.logged('max_event_statements') > 0)
    expect(placeIn(proxy.log, 'max_event_statements')).toEqual([
      `${proxy.folder}/test.cfg`,
      lineOf(proxy.folder, '  while (1)'),
      3,
    ])
    expect(await proxy.ask()).toBe('served')
  })
})

const lineOf = (folder: string, text: string): number =>
  readFileSync(join(folder, 'test.cfg'), 'utf8')
    .split('\n')
    .findIndex(line => line.includes(text)) + 1

/** File, line and column in the log line that says this. */
function placeIn(log: readonly string[], said: string): readonly (string | number)[] {
  const line = log.find(text => text.includes(said)) ?? ''
  const [, file = '', row, column] = /file=(\S+) line=(\d+) column=(\d+)/.exec(line) ?? []
  return [file, Number(row), Number(column)]
}
