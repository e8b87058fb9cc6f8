import { describe, expect, it } from 'vitest'
import { scriptProxy } from '../../support/script-proxy.ts'
import { until } from '../../support/until.ts'
import { webServer } from '../../support/web-server.ts'

/** What the script leaves in `$var(r)`. */
async function run(route: string, options: { params?: string; body?: string; routes?: string } = {}) {
  const { params = '', body = '', routes = '' } = options
  const proxy = await scriptProxy({
    top: `loadmodule "json.so"\nloadmodule "cfgutils.so"\n${params}\n${routes}`,
    route: `${route}\nxlog("«$var(r)»\\n"); sl_send_reply(299, "done");`,
  })
  await proxy.ask({ body })
  const [result] = proxy.told()
  return { ...proxy, result }
}

const SAMPLE =
  '$json(x) := "{\\"name\\":\\"a/b\\",\\"n\\":42,\\"f\\":1.50,\\"t\\":true,\\"z\\":null,\\"list\\":[1,\\"two\\",{\\"k\\":3}],\\"two words\\":\\"yes\\",\\"big\\":9007199254740993}";\n'

describe('$json', () => {
  it.each([
    ['a text raw', '$json(x/name)', 'a/b'],
    ['an integer', '$json(x/n)', '42'],
    ['a float as it was written', '$json(x/f)', '1.50'],
    ['a boolean', '$json(x/t)', 'true'],
    ['null as NULL', '$json(x/z)', '<null>'],
    ['what is missing as NULL', '$json(x/none/there)', '<null>'],
    ['an element', '$json(x/list[1])', 'two'],
    ['an element from the end', '$json(x/list[-1]/k)', '3'],
    ['an element beyond the end as NULL', '$json(x/list[3])', '<null>'],
    ['a key with blanks', '$json(x/two words)', 'yes'],
    ['an object and an array with blanks', '$json(x/list)', '[ 1, "two", { "k": 3 } ]'],
    ['integers exactly', '$json(x/big)', '9007199254740993'],
    ['an unknown name as NULL', '$json(nothing)', '<null>'],
    ['without blanks', '$json_compact(x/list)', '[1,"two",{"k":3}]'],
    ['a member a line', '$json_pretty(x/list)', '[\n  1,\n  "two",\n  {\n    "k":3\n  }\n]'],
    ['an index behind the variable', '$(json(x/list)[1])', 'two'],
    ['with transformations', '$(json(x/name){s.len})', '3'],
  ])('reads %s', async (_, variable, expected) => {
    expect((await run(`${SAMPLE} $var(r) = "${variable}";`)).result).toBe(expected)
  })

  it('integers compare as integers, also by dynamic keys and indexes', async () => {
    const { result } = await run(`${SAMPLE} $var(k) = "list"; $var(i) = 2; $var(s) = "a/b";
      $json(y) := "{}"; $json(y/$var(s)) = 5;
      if ($json(x/$var(k)[$var(i)]/k) == 3 && $json(x/n) > 41 && $json(y/$var(s)) == 5) $var(r) = "$json_compact(y)";`)
    expect(result).toBe('{"a\\/b":5}')
  })

  it('slashes are escaped, except where that is not wanted', async () => {
    const { result } = await run(`$json(x) := "[\\"a/b\\"]"; $var(r) = "$json(x) $json_compact_noescape(x)";`)
    expect(result).toBe('[ "a\\/b" ] ["a/b"]')
  })

  it('= stores texts and integers, [] appends, NULL removes', async () => {
    const { result } = await run(`${SAMPLE}
      $json(x/name) = "{}"; $json(x/new) = 7; $json(x/list[]) = "end"; $json(x/list[0]) = NULL; $json(x/big) = NULL;
      $json(x/list[0]) := "{\\"deep\\":[]}"; $json(x/f) = NULL; $json(x/two words) = NULL;
      $var(r) = "$json_compact(x)";`)
    expect(result).toBe('{"name":"{}","n":42,"t":true,"z":null,"list":[{"deep":[]},{"k":3},"end"],"new":7}')
    expect((await run(`${SAMPLE} $json(x) = NULL; $var(r) = "$json(x)";`)).result).toBe('<null>')
  })

  it.each(['$json(none/key) = 1', '$json(x/n/key) = 1', '$json(x/list[9]) = 1', '$json(x/name[]) = 1'])(
    'writing where there is no place gives −1: %s',
    async statement => {
      const { result, logged } = await run(`${SAMPLE} ${statement}; $var(r) = $rc;`)
      expect(result).toBe('-1')
      expect(logged('no place in the JSON value')).toBe(1)
    },
  )

  it.each(['', '{', '[1,]', '{"a" 1}', "{'a':1}", '"a', '01', '[1] x', 'nul', '"\\x"'])(
    'what is no JSON gives −1 and keeps the old value: %s',
    async text => {
      const { result } = await run(`$json(x) := "[1]"; $json(x) := $rb; $var(r) = "$rc $json_compact(x)";`, {
        body: text === '' ? ' ' : text,
      })
      expect(result).toBe('-1 [1]')
    },
  )

  it('a for loop runs over elements, keys and values', async () => {
    const { result } = await run(`${SAMPLE} $var(r) = "";
      for ($var(v) in $(json(x/list)[*])) $var(r) = $var(r) + "$var(v);";
      $json(o) := "{\\"a\\":1,\\"b\\":{\\"c\\":2}}";
      for ($var(k) in $(json(o.keys)[*])) $var(r) = $var(r) + "$var(k)=$json(o/$var(k));";
      for ($json(e) in $(json(o.values)[*])) $var(r) = $var(r) + "$json(e);";`)
    expect(result).toBe('1;two;{ "k": 3 };a=1;b={ "c": 2 };1;{ "c": 2 };')
  })

  it('every message begins with NULL, and keeps its values while it waits', async () => {
    const { result, ask, log, clock, phone, port } = await run(`
      if ($rU == "wait") { $json(x) := "[1]"; usleep(1000000); $var(r) = "late $json(x)"; }
      else { $var(r) = "$json(x)"; $json(x) := "[2]"; }`)
    expect(result).toBe('<null>')
    phone.request('MESSAGE', port, { uri: 'sip:wait@127.0.0.1' })
    await ask()
    await clock.advance(1000)
    await phone.nextReply(299)
    expect(log.filter(line => line.includes('late [ 1 ]'))).toHaveLength(1)
  })

  it('enable_long_quoting gives long integers as text', async () => {
    const params = 'modparam("json", "enable_long_quoting", 1)'
    const route = `$json(x) := "[2147483647, 2147483648]"; $var(a) = $json(x[0]); $var(b) = $json(x[1]);
      if ($var(a) > 5) $var(r) = "int"; $var(r) = $var(r) + " " + $var(b) + 1;`
    expect((await run(route, { params })).result).toBe('int 21474836481')
  })
})

