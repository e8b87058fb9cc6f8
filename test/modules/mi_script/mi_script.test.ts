import { describe, expect, it } from 'vitest'
import { scriptProxy } from '../../support/script-proxy.ts'

async function run(route: string, routes = '') {
  const proxy = await scriptProxy({
    top: `loadmodule "cachedb_local.so"\nloadmodule "mi_script.so"\n${routes}`,
    route: `${route}\nxlog("«$var(r)»\\n"); sl_send_reply(299, "done");`,
  })
  await proxy.ask()
  return proxy.told()[0]
}

describe('mi', () => {
  it('runs a command with values behind its name', async () => {
    expect(
      await run(
        `mi("cache_store local key 'two words' 60"); $var(a) = $rc; mi("cache_fetch local key", $var(x)); $var(r) = "$var(a) $rc $var(x)";`,
      ),
    ).toBe('1 1 {"key":"key","value":"two words","ttl":60}')
  })

  it('runs a command with the names and values of AVPs', async () => {
    expect(
      await run(`$avp(n) = "attr"; $avp(n) = "system"; $avp(n) = "value"; $avp(v) = "k"; $avp(v) = "local"; $avp(v) = "a b\\"c";
        mi("cache_store", $var(x), $avp(n), $avp(v)); $var(a) = "$rc $var(x)";
        $avp(p) = "local"; $avp(p) = "k"; mi("cache_fetch", $var(y), $avp(p)); $var(r) = "$var(a) $rc $var(y)";`),
    ).toBe('1 OK 1 {"key":"k","value":"a b\\"c"}')
  })

  it('tells by its code why a command failed', async () => {
    expect(
      await run(`mi("cache_fetch local none", $var(x)); $var(a) = "$rc $var(x)"; mi("no_such"); $var(b) = $rc;
        mi("cache_fetch local", $var(y)); $var(c) = $rc; mi("which 'x"); $var(d) = $rc;
        $avp(n) = "one"; mi("which", $var(z), $avp(n), $avp(none)); $var(r) = "$var(a) $var(b) $var(c) $var(d) $rc";`),
    ).toBe('-1 Value not found -2 -3 -1 -1')
  })

  it('async() resumes with the result', async () => {
    const proxy = await scriptProxy({
      top: 'loadmodule "mi_script.so"\nroute[resume] { $json(r) := $var(x); t_reply(299, "$rc $json(r/Up time)"); }\nloadmodule "json.so"',
      route: '$var(keep) = "kept"; async(mi("uptime", $var(x)), resume);',
    })
    expect(await proxy.ask()).toMatch(/^1 \d+/)
  })
})
