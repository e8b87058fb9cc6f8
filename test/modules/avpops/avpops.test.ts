import { describe, expect, it } from 'vitest'
import { scriptProxy } from '../../support/script-proxy.ts'
import { sqlProxy } from '../sqlops/sql-proxy.ts'

/** What the script leaves in `$var(r)`. */
async function run(route: string): Promise<string | undefined> {
  const { ask, told } = await scriptProxy({
    top: 'loadmodule "avpops.so"',
    route: `${route}\nxlog("«$var(r)»\\n"); sl_send_reply(299, "done");`,
  })
  await ask()
  return told()[0]
}

const LIST = '$avp(a) = "one"; $avp(a) = "Two"; $avp(a) = "three"; $avp(n) = 5;\n'

describe('avp_check', () => {
  it.each([
    ['eq/three', 1],
    ['eq/THREE', -1],
    ['eq/THREE/i', 1],
    ['eq/one', -1],
    ['eq/one/g', 1],
    ['eq/two/gi', 1],
    ['ne/one', 1],
    ['re/^t.*e$$', 1],
    ['re/[/g', -1],
    ['fm/T*/g', 1],
    ['eq/$rU', -1],
  ])('%s gives %i', async (test, verdict) => {
    expect(await run(`${LIST} avp_check("$avp(a)", "${test}"); $var(r) = $rc;`)).toBe(String(verdict))
  })

  it.each([
    ['lt/i:6', 1],
    ['gt/i:5', -1],
    ['ge/5', 1],
    ['and/i:4', 1],
    ['and/i:2', -1],
  ])('of a number: %s gives %i', async (test, verdict) => {
    expect(await run(`${LIST} avp_check("$avp(n)", "${test}"); $var(r) = $rc;`)).toBe(String(verdict))
  })

  it('an unknown test is an error at load', async () => {
    await expect(run('avp_check("$avp(a)", "like/x");')).rejects.toThrow('expected one of eq, ne')
  })
})

describe('avp_copy, avp_delete, avp_insert, avp_pushto, is_avp_set', () => {
  it.each([
    ['avp_copy("$avp(a)", "$avp(b)"); $var(r) = "$(avp(b)[*]) | $(avp(a)[*])";', 'three | three, Two, one'],
    ['avp_copy("$avp(a)", "$avp(b)/gd"); $var(r) = "$(avp(b)[*]) | $(avp(a)[*])";', 'three, Two, one | <null>'],
    ['avp_copy("$avp(none)", "$avp(b)"); $var(r) = $rc;', '-1'],
    ['avp_delete("$avp(a)"); $var(r) = "$rc $(avp(a)[*])";', '1 Two, one'],
    ['avp_delete("$avp(a)/g"); avp_delete("$avp(a)"); $var(r) = "$rc $(avp(a)[*])";', '-1 <null>'],
    ['avp_insert($avp(a), "new", 1); $var(r) = "$(avp(a)[*])";', 'three, new, Two, one'],
    ['avp_insert($avp(a), "new", 9); $var(r) = "$(avp(a)[*])";', 'three, Two, one, new'],
    ['$avp(u) = "sip:x@y.com"; avp_pushto("$ru", "$avp(u)"); $var(r) = "$rc $ru";', '1 sip:x@y.com'],
    ['avp_pushto("$ru", "$avp(none)"); $var(r) = $rc;', '-1'],
    [
      'is_avp_set("$avp(a)"); $var(x) = $rc; is_avp_set("$avp(a)/n"); $var(y) = $rc; is_avp_set("$avp(n)/n"); $var(r) = "$var(x) $var(y) $rc";',
      '1 -1 1',
    ],
    ['is_avp_set("$avp(none)"); $var(x) = $rc; is_avp_set("$avp(n)/s"); $var(r) = "$var(x) $rc";', '-1 -1'],
  ])('%s', async (route, expected) => {
    expect(await run(LIST + route)).toBe(expected)
  })
})

describe('avp_op and avp_subst', () => {
  it.each([
    ['avp_op("$avp(n)", "add/i:3"); $var(r) = $avp(n);', '8'],
    ['$var(v) = 2; avp_op("$avp(n)/$avp(m)", "mul/$var(v)"); $var(r) = "$avp(n) $avp(m)";', '5 10'],
    ['avp_op("$avp(n)", "div/i:0"); $var(r) = "$rc $avp(n)";', '-1 5'],
    ['avp_op("$avp(n)", "not"); $var(r) = $avp(n);', '-6'],
    ['avp_op("$avp(a)", "add/i:1"); $var(r) = "$rc $avp(a)";', '-1 three'],
    ['avp_subst("$avp(a)", "/t(h)/\\\\1-/"); $var(r) = "$rc $(avp(a)[*])";', '1 h-ree, Two, one'],
    [
      'avp_subst("$avp(a)/$avp(b)/g", "/t/x$rU/i"); $var(r) = "$(avp(b)[*]) | $(avp(a)[*])";',
      'xbobhree, xbobwo | three, Two, one',
    ],
    ['avp_subst("$avp(a)", "/none/x/"); $var(r) = "$rc $avp(a)";', '-1 three'],
  ])('%s', async (route, expected) => {
    expect(await run(LIST + route)).toBe(expected)
  })
})

describe('avp_db_query, avp_db_load, avp_db_store, avp_db_delete', () => {
  it('work on databases of avpops, as 2.x wrote them', async () => {
    const { run: ask, rows } = await sqlProxy(
      'avpops',
      `avp_db_query("SELECT name, age FROM people ORDER BY age", "$avp(n);$avp(a)"); $var(a) = "$rc $(avp(n)[*]) $avp(a)";
       $avp(x) = "v"; avp_db_store("$ru/username", "$avp(x)"); $avp(x) := NULL; avp_db_load("$ru/username", "$avp(x)");
       $var(b) = "$rc $avp(x)"; avp_db_delete("$ru/username", "$avp(x)"); $var(r) = "$var(a) $var(b) $rc";`,
    )
    expect(await ask({ uri: 'sip:bob@x.com' })).toBe('1 alice, bob, carol 30 1 v 1')
    expect(rows('SELECT * FROM usr_preferences')).toEqual([])
  })
})
