import { describe, expect, it, onTestFinished } from 'vitest'
import xmlrpc from 'xmlrpc'
import { LOAD_BALANCER_TABLE } from '../../../src/modules/load_balancer/table-source.ts'
import { RawHttp } from '../../mi/doors/raw-http.ts'
import { freePort } from '../../support/ports.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { tableFile, tableFolder } from '../../support/table-files.ts'
import { B2 } from './base-scripts.ts'
import { register, startScenario } from './rig.ts'

const SCRIPT = `${B2}
loadmodule "dialog.so"
loadmodule "db_text.so"
loadmodule "load_balancer.so"
modparam("load_balancer", "db_url", "text://@DB@")
loadmodule "httpd.so"
modparam("httpd", "ip", "127.0.0.1")
modparam("httpd", "port", @HTTP@)
modparam("httpd", "buf_size", 524288)
modparam("httpd", "post_buf_size", 4096)
loadmodule "mi_xmlrpc_ng.so"
modparam("mi_xmlrpc_ng", "http_root", "mybox")
@MORE@
route {
    if (is_method("REGISTER")) { save("location"); exit; }
    sl_send_reply(200, "OK");
}
`

/** What `xmlrpc_encode_request($method, $params)` of PHP writes. */
function phpRequest(method: string, params: readonly string[]): string {
  const list = params.map(text => ` <param>\n  <value>\n   <string>${text}</string>\n  </value>\n </param>\n`).join('')
  const all = params.length === 0 ? '<params/>' : `<params>\n${list}</params>`
  return `<?xml version="1.0" encoding="iso-8859-1"?>\n<methodCall>\n<methodName>${method}</methodName>\n${all}\n</methodCall>\n`
}

async function start(more = '') {
  const http = await freePort()
  const { folder, write } = tableFolder()
  write(
    'load_balancer',
    tableFile(LOAD_BALANCER_TABLE, [
      { id: 11, group_id: 1, dst_uri: 'sip:127.0.0.1:6001', resources: 'voicemail=2' },
      { id: 12, group_id: 1, dst_uri: 'sip:127.0.0.1:6002', resources: 'voicemail=1' },
    ]),
  )
  const scenario = await startScenario(SCRIPT.replace('@MORE@', more), { DB: folder, HTTP: http })
  const connection = new RawHttp(http)
  onTestFinished(() => connection.close())
  const post = (path: string, body: string) =>
    connection.ask(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  const client = xmlrpc.createClient({ host: '127.0.0.1', port: http, path: '/mybox' })
  /** A call through a client library, as programs make it. */
  const call = (method: string, params: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) =>
      client.methodCall(method, [...params], (error: object | null, value: unknown) =>
        error === null ? resolve(value) : reject(error),
      ),
    )
  return {
    scenario,
    post,
    call,
    php: (method: string, ...params: string[]) => post('/mybox', phpRequest(method, params)),
  }
}

describe('scenario 19: the web API by XML-RPC', () => {
  it('ul_show_contact gives the contacts of a user, or the fault 404', async () => {
    const { scenario, php, call } = await start()
    const phone = await SipUa.open('bob')
    await register(phone, scenario.port)
    const { status, body } = await php('ul_show_contact', 'location', 'bob@127.0.0.1')
    expect(status).toBe(200)
    expect(body).toContain(`sip:bob@127.0.0.1:${phone.port}`)
    expect(await call('ul_show_contact', ['location', 'bob@127.0.0.1'])).toMatchObject({
      Contact: [{ value: expect.stringContaining(`sip:bob@127.0.0.1:${phone.port}`), attributes: expect.any(Object) }],
    })
    expect((await php('ul_show_contact', 'location', 'nobody@127.0.0.1')).body).toContain(
      '<name>faultCode</name>\r\n<value><int>404</int></value>\r\n</member>\r\n<member>\r\n<name>faultString</name>\r\n' +
        '<value><string>AOR not found</string></value>',
    )
  })

  it('where users have no domain, a call with the bare name of a user does as it did', async () => {
    const { scenario, php } = await start('modparam("usrloc", "use_domain", 0)')
    const phone = await SipUa.open('bob')
    await register(phone, scenario.port)
    expect((await php('ul_show_contact', 'location', 'bob')).body).toContain(`sip:bob@127.0.0.1:${phone.port}`)
  })

  it('get_statistics all gives every statistic', async () => {
    const { call, scenario } = await start()
    const all = (await call('get_statistics', ['all'])) as Record<string, string>
    expect(Object.keys(all)).toEqual(expect.arrayContaining(['core:rcv_requests', 'usrloc:registered_users']))
    expect(Object.keys(all)).toEqual(
      Object.keys((await scenario.mi('get_statistics', { statistics: ['all'] } as never)) as object),
    )
  })

  it('lb_resize and lb_reload do what they do in scenario 18', async () => {
    const { call, scenario } = await start()
    const capacity = async (): Promise<unknown> => JSON.stringify(await scenario.mi('lb_list'))
    expect(await call('lb_resize', ['11', 'voicemail', '56'])).toBe('OK')
    expect(await capacity()).toContain('"max":56')
    expect(await call('lb_reload', [])).toBe('OK')
    expect(await capacity()).not.toContain('"max":56')
    expect(await call('lb_resize', [11, 'voicemail', 7])).toBe('OK')
    await expect(call('lb_resize', ['99', 'voicemail', '3'])).rejects.toMatchObject({ faultCode: 404 })
  })

  it('an unknown command is the fault 405, a wrong number of parameters 400', async () => {
    const { call } = await start()
    await expect(call('nosuch', [])).rejects.toMatchObject({ faultCode: 405, faultString: 'Command not available' })
    await expect(call('lb_resize', ['11'])).rejects.toMatchObject({
      faultCode: 400,
      faultString: 'Too few or too many arguments',
    })
  })

  it('a wrong path is 404', async () => {
    const { post } = await start()
    expect((await post('/RPC2', phpRequest('lb_reload', []))).status).toBe(404)
  })

  it('format_version 1 answers one text, lines with name, value and attributes', async () => {
    const { scenario, call } = await start('modparam("mi_xmlrpc_ng", "format_version", 1)')
    const phone = await SipUa.open('bob')
    await register(phone, scenario.port)
    expect(await call('ul_show_contact', ['location', 'bob@127.0.0.1'])).toMatch(
      /^\t*Contact:: sip:bob@127\.0\.0\.1:\d+ .*Expires=\d+/m,
    )
    expect(await call('get_statistics', ['core:'])).toMatch(/^core:rcv_requests:: \d+$/m)
    expect(await call('lb_reload', [])).toBe('OK')
  })

  it.each([
    ['', 401, 'Empty request'],
    ['<nope', 404, 'Invalid request'],
    ['<a/>', 407, "Missing node 'Method Call'"],
    ['<methodCall/>', 407, "Missing node 'MethodName'"],
    ['<methodCall><methodName>which</methodName><params><param/></params></methodCall>', 407, "Missing node 'value'"],
  ])('the body %j is the fault %i %s', async (body, code, reason) => {
    const { post } = await start()
    const answer = await post('/mybox', body)
    expect(answer.status).toBe(200)
    expect(answer.body).toContain(`<int>${code}</int>`)
    expect(answer.body).toContain(`<string>${reason.replaceAll("'", '&#39;')}</string>`)
  })
})
