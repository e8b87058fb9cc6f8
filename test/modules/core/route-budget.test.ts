import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ScriptProxy, scriptProxy } from '../../support/script-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'

/* A script that never ends costs the run it is in: everybody else is served. */

const FOREVER = `while (1) {
  while (1) {
    while (1) { $var(i) = $var(i) + 1; }
  }
}`

/** A request to `bad` runs the statements, a call to `bob` is relayed to @BOB@, any other request is answered. */
const looping = (statements: string, top = '', names: Readonly<Record<string, string | number>> = {}) =>
  scriptProxy({
    top: `loadmodule "sipmsgops.so"\n${top}`,
    route: `if ($rU == "bad") {\n${statements}\n}\nif ($rm == "INVITE") { $du = "sip:127.0.0.1:@BOB@"; t_relay(); exit; }
sl_send_reply(299, "served");`,
    names,
  })

const LIMITED = 'max_route_statements = 5000'

const stopped = (proxy: ScriptProxy): readonly string[] => proxy.log.filter(line => line.includes('route failed'))

/** Sends a request that loops, and one behind it. */
async function disturb(proxy: ScriptProxy): Promise<void> {
  proxy.phone.request('MESSAGE', proxy.port, { uri: 'sip:bad@127.0.0.1' })
  expect(await proxy.ask()).toBe('served')
}

/** `file:line:column` of a text in the script. */
function placeOf(proxy: ScriptProxy, text: string): string {
  const file = join(proxy.folder, 'test.cfg')
  const before = readFileSync(file, 'utf8').split(text)[0] ?? ''
  const line = before.split('\n').length
  return `${file}:${line}:${before.length - before.lastIndexOf('\n')}`
}

describe('loops without end, three deep', () => {
  it('end within the statements of a run, by default too, while a call that rings is answered and others are served', async () => {
    const bob = await SipUa.open('bob')
    const proxy = await looping(FOREVER, '', { BOB: bob.port })
    proxy.phone.request('INVITE', proxy.port)
    const invite = await bob.nextRequest('INVITE')
    bob.reply(invite, 180, 'Ringing')
    await proxy.phone.nextReply(180)
    proxy.phone.request('MESSAGE', proxy.port, { uri: 'sip:bad@127.0.0.1' })
    bob.reply(invite, 200, 'OK')
    await proxy.phone.nextReply(200)
    expect(await proxy.ask()).toBe('served')
    expect(stopped(proxy)).toHaveLength(1)
    expect(stopped(proxy)[0]).toContain('it ran more than 1000000 statements')
  })

  it('are named in the log, the innermost first, with the limit and the setting', async () => {
    const proxy = await looping(FOREVER, LIMITED)
    await disturb(proxy)
    const [inner, middle, outer] = ['while (1) { $', 'while (1) {\n    w', 'while (1) {\n  w'].map(text =>
      placeOf(proxy, text),
    )
    const [, file, line, column] = /file=(\S+) line=(\d+) column=(\d+)/.exec(stopped(proxy)[0] ?? '') ?? []
    expect(`${file}:${line}:${column}`).toBe(inner)
    expect(stopped(proxy)[0]).toContain(`running="while ${inner} in while ${middle} in while ${outer}" route=route[] `)
    expect(stopped(proxy)[0]).toContain('it ran more than 5000 statements')
    expect(stopped(proxy)[0]).toContain('raise max_route_statements')
  })

  it('end where there is no statement in them', async () => {
    const proxy = await looping('while (1) { while (1) { while (1) { } } }', LIMITED)
    await disturb(proxy)
    expect(stopped(proxy)).toHaveLength(1)
  })

  it('end where each round waits', async () => {
    const proxy = await looping(
      'while (1) { while (1) { cache_fetch("local:x", "none", $avp(x)); } }',
      `${LIMITED}\nloadmodule "cachedb_local.so"\nmodparam("cachedb_local", "cachedb_url", "local:x:///default")`,
    )
    await disturb(proxy)
    await until(() => stopped(proxy).length === 1)
  })

  it('leave the request answered as it was, and a transaction without an answer abandoned', async () => {
    const proxy = await looping('t_newtran(); while (1) { while (1) { } }', LIMITED)
    await disturb(proxy)
    await until(() => proxy.logged('neither answered nor forwarded') === 1)
    expect(await proxy.ask()).toBe('served')
  })

  it('log once for all the rounds that max_while_loops has ended', async () => {
    const proxy = await looping(FOREVER, `${LIMITED}\nmax_while_loops = 10`)
    await disturb(proxy)
    expect(proxy.logged('while stopped after max_while_loops rounds')).toBeLessThanOrEqual(3)
  })
})

describe('routes that call each other without end', () => {
  const MUTUAL = 'route[a] { route(b); route(b); }\nroute[b] { route(a); route(a); }'

  it('end, although each path is no deeper than allowed; the log names the calls and is not flooded', async () => {
    const proxy = await looping('route(a);', `${LIMITED}\n${MUTUAL}`)
    await disturb(proxy)
    expect(stopped(proxy)).toHaveLength(1)
    expect(stopped(proxy)[0]).toMatch(/running="route \S+ in route \S+ in route \S+ in route \S+ in route \S+"/)
    expect(proxy.logged('routes call each other too deeply')).toBeLessThanOrEqual(4)
    await proxy.clock.advance(10_000)
    expect(proxy.log.some(line => /too deeply.* again=\d+/.test(line))).toBe(true)
  })

  it('in a loop: the log names the loop', async () => {
    const proxy = await looping('while (1) route(a);', `${LIMITED}\n${MUTUAL}`)
    await disturb(proxy)
    const [file, line, column] = placeOf(proxy, 'while (1) route').split(':')
    expect(stopped(proxy)[0]).toContain(`file=${file} line=${line} column=${column} `)
  })
})

