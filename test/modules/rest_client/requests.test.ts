import { describe, expect, it } from 'vitest'
import { scriptProxy } from '../../support/script-proxy.ts'
import { until } from '../../support/until.ts'
import { type Asked, webServer } from '../../support/web-server.ts'

/** A proxy whose script asks a server that answers everything with `yes`. */
async function asking(route: string, top = '', answer: (asked: Asked) => void = sayYes) {
  const server = await webServer(answer)
  const proxy = await scriptProxy({
    top: `loadmodule "rest_client.so"\n${top}`,
    route,
    names: { ORIGIN: server.origin },
  })
  return { ...proxy, server }
}

const sayYes = ({ response }: Asked): void => {
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.end('yes')
}

describe('rest_get', () => {
  it('gives body, content type and status; any status is a reply', async () => {
    const { ask, server } = await asking(
      `rest_get("@ORIGIN@/$rU?a=b", $var(b), $var(ct), $var(code));
       sl_send_reply(299, "$rc $var(b) $var(ct) $var(code)");`,
      '',
      ({ response, path }) => {
        response.writeHead(path.startsWith('/none') ? 404 : 200, { 'content-type': 'text/plain' })
        response.end(path.startsWith('/none') ? 'nothing' : 'yes')
      },
    )
    expect(await ask({ uri: 'sip:here@127.0.0.1' })).toBe('1 yes text/plain 200')
    expect(await ask({ uri: 'sip:none@127.0.0.1' })).toBe('1 nothing text/plain 404')
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /here?a=b', 'GET /none?a=b'])
    expect(server.asked.every(({ body }) => body === '')).toBe(true)
  })

  it('the content type is NULL where the server names none, and other variables may be left out', async () => {
    const { ask } = await asking(
      `$avp(ct) = "old"; rest_get("@ORIGIN@/", $avp(b), $avp(ct));
       if ($avp(ct) == NULL) sl_send_reply(299, "none $avp(b)");`,
      '',
      ({ response }) => void response.end('yes'),
    )
    expect(await ask()).toBe('none yes')
  })

  it('does not follow redirects: a server that redirects to itself is asked once', async () => {
    const { ask, server } = await asking(
      'rest_get("@ORIGIN@/a", $var(b), , $var(code)); sl_send_reply(299, "$rc $var(code)");',
      '',
      ({ response }) => void response.writeHead(302, { location: '/a' }).end(),
    )
    expect(await ask()).toBe('1 302')
    expect(server.asked).toHaveLength(1)
  })

  it('uses a connection again, and opens another one when the server has closed it', async () => {
    const { ask, server } = await asking(
      'rest_get("@ORIGIN@/", $var(b)); sl_send_reply(299, "$rc $var(b)");',
      '',
      ({ response }) => {
        response.end('yes')
        // Without having said so.
        if (server.asked.length === 2) response.socket?.destroySoon()
      },
    )
    for (let i = 0; i < 4; i++) expect(await ask()).toBe('1 yes')
    expect(server.connections()).toBe(2)
  })

  it('text is UTF-8 both ways', async () => {
    const { ask, server } = await asking(
      'rest_post("@ORIGIN@/", "grün", , $var(b)); sl_send_reply(299, "$var(b)");',
      '',
      ({ response }) => void response.end('gelb ✓'),
    )
    expect(await ask()).toBe('gelb ✓')
    expect(server.asked[0]?.body).toBe('grün')
  })
})

describe('rest_post and rest_put', () => {
  it('send a form where the script names no type', async () => {
    const { ask, server } = await asking(
      `rest_post("@ORIGIN@/p", "a=1", , $var(b)); rest_put("@ORIGIN@/q", "b=2", , $var(b));
       rest_put("@ORIGIN@/r", "{}", "application/json", $var(b), $var(ct), $var(code));
       sl_send_reply(299, "$rc $var(code)");`,
    )
    expect(await ask()).toBe('1 200')
    expect(
      server.asked.map(({ method, path, headers, body }) => [method, path, headers['content-type'], body]),
    ).toEqual([
      ['POST', '/p', 'application/x-www-form-urlencoded', 'a=1'],
      ['PUT', '/q', 'application/x-www-form-urlencoded', 'b=2'],
      ['PUT', '/r', 'application/json', '{}'],
    ])
  })

  it('take everything in quotes, as 2.x wrote it', async () => {
    const { ask, server } = await asking(
      `$var(b) = "{\\"x\\":1}";
       rest_post("@ORIGIN@/","$var(b)","application/json","$var(body)","$var(ct)","$var(rcode)");
       sl_send_reply(299, "$var(body) $var(ct) $var(rcode)");`,
    )
    expect(await ask()).toBe('yes text/plain 200')
    expect(server.asked[0]?.body).toBe('{"x":1}')
  })

  it('announce a long body where that is wanted', async () => {
    const { ask, server } = await asking(
      `$var(b) = "$(var(x){s.fill.left,a,2000})"; $var(x) = "a"; $var(b) = $(var(x){s.fill.left,a,2000});
       rest_post("@ORIGIN@/", $var(b), , $var(r)); rest_post("@ORIGIN@/", "short", , $var(r)); sl_send_reply(299, "$rc");`,
      'modparam("rest_client", "enable_expect_100", 1)',
    )
    expect(await ask()).toBe('1')
    expect(server.asked.map(({ headers, body }) => [headers.expect, body.length])).toEqual([
      ['100-continue', 2000],
      [undefined, 5],
    ])
  })
})

