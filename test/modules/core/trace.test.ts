import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '../../../src/cli/trace.ts'
import { CapturedIo } from '../../cli/captured-io.ts'
import { freePort } from '../../support/ports.ts'
import { scriptProxy } from '../../support/script-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'

interface Options {
  readonly top?: string
  readonly names?: Readonly<Record<string, string | number>>
}

/** A proxy on a script, and `fanfare trace` at it. */
async function traced(route: string, { top = '', names = {} }: Options = {}) {
  const http = await freePort()
  const url = `http://127.0.0.1:${http}/mi`
  const proxy = await scriptProxy({
    top: `loadmodule "sipmsgops.so"\nloadmodule "cfgutils.so"\nloadmodule "httpd.so"\nloadmodule "mi_http.so"
modparam("httpd", "port", ${http})\n${top}`,
    route,
    names,
  })
  const file = join(proxy.folder, 'test.cfg')
  const { traces } = proxy.host.script
  const start = traces.start.bind(traces)
  let started = 0
  traces.start = (...what) => {
    const stop = start(...what)
    started++
    return stop
  }
  /** The number of the line that begins like this. */
  const lineOf = (text: string): number =>
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex(line => line.trim().startsWith(text)) + 1
  /** Starts to follow; gives the lines once the command has ended: without numbers, lines from here on, milliseconds. */
  const trace = async (...argv: string[]) => {
    const io = new CapturedIo()
    const before = started
    const done = run([...argv, '--url', url], io)
    await until(() => started > before || io.err !== '')
    return {
      io,
      done,
      lines: async (): Promise<string[]> => {
        expect(await done).toBe(0)
        const lines = io.out.trimEnd().split('\n')
        return lines.map(line =>
          line
            .replaceAll(file, 'cfg')
            .replace(/^#\d+ (?:\S+Z (?=\S+\[))?/, '')
            .replace(/,? \(?\d+ ms.*$/, ''),
        )
      },
    }
  }
  return { ...proxy, file, traces, trace, lineOf, url }
}

describe('fanfare trace', () => {
  it('shows each statement with its place, what it read and set, and its result', async () => {
    const proxy = await traced(
      `$var(n) = 1; $avp(x) = "a" + $rU;
  if ($var(n) == 2 || is_method("MESSAGE") && !is_method("INVITE")) {
    route(inner, "p $rU");
  }
  while ($var(n) < 2) $var(n) += 1;
  switch ($rU) {
    case "bob": setflag("F"); break;
  }
  $var(bad) = 1 / $var(none);
  sl_send_reply(299, "hello $avp(x)");
  exit;`,
      { top: 'route[inner] {\n  xlog("got; $param(1)\\n");\n  return(7);\n}' },
    )
    const { lines } = await proxy.trace('--runs', '1')
    const before = proxy.phone.request('MESSAGE', proxy.port)
    await proxy.phone.nextReply(299)
    const from = proxy.lineOf('$var(n) = 1;')
    const inner = proxy.lineOf('xlog("got')
    expect(await lines()).toEqual([
      `route[] MESSAGE ${before.callId} from phone@127.0.0.1 at 127.0.0.1:${proxy.phone.port}`,
      `cfg:${from} $var(n) = 1 → 1  $var(n):=1`,
      `cfg:${from} $avp(x) = "a" + $rU → 1  $rU=bob $avp(x):=abob`,
      `cfg:${from + 1} if ($var(n) == 2 || is_method("MESSAGE") && !is_method("INVITE")) → true  ` +
        '$var(n)=1 is_method("MESSAGE")=1 is_method("INVITE")=-1',
      `cfg:${from + 2}   route(inner, "p $rU") …  $rU=bob`,
      `cfg:${inner}     xlog("got; $param(1)\\n") → 1  $param(1)="p bob"`,
      `cfg:${inner + 1}     return(7) → 7`,
      `cfg:${from + 2}   route(inner, "p $rU") → 7`,
      `cfg:${from + 4} while ($var(n) < 2) → true  $var(n)=1`,
      `cfg:${from + 4}   $var(n) += 1 → 1  $var(n)=1 $var(n):=2`,
      `cfg:${from + 4} while ($var(n) < 2) → false  $var(n)=2`,
      `cfg:${from + 5} switch ($rU) …  $rU=bob`,
      `cfg:${from + 6}   setflag("F") → 1`,
      `cfg:${from + 6}   break`,
      `cfg:${from + 8} $var(bad) = 1 / $var(none) → -1  $var(none)=null`,
      `cfg:${from + 9} sl_send_reply(299, "hello $avp(x)") → 1  $avp(x)=abob reason="hello abob"`,
      `cfg:${from + 10} exit`,
      'end: 0 after 16 statements',
    ])
  })

  it('follows a call through all of its routes, by its Call-ID, and nothing else', async () => {
    const bob = await SipUa.open('bob')
    const proxy = await traced(
      `if (is_method("ACK")) exit; t_on_branch("b"); t_on_reply("r"); t_on_failure("f"); $du = "@BOB@"; t_relay();`,
      {
        top: `branch_route[b] { $avp(b) = 1; } onreply_route[r] { $avp(r) = $rs; }
              failure_route[f] { if (t_check_status("486")) t_reply(600, "No"); }`,
        names: { BOB: bob.uri },
      },
    )
    const { lines } = await proxy.trace('callid=this *', 'source=127.0.0.*', 'method!=ACK', '--runs', '4')
    proxy.phone.request('INVITE', proxy.port, { callId: 'other' })
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    await proxy.phone.nextReply(600)
    proxy.phone.request('INVITE', proxy.port, { callId: 'this one' })
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    await proxy.phone.nextReply(600)
    const shown = await lines()
    expect(shown.filter(line => line.includes(' from '))).toEqual([
      `route[] INVITE this one from phone@127.0.0.1 at 127.0.0.1:${proxy.phone.port}`,
      `branch_route[b] INVITE this one from phone@127.0.0.1 at 127.0.0.1:${proxy.phone.port}`,
      `onreply_route[r] 486 INVITE this one from phone@127.0.0.1 at 127.0.0.1:${bob.port}`,
      `failure_route[f] INVITE this one from phone@127.0.0.1 at 127.0.0.1:${proxy.phone.port}`,
    ])
    expect(shown.filter(line => line.includes('$avp(r)'))).toHaveLength(1)
  })

  it('shows where a script waits, and the route it goes on with, as one run', async () => {
    const proxy = await traced('async(sleep($var(s) + 0), resumed, 1);'.replace('$var(s) + 0', '30'), {
      top: 'route[resumed] { $var(rc) = $rc; t_reply(299, "late"); }',
    })
    const { lines, io } = await proxy.trace('--runs', '1')
    proxy.phone.request('MESSAGE', proxy.port)
    await until(() => io.out.includes('async(sleep(30), resumed, 1) …\n'))
    await proxy.clock.advance(1000)
    await proxy.phone.nextReply(299)
    expect((await lines()).slice(1).map(line => line.replace(/^cfg:\d+ /, ''))).toEqual([
      'async(sleep(30), resumed, 1) …',
      '  $var(rc) = $rc → 1  $rc=-1 $var(rc):=-1',
      '  t_reply(299, "late") → 1',
      'async(sleep(30), resumed, 1) → 0',
      'end: 0 after 4 statements',
    ])
  })

  it('shows no secrets: of names, addresses, credentials, nor where their values go', async () => {
    const proxy = await traced(
      `$avp(password) = "hunter22"; $var(copy) = "<$avp(password)>"; $var(url) = "amqp://u:geheim@h/"; $var(h) = $hdr(Authorization);
       subscribe_event("E_A", "rabbitmq:guest:topsecret@127.0.0.1/x"); $var(line) = "api_key=verborgen; Bearer abcdef1234";
       raise_event("E_A"); sl_send_reply(299, "done");`,
      { top: 'loadmodule "event_rabbitmq.so"' },
    )
    const human = await proxy.trace('--runs', '1')
    const json = await proxy.trace('--runs', '1', '--json')
    await proxy.ask({ headers: 'Authorization: Digest username="bob", response="0a1b2c3d", cnonce="zufall"\r\n' })
    expect((await human.done) + (await json.done)).toBe(0)
    for (const text of [human.io.out, json.io.out]) {
      expect(text).not.toMatch(/hunter22|geheim|topsecret|verborgen|abcdef1234|0a1b2c3d|zufall/)
      expect(text.match(/\*\*\*/g)?.length).toBeGreaterThan(7)
    }
    expect(human.io.out).toContain('$var(copy) = "<$avp(password)>" → 1  $avp(password)=*** $var(copy):=<***>')
  })

  it('shows the first thousand statements of a run', async () => {
    const proxy = await traced(`$var(n) = 0; while ($var(n) < 2000) $var(n) += 1; sl_send_reply(299, "$var(n)");`, {
      top: 'max_while_loops = 5000',
    })
    const { lines } = await proxy.trace('--runs', '1')
    expect(await proxy.ask()).toBe('2000')
    expect((await lines()).at(-1)).toBe('end: 1 after 1000 statements, 3003 more not shown')
  })

  it('is bounded: fifty runs in a second, the beginning of long values, eight traces', async () => {
    const proxy = await traced(`sl_send_reply(299, "$cs $(hdr(X-Long){s.len})");`)
    const { io, lines } = await proxy.trace('--runs', '51')
    for (let i = 0; i < 60; i++) await proxy.ask()
    await proxy.clock.advance(1000)
    expect(await proxy.ask({ headers: `X-Long: ${'x'.repeat(3000)}\r\n` })).toBe('1 3000')
    expect(await lines()).toContain('(10 runs not followed: there were too many in one second)')
    expect(io.out).not.toContain('x'.repeat(300))
    const more: Awaited<ReturnType<typeof proxy.trace>>[] = []
    for (let i = 0; i < 9; i++) more.push(await proxy.trace())
    expect(more.map(one => one.io.err).join('')).toContain('answered 503: there are 8 traces already')
    await proxy.stop()
    expect((await Promise.all(more.map(one => one.done))).toSorted()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1])
  })

  it('changes nothing of what the script does, and ends with whoever reads it', async () => {
    const proxy = await traced(
      `$shv(count) = $shv(count) + 1; $var(x) = 1; if (!route(no) && isflagset("F")) $var(x) = 2;
       for ($var(i) in $(hdr(X-A)[*])) $avp(l) = $var(i);
       sl_send_reply(299, "$shv(count) $var(x) $rc $(avp(l)[*])");`,
      { top: 'modparam("cfgutils", "shvset", "count=i:0")\nroute[no] { setflag("F"); return(-5); }' },
    )
    const ask = () => proxy.ask({ headers: 'X-A: one\r\nX-A: two\r\n' })
    const plain = await ask()
    const { done } = await proxy.trace('--runs', '1')
    expect((await ask()).replace(/^2/, '1')).toBe(plain)
    await done
    await until(() => !proxy.traces.isOn)
    expect((await ask()).replace(/^3/, '1')).toBe(plain)
  })

  it('goes on with the routes of a reload', async () => {
    const proxy = await traced('sl_send_reply(299, "old");')
    const { lines } = await proxy.trace('--runs', '2')
    expect(await proxy.ask()).toBe('old')
    writeFileSync(
      proxy.file,
      readFileSync(proxy.file, 'utf8').replace('sl_send_reply(299, "old")', '\nsl_send_reply(299, "new")'),
    )
    await proxy.mi('reload_routes')
    expect(await proxy.ask()).toBe('new')
    const [first, second] = (await lines()).filter(line => line.includes('sl_send_reply'))
    expect([first, second]).toEqual([
      `cfg:${proxy.lineOf('sl_send_reply') - 1} sl_send_reply(299, "old") → 1`,
      `cfg:${proxy.lineOf('sl_send_reply')} sl_send_reply(299, "new") → 1`,
    ])
  })

  it.each([
    ['who=me', 'a message has no "who"; expected callid, method, from, to, ruri, source, kind'],
    ['callid="', undefined],
  ])('refuses the filter %s', async (filter, complaint) => {
    const proxy = await traced('exit;')
    const { done, io } = await proxy.trace(filter, ...(complaint === undefined ? ['--runs', '1'] : []))
    if (complaint === undefined) {
      // A quote is a character like any other here.
      proxy.phone.request('MESSAGE', proxy.port, { callId: '"' })
      expect(await done).toBe(0)
    } else {
      expect(await done).toBe(1)
      expect(io.err).toContain(complaint)
    }
  })

  it('is for those who may run core:trace', async () => {
    const { url } = await traced('exit;', { top: 'modparam("httpd", "user", "reader:p:core:*, !core:trace")' })
    const io = new CapturedIo()
    expect(await run(['--url', url, '--user', 'reader:p'], io)).toBe(1)
    expect(io.err).toContain('answered 403: core:trace may not be run here')
  })

  it.each([
    [['--runs', '0'], '--runs: expected a number from 1 on'],
    [['INVITE'], 'expected NAME=VALUE'],
    [['--url', 'udp:127.0.0.1:1'], 'only streamed over HTTP'],
  ])('%j is a mistake of usage', async (argv, message) => {
    await expect(run(argv, new CapturedIo())).rejects.toThrow(message)
  })
})

describe('core:trace', () => {
  it('waits for messages where nothing can be streamed', async () => {
    const proxy = await traced('$var(x) = $rU; sl_send_reply(299, "done");')
    const asked = proxy.mi('core:trace', { filter: 'method=MESSAGE;ruri=sip:bob*' })
    await proxy.ask()
    expect(await asked).toMatchObject({
      Runs: [
        {
          route: 'route[]',
          method: 'MESSAGE',
          Steps: [
            { what: 'assign', text: '$var(x) = $rU', values: [['$rU', 'bob']], set: [['$var(x)', 'bob']], result: 1 },
            { what: 'sl_send_reply', result: 1 },
          ],
          end: { result: 1, steps: 2 },
        },
      ],
    })
    expect(proxy.traces.isOn).toBe(false)
  })

  it('ends with its time', async () => {
    const proxy = await traced('exit;')
    const asked = proxy.mi('core:trace', { filter: 'kind=failure', timeout: 3 })
    await proxy.clock.advance(3000)
    expect(await asked).toEqual({ Runs: [] })
    await expect(proxy.mi('core:trace', { filter: 'who=me' })).rejects.toThrow('Bad parameter value')
    expect(proxy.traces.isOn).toBe(false)
  })
})