describe('json_link', () => {
  it('makes another name for the same value', async () => {
    const { result } = await run(`${SAMPLE} json_link($json(l), $json(x/list)); $json(l[0]) = 9; $json(x/list[1]) = 8;
      $var(r) = "$rc $json_compact(l) $json(x/list[0])";`)
    expect(result).toBe('1 [9,8,{"k":3}] 9')
  })

  it('a value cannot be linked into itself, nor from nowhere', async () => {
    const { result } = await run(`$json(x) := "{\\"a\\":{}}"; json_link($json(x/a/b), $json(x)); $var(one) = $rc;
      json_link($json(y), $json(none/here)); $var(r) = "$var(one) $rc $json_compact(x)";`)
    expect(result).toBe('-1 -1 {"a":{}}')
  })
})

describe('json_merge', () => {
  it('replaces and removes members (RFC 7396)', async () => {
    const { result } = await run(`
      json_merge("{\\"a\\":1,\\"b\\":{\\"c\\":2,\\"d\\":3}}", "{\\"a\\":null,\\"b\\":{\\"c\\":4},\\"e\\":[1]}", $var(m));
      json_merge("{\\"a\\":1}", "{\\"b\\":2}", $json(j)); $var(rc) = $rc; json_merge("{", "{}", $var(n));
      $var(r) = "$var(m) $json(j/b) $var(rc) $rc";`)
    expect(result).toBe('{"b":{"c":4,"d":3},"e":[1]} 2 1 -1')
  })
})

describe('hostile texts', () => {
  it('a text of 10 MB is refused at once, and so is one that nests too deeply', async () => {
    const { result } = await run(
      `$json(x) := "[1]"; $var(t) = "x"; $var(t) = $(var(t){s.fill.left,[,60000});
      $json(x) := $var(t); $var(deep) = $rc; $json(x) := $shv(long); $var(r) = "$var(deep) $rc $json(x)";`,
      {
        params: 'modparam("json", "max_text_size", 10)\nmodparam("cfgutils", "shvset", "long=s:@LONG@")'.replace(
          '@LONG@',
          'a'.repeat(20_000),
        ),
      },
    )
    expect(result).toBe('-1 -1 [ 1 ]')
  })

  it('a web server that replies with 10 MB of JSON costs nobody else anything', async () => {
    const { origin } = await webServer(({ response }) => void response.end(`[${'0,'.repeat(5_000_000)}0]`))
    const proxy = await scriptProxy({
      top: 'loadmodule "json.so"\nloadmodule "rest_client.so"',
      route: `if ($rU == "free") { sl_send_reply(200, "OK"); exit; }
        rest_get("${origin}/", $var(b)); $var(g) = $rc; $json(x) := $var(b); sl_send_reply(299, "$var(g) $rc $json(x)");`,
    })
    proxy.phone.request('MESSAGE', proxy.port)
    proxy.phone.request('OPTIONS', proxy.port, { uri: 'sip:free@127.0.0.1' })
    await proxy.phone.nextReply(200)
    expect((await proxy.phone.nextReply(299)).reason).toBe('1 -1 <null>')
    expect(proxy.logged('a JSON text is too long')).toBe(1)
  })

  it('members named like parts of JavaScript are members like others', async () => {
    const { result } =
      await run(`$json(x) := "{\\"__proto__\\":{\\"a\\":1},\\"constructor\\":2}"; $json(x/__proto__/b) = 3;
      $var(r) = "$json_compact(x) $json(x/toString)";`)
    expect(result).toBe('{"__proto__":{"a":1,"b":3},"constructor":2} <null>')
  })
})

describe('launch()', () => {
  it('the call sees the JSON values of the script', async () => {
    const { logged } = await run(`$json(x) := "[5]"; launch(sleep($json(x[0])), rep, "$json(x)"); $var(r) = "gone";`, {
      routes: 'route[rep] { xlog("reported $param(1)\\n"); }',
    }).then(async proxy => {
      await proxy.clock.advance(5000)
      return proxy
    })
    await until(() => logged('reported [ 5 ]') === 1)
  })
})
