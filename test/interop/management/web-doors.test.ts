import { describe, expect, it } from 'vitest'
import { openWebDoors } from './web-doors.ts'

const USRLOC = `
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "usrloc.so"
modparam("usrloc", "working_mode_preset", "single-instance-no-db")
loadmodule "registrar.so"
loadmodule "event_datagram.so"
startup_route { raise_event("E_A"); }
route { save("location"); }
`

describe('mi_json', () => {
  const SCRIPT = `loadmodule "mi_json.so"${USRLOC}`

  it('GET /json/<command>?params=a,b answers as in 2.x', async () => {
    const doors = await openWebDoors(SCRIPT)
    const { status, headers, body } = await doors.get('/json/events_list')
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(body).toMatch(/^\{"Event":\[\{"value":"E_CORE_SR_STATUS_CHANGED", "attributes":\{"id": "0"\}\}, /)
    expect(JSON.parse(body)).toMatchObject({ Event: expect.any(Array) })
    // Done, and nothing to say: an empty body.
    const subscribed = await doors.get('/json/event_subscribe?params=E_A%2Cudp%3A127.0.0.1%3A9%2C1200')
    expect(subscribed).toMatchObject({ status: 200, body: '' })
    expect((await doors.get('/json/subscribers_list?params=E_A')).body).toBe(
      '{"Event": {"value":"E_A", "attributes":{"id": "24"}, "children":{"Subscriber":[{"value":"", "attributes":{"socket": "udp:127.0.0.1:9", "expire": "1200", "ttl": "1200"}}]}}}'.replace(
        '"24"',
        /"id": ("\d+")/.exec((await doors.get('/json/subscribers_list?params=E_A')).body)?.[1] ?? '',
      ),
    )
  })

  it('GET /json?method=<command>&param1=a&param2=b answers the same', async () => {
    const doors = await openWebDoors(SCRIPT)
    const numbered = await doors.get('/json?method=ul_show_contact&param1=location&param2=bob@x')
    expect(numbered.body).toBe((await doors.get('/json/ul_show_contact?params=location,bob@x')).body)
    expect(numbered).toMatchObject({ status: 200, body: '{"error": {"code": 404, "message": "AOR not found"}}' })
    expect((await doors.get('/json/get_statistics?params=core:')).body).toMatch(/^\{"core:rcv_requests": "\d+", /)
    expect((await doors.get('/json/pwd')).body).toBe(`{"WD": ${JSON.stringify(process.cwd()).replaceAll('/', '\\/')}}`)
  })

  it.each(['/json/nosuch', '/json', '/json/', '/json/a/b', '/json?method='])(
    'GET %s is told that there is no such command',
    async target => {
      const doors = await openWebDoors(SCRIPT)
      expect(await doors.get(target)).toMatchObject({
        status: 200,
        body: '{"error": {"code": 500, "message": "Command not found"}}',
      })
    },
  )

  it('answers JSON-RPC to what is posted', async () => {
    const doors = await openWebDoors(SCRIPT)
    const { body } = await doors.post('/json', '{"jsonrpc":"2.0","method":"version","id":1}')
    expect(JSON.parse(body).result.Server).toContain('fanfare')
  })

  it('runs nothing for the page of another site', async () => {
    const doors = await openWebDoors(SCRIPT)
    const { status } = await doors.get('/json/log_level?params=-1', 'Sec-Fetch-Site: cross-site\r\n')
    expect([status, doors.proxy.proxy.host.logger.level]).toEqual([403, 3])
  })
})

describe('mi_html', () => {
  const SCRIPT = `loadmodule "mi_html.so"${USRLOC}`

  it('leads from the menu to a group, to a command, to its result', async () => {
    const doors = await openWebDoors(SCRIPT)
    const menu = await doors.get('/mi')
    expect(menu.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(menu.body).toContain('<a href="/mi/usrloc">usrloc</a>')
    expect((await doors.get('/mi/usrloc')).body).toContain('<a href="/mi/usrloc/show_contact">show_contact</a>')
    const form = (await doors.get('/mi/usrloc/show_contact')).body
    expect(form).toContain('<form method="get" action="/mi/usrloc/show_contact">')
    expect(form).toContain('[table_name, aor]')
    expect((await doors.get('/mi/usrloc/show_contact?arg=location+bob%40x')).body).toContain('404 AOR not found')
    expect((await doors.get('/mi/core/which?arg=%7B%22command%22%3A%22mem%3A%22%7D')).body).toContain(
      '&quot;mem:shm_check&quot;',
    )
  })

  it('escapes whatever it shows', async () => {
    const doors = await openWebDoors(SCRIPT)
    const arg = encodeURIComponent('"><script>alert(1)</script>')
    const { body, headers } = await doors.get(`/mi/usrloc/show_contact?arg=${arg}`)
    expect(body).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"')
    expect(body).not.toContain('<script')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect((await doors.get('/mi/%3Cscript%3E')).body).not.toContain('<script')
  })

  it('runs commands by POST where it is told to', async () => {
    const doors = await openWebDoors(`${SCRIPT.trimEnd()}\nmodparam("mi_html", "http_method", 1)\n`)
    expect((await doors.get('/mi/core/version?arg=')).status).toBe(500)
    expect((await doors.post('/mi/core/version', 'arg=')).body).toContain('fanfare')
  })

  it.each([
    ['/mi/nosuch', 406],
    ['/mi/core/nosuch', 406],
    ['/mi/core/version/more', 406],
    ['/elsewhere', 404],
  ])('GET %s is %i', async (target, status) => {
    const doors = await openWebDoors(SCRIPT)
    expect((await doors.get(target)).status).toBe(status)
  })

  it('runs nothing for the page of another site', async () => {
    const doors = await openWebDoors(SCRIPT)
    const { status } = await doors.get('/mi/core/log_level?arg=-1', 'Sec-Fetch-Site: cross-site\r\n')
    expect([status, doors.proxy.proxy.host.logger.level]).toEqual([403, 3])
  })
})

describe('permissions', () => {
  const basic = (text: string): string => `Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`
  const call = (method: string): string => `{"jsonrpc":"2.0","method":"${method}","id":1}`
  const FORBIDDEN = { code: 403, message: 'Forbidden' }

  it('a user runs what the entry allows, and nothing else', async () => {
    const doors = await openWebDoors(`
      loadmodule "mi_http.so"
      loadmodule "mi_html.so"
      modparam("mi_html", "root", "html")
      modparam("httpd", "user", "root:secret")
      modparam("httpd", "user", "reader:p:core:*, statistics:*, !core:kill, !log_level")
    `)
    const ask = async (user: string, method: string) => {
      const { status, body } = await doors.post('/mi', call(method), basic(user))
      return body.startsWith('{') ? (JSON.parse(body).error ?? 'OK') : status
    }
    expect(await ask('reader:p', 'version')).toBe('OK')
    expect(await ask('reader:p', 'core:version')).toBe('OK')
    for (const method of ['kill', 'core:kill', 'log_level', 'core:log_level', 'evi:list', 'events_list'])
      expect(await ask('reader:p', method)).toMatchObject(FORBIDDEN)
    expect(await ask('root:secret', 'events_list')).toBe('OK')
    expect(await ask('root:p', 'version')).toBe(401)
    // The pages show a user only what that user may run, and live events are for those who may subscribe.
    const pages = await doors.get('/html/core', basic('reader:p'))
    expect(pages.body).toContain('/html/core/version')
    expect(pages.body).not.toContain('/html/core/kill')
    expect((await doors.get('/mi/events', basic('reader:p'))).status).toBe(403)
  })

  it('a door runs what its parameter allows', async () => {
    const doors = await openWebDoors(`
      loadmodule "mi_http.so"
      modparam("mi_http", "commands", "core:version")
      loadmodule "mi_xmlrpc.so"
      modparam("mi_xmlrpc", "commands", "!core:version")
      loadmodule "mi_json.so"
      modparam("mi_json", "commands", "!core:*")
    `)
    expect(JSON.parse((await doors.post('/mi', call('uptime'))).body).error).toMatchObject(FORBIDDEN)
    expect((await doors.post('/mi', call('version'))).body).toContain('fanfare')
    const xml = (method: string) => doors.post('/RPC2', `<methodCall><methodName>${method}</methodName></methodCall>`)
    expect((await xml('version')).body).toContain('<int>403</int>')
    expect((await xml('uptime')).body).toContain('Up since')
    expect((await doors.get('/json/version')).body).toBe('{"error": {"code": 403, "message": "Forbidden"}}')
  })

  it('an address that is not in the list gets 403, whatever it knows', async () => {
    const doors = await openWebDoors(`
      loadmodule "mi_http.so"
      modparam("httpd", "allow", "10.0.0.0/8, ::1")
      modparam("httpd", "user", "root:secret")
    `)
    const { status, body } = await doors.post('/mi', call('version'), basic('root:secret'))
    expect([status, body]).toEqual([403, '<html><body>Forbidden</body></html>'])
  })

  it.each([
    ['modparam("httpd", "user", "root")', 'name:password'],
    ['modparam("httpd", "user", "root:x:a b/c")', 'no pattern of command names'],
    ['modparam("httpd", "allow", "10.0.0.0/40")', 'no address and no network'],
    ['loadmodule "mi_http.so"\nmodparam("mi_http", "commands", "rm -rf /")', 'no pattern of command names'],
  ])('%s is refused at start', async (line, reason) => {
    await expect(openWebDoors(line)).rejects.toThrow(reason)
  })
})

describe('discovery', () => {
  it('every command of every loaded module is described, with a schema of its parameters', async () => {
    const doors = await openWebDoors(`loadmodule "mi_http.so"${USRLOC}`)
    const { mi } = doors.proxy.proxy.host
    const described = (await mi.call('core:describe')) as readonly { name: string; doc: string; params: unknown }[]
    expect(described.map(({ name }) => name)).toEqual(await mi.call('which'))
    expect(described.filter(({ doc }) => doc === '')).toEqual([])
    expect(await mi.call('core:describe', ['ul_show_contact'])).toEqual([
      {
        name: 'usrloc:show_contact',
        aliases: ['ul_show_contact'],
        doc: expect.any(String),
        positional: [['table_name', 'aor']],
        variadic: false,
        params: {
          type: 'object',
          properties: {
            table_name: { type: ['string', 'number'], description: expect.any(String) },
            aor: { type: ['string', 'number'], description: expect.any(String) },
          },
          required: ['table_name', 'aor'],
          additionalProperties: false,
        },
      },
    ])
    await expect(mi.call('core:describe', ['nosuch'])).rejects.toMatchObject({ code: 404 })
  })

  it('memory and the log answer', async () => {
    const doors = await openWebDoors('')
    const { mi, logger } = doors.proxy.proxy.host
    expect(await mi.call('mem:shm_dump')).toMatchObject({
      total_size: expect.any(Number),
      heap_used: expect.any(Number),
    })
    expect(await mi.call('mem:pkg_dump')).toMatchObject({ Spaces: expect.any(Array) })
    expect(await mi.call('log_level_filter', ['stderror', 1])).toBe('OK')
    expect(logger.outputFilter).toBe(1)
    expect(await mi.call('log_level_filter', ['stderror'])).toEqual({ 'Log level filter': 1 })
    await expect(mi.call('log_level_filter', ['elsewhere'])).rejects.toMatchObject({ code: 404 })
    expect(await mi.call('log_mute_state', ['stderror', 1])).toBe('OK')
    expect(logger.hasOutput).toBe(false)
  })
})