describe('rest_append_hf', () => {
  it('adds headers to the next request only, also instead of the default type', async () => {
    const { ask, server } = await asking(
      `rest_append_hf("Authorization: key=K"); rest_append_hf("Content-Type: application/json");
       rest_append_hf("X-Two: a"); rest_append_hf("X-Two: b");
       rest_post("@ORIGIN@/1", "{}", , $var(b)); rest_get("@ORIGIN@/2", $var(b)); sl_send_reply(299, "$rc");`,
    )
    expect(await ask()).toBe('1')
    const [first, second] = server.asked
    expect([first?.headers.authorization, first?.headers['content-type'], first?.headers['x-two']]).toEqual([
      'key=K',
      'application/json',
      'a, b',
    ])
    expect([second?.headers.authorization, second?.headers['x-two']]).toEqual([undefined, undefined])
  })

  it('what is prepared for one message is not sent for another', async () => {
    const { phone, port, server } = await asking(
      `if ($rU == "with") { rest_append_hf("X-Of: with"); usleep(1000000); }
       rest_get("@ORIGIN@/$rU", $var(b)); sl_send_reply(299, "$rc");`,
      'loadmodule "cfgutils.so"',
    )
    phone.request('MESSAGE', port, { uri: 'sip:with@127.0.0.1' })
    phone.request('MESSAGE', port, { uri: 'sip:without@127.0.0.1' })
    await phone.nextReply(299)
    expect(server.asked.map(({ path, headers }) => [path, headers['x-of']])).toEqual([['/without', undefined]])
  })

  it.each(['no colon', ': value', 'Bad Name: x', 'X: a\\r\\nInjected: b', `X: ${'a'.repeat(1100)}`])(
    'refuses %j',
    async header => {
      const { ask, server } = await asking(
        `rest_append_hf("${header}"); $var(rc) = $rc; rest_get("@ORIGIN@/", $var(b)); sl_send_reply(299, "$var(rc)");`,
      )
      expect(await ask()).toBe('-1')
      expect(server.asked[0]?.headers['injected']).toBeUndefined()
    },
  )
})

describe('async() and launch()', () => {
  it('async() resumes with the outcome, and what the script set before is as it was', async () => {
    const { ask } = await asking(
      `$var(v) = "kept"; $avp(a) = "also"; $ru = "sip:new@127.0.0.1"; append_to_reply("X-Mine: 1\\r\\n");
       async(rest_get("@ORIGIN@/", $var(b), $var(ct), $var(code)), resume);
       sl_send_reply(500, "never");`,
      `loadmodule "sipmsgops.so"
       route[resume] { t_reply(299, "$rc $var(b) $var(ct) $var(code) $var(v) $avp(a) $rU"); }`,
    )
    expect(await ask()).toBe('1 yes text/plain 200 kept also new')
  })

  it('launch() sends with the headers that were appended, and reports', async () => {
    const { ask, server, logged } = await asking(
      `rest_append_hf("X-A: 1"); launch(rest_post("@ORIGIN@/l", "body of $ci", , $avp(b)), report, "for $ci");
       sl_send_reply(299, "gone on");`,
      'route[report] { xlog("report $rc $param(1) $avp(b)\\n"); }',
    )
    expect(await ask({ callId: 'c1' })).toBe('gone on')
    await until(() => server.asked.length === 1)
    expect([server.asked[0]?.body, server.asked[0]?.headers['x-a']]).toEqual(['body of c1', '1'])
    await until(() => logged('report 1 for c1 yes') === 1)
  })

  it('a startup route and a timer route may ask as well', async () => {
    const { ask, server, clock } = await asking(
      'sl_send_reply(299, "$shv(r)");',
      `loadmodule "cfgutils.so"
       startup_route { rest_get("@ORIGIN@/start", $shv(r)); }
       timer_route[t, 5] { rest_get("@ORIGIN@/timer", $var(b)); }`,
    )
    expect(await ask()).toBe('yes')
    await clock.advance(5000)
    await until(() => server.asked.some(({ path }) => path === '/timer'))
  })
})
