import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkFile } from '../../../src/main.ts'
import { scriptProxy } from '../../support/script-proxy.ts'
import { until } from '../../support/until.ts'

const running = (route: string, params = '', routes = '') =>
  scriptProxy({
    top: `loadmodule "exec.so"\nloadmodule "cfgutils.so"\n${params}\n${routes}`,
    route: `${route}\nxlog("«$var(r)»\\n"); sl_send_reply(299, "done");`,
  })

/** What the script leaves in `$var(r)`. */
async function run(route: string, params = ''): Promise<string | undefined> {
  const proxy = await running(route, params)
  await proxy.ask()
  return proxy.told()[0]
}

describe('exec', () => {
  it('gives a command its input and the script its outputs', async () => {
    expect(await run('exec("cat; echo oops >&2", "in put", $var(o), $var(e)); $var(r) = "$rc|$var(o)|$var(e)";')).toBe(
      '1|in put|oops\n',
    )
  })

  it('optional arguments may be left out', async () => {
    expect(await run('exec("true"); $var(a) = $rc; exec("echo x", , $var(o)); $var(r) = "$var(a) $rc $var(o)";')).toBe(
      '1 1 x\n',
    )
  })

  it.each(['exit 3', 'kill -9 $$$$', '/does/not/exist'])('−1 where it fails: %s', async command => {
    expect(await run(`exec("echo out; ${command}", , $var(o)); $var(r) = "$rc $var(o)";`)).toBe('-1 out\n')
  })

  it('the environment tells of the message and takes the values of an AVP', async () => {
    const route = `$avp(env) = "A=1"; $avp(env) = "B=two words; $(var(x){s.len}) \\"q\\""; $avp(env) = "no variable";
      exec("echo \\"$$A|$$B|$$SIP_HF_CSEQ|$$SIP_OUSER|$$SIP_SRCIP|$$SIP_HF_X_MINE\\"", , $var(o), , $avp(env)); $var(r) = $var(o);`
    const proxy = await running(`$var(x) = "abc"; ${route}`)
    await proxy.ask({ headers: 'X-Mine: a\r\nX-Mine: b\r\n' })
    expect(proxy.told()[0]).toBe('1|two words; 3 "q"|1 MESSAGE|bob|127.0.0.1|a,b\n')
    expect(await run(route, 'modparam("exec", "setvars", 0)')).toMatch(/^1\|two words; .*\|\|\|\|\n$/)
  })

  it('a value in the environment is never read by the shell', async () => {
    const proxy = await running(
      '$avp(env) = "V=$rb"; exec("printf %s \\"$$V\\"", , $var(o), , $avp(env)); $var(r) = $var(o);',
    )
    await proxy.ask({ body: '$(touch /tmp/injected); `id`' })
    expect(proxy.told()[0]).toBe('$(touch /tmp/injected); `id`')
  })

  it('check warns of commands that are made of variables', async () => {
    const { folder } = await running('exec("echo $rU"); exec("true");')
    const { text } = await checkFile({ file: join(folder, 'test.cfg') })
    expect(text.match(/the shell reads what the variables hold/g)).toHaveLength(1)
  })

  it('keeps a bounded part of the output and lets the command go on', async () => {
    const route =
      'exec("head -c 5000000 /dev/zero | tr \\"\\\\0\\" a; echo end >&2", , $var(o), $var(e)); $var(r) = "$rc $(var(o){s.len}) $var(e)";'
    expect(await run(route, 'modparam("exec", "max_output_size", 2)')).toBe('1 2048 end\n')
  })

  it('other messages go on meanwhile, and the script finds everything as it was', async () => {
    const proxy = await running(`
      if ($rU == "free") { $var(v) = "other"; $avp(a) = "other"; exec("echo go > @DIR@/fifo"); $var(r) = "free"; }
      else {
        $var(v) = "kept"; $avp(a) = "also"; exec("mkfifo @DIR@/fifo; echo on > @DIR@/on; cat @DIR@/fifo", , $var(o));
        $var(r) = "$var(v) $avp(a) $var(o)";
      }`)
    proxy.phone.request('MESSAGE', proxy.port)
    await until(() => hasFile(join(proxy.folder, 'on')))
    await proxy.ask({ uri: 'sip:free@127.0.0.1' })
    await until(() => proxy.told().length === 2)
    expect(new Set(proxy.told())).toEqual(new Set(['free', 'kept also go\n']))
  })

  it('async() and launch()', async () => {
    const proxy = await running(
      'launch(exec("echo later > @DIR@/launched"), rep, "$ci"); async(exec("echo x; exit 1", , $var(o)), resume);',
      '',
      `route[resume] { xlog("«async $rc $var(o)»\\n"); t_reply(299, "y"); }
       route[rep] { xlog("«launched $rc»\\n"); }`,
    )
    await proxy.ask()
    expect(proxy.told()).toContain('async -1 x\n')
    await until(() => proxy.told().includes('launched 1'))
    expect(readFileSync(join(proxy.folder, 'launched'), 'utf8')).toBe('later\n')
  })
})

describe('time_to_kill', () => {
  const LIMIT = 'modparam("exec", "time_to_kill", 5)'

  it('ends a command that runs too long, with what it started', async () => {
    const proxy = await running(
      'exec("echo on > @DIR@/on; sleep 600; echo never", , $var(o)); $var(r) = "$rc $var(o)";',
      LIMIT,
    )
    proxy.phone.request('MESSAGE', proxy.port)
    await until(() => hasFile(join(proxy.folder, 'on')))
    await proxy.clock.advance(5000)
    await proxy.phone.nextReply(299)
    expect(proxy.logged('it ran longer than time_to_kill')).toBe(1)
  })

  it('kills one that ignores SIGTERM', async () => {
    const proxy = await running(
      'exec("trap \\"\\" TERM; echo on > @DIR@/on; while :; do sleep 600; done"); $var(r) = "$rc";',
      LIMIT,
    )
    proxy.phone.request('MESSAGE', proxy.port)
    await until(() => hasFile(join(proxy.folder, 'on')))
    await proxy.clock.advance(5000)
    expect(proxy.phone.count({ status: 299 })).toBe(0)
    await proxy.clock.advance(2000)
    await proxy.phone.nextReply(299)
    expect(proxy.told()).toEqual(['-1'])
  })

  it('what runs when the proxy stops is killed', async () => {
    const proxy = await running('exec("echo on > @DIR@/on; exec sleep 600"); xlog("ended with $rc\\n");')
    proxy.phone.request('MESSAGE', proxy.port)
    await until(() => hasFile(join(proxy.folder, 'on')))
    await proxy.stop()
    await until(() => proxy.logged('ended with -1') === 1)
  })
})

describe('max_processes', () => {
  it('further commands wait for their turn', async () => {
    const proxy = await running(
      'exec("echo $$SIP_USER", , $var(o)); $var(r) = $var(o);',
      'modparam("exec", "max_processes", 1)',
    )
    for (let i = 0; i < 10; i++) proxy.phone.request('MESSAGE', proxy.port, { uri: `sip:u${i}@127.0.0.1` })
    for (let i = 0; i < 10; i++) await proxy.phone.nextReply(299)
    expect(proxy.told()).toEqual(Array.from({ length: 10 }, (_, i) => `u${i}\n`))
  })
})

function hasFile(path: string): boolean {
  try {
    return readFileSync(path, 'utf8') !== ''
  } catch {
    return false
  }
}