describe('max_route_statements', () => {
  it('0 is no limit', async () => {
    const proxy = await looping(
      '$var(i) = 0; while ($var(i) < 300) { $var(i) = $var(i) + 1; }\nsl_send_reply(299, "all $var(i)"); exit;',
      'max_route_statements = 0',
    )
    expect(await proxy.ask({ uri: 'sip:bad@127.0.0.1' })).toBe('all 300')
  })

  it('counts each run anew', async () => {
    const proxy = await looping(
      '$var(i) = 0; while ($var(i) < 9) { $var(i) = $var(i) + 1; }\nsl_send_reply(299, "all $var(i)"); exit;',
      'max_route_statements = 30',
    )
    for (let n = 0; n < 5; n++) expect(await proxy.ask({ uri: 'sip:bad@127.0.0.1' })).toBe('all 9')
    expect(stopped(proxy)).toEqual([])
  })

  it('names the statement where nothing is repeated', async () => {
    const proxy = await looping('$var(a) = 1; $var(b) = 1; $var(c) = 1;', 'max_route_statements = 3')
    proxy.phone.request('MESSAGE', proxy.port, { uri: 'sip:bad@127.0.0.1' })
    await until(() => stopped(proxy).length === 1)
    const [file, line, column] = placeOf(proxy, '$var(c)').split(':')
    expect(stopped(proxy)[0]).toContain(`file=${file} line=${line} column=${column} `)
  })

  it.each([
    ['branch_route', 't_on_branch("x");', 'branch_route[x] { @LOOP@ }', 'branch_route[x]'],
    ['onreply_route', 't_on_reply("x");', 'onreply_route[x] { @LOOP@ }', 'onreply_route[x]'],
    ['the general onreply_route', '', 'onreply_route { @LOOP@ }', 'onreply_route[]'],
    ['failure_route', 't_on_failure("x");', 'failure_route[x] { @LOOP@ }', 'failure_route[x]'],
  ])('ends a %s, and the transaction goes on as without it', async (_, arm, route, shown) => {
    const bob = await SipUa.open('bob')
    const proxy = await scriptProxy({
      top: `${LIMITED}\n${route}`,
      route: `${arm}\n$du = "sip:127.0.0.1:@BOB@"; t_relay();`,
      names: { BOB: bob.port, LOOP: 'while (1) { while (1) { } }' },
    })
    const invite = proxy.phone.request('INVITE', proxy.port)
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    proxy.phone.ack(invite, await proxy.phone.nextReply(486), proxy.port)
    expect(stopped(proxy).length).toBeGreaterThan(0)
    expect(stopped(proxy).every(line => line.includes(`route=${shown}`))).toBe(true)
  })

  it('ends a timer_route, which runs again when its time comes', async () => {
    const proxy = await looping('', `${LIMITED}\ntimer_route[tick, 10] { while (1) { while (1) { } } }`)
    await proxy.clock.advance(20_000)
    expect(stopped(proxy)).toHaveLength(2)
    expect(await proxy.ask()).toBe('served')
  })

  it('ends the startup_route: the proxy does not start, and says why', async () => {
    const start = looping('', `${LIMITED}\nstartup_route { while (1) { while (1) { } } }`)
    await expect(start).rejects.toThrow(/startup_route failed.*it ran more than 5000 statements/s)
  })

  it('ends an error_route', async () => {
    const proxy = await looping('', `${LIMITED}\nerror_route { while (1) { while (1) { } } }`)
    proxy.phone.send('OPTIONS sip:x@y SIP/2.0\r\nVia: broken\r\n\r\n', proxy.port)
    await until(() => stopped(proxy).length === 1)
    expect(await proxy.ask()).toBe('served')
  })

  it('ends a local_route, and the request made here goes out', async () => {
    const bob = await SipUa.open('bob')
    const proxy = await looping(
      't_new_request("MESSAGE", "sip:bob@127.0.0.1:@BOB@", "sip:me@127.0.0.1", "sip:bob@127.0.0.1"); exit;',
      `${LIMITED}\nlocal_route { while (1) { while (1) { } } }`,
      { BOB: bob.port },
    )
    proxy.phone.request('MESSAGE', proxy.port, { uri: 'sip:bad@127.0.0.1' })
    await bob.nextRequest('MESSAGE')
    expect(stopped(proxy)).toHaveLength(1)
  })

  it('counts a run behind async() anew', async () => {
    const proxy = await looping(
      '$var(i) = 0; while ($var(i) < 9) { $var(i) = $var(i) + 1; }\nasync(sleep(1), more);',
      'max_route_statements = 30\nloadmodule "cfgutils.so"\nroute[more] { $var(j) = 0; while ($var(j) < 9) { $var(j) = $var(j) + 1; } sl_send_reply(299, "all"); }',
    )
    const answer = proxy.ask({ uri: 'sip:bad@127.0.0.1' })
    await until(() => proxy.clock.pending > 0)
    await proxy.clock.advance(1000)
    expect(await answer).toBe('all')
  })
})
