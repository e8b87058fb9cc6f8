import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type HttpHandler, HttpListener, type HttpListenerOptions } from '../../../src/mi/doors/http.ts'
import { answerJsonRpc } from '../../../src/mi/doors/http-json-rpc.ts'
import { golden, httpBody } from '../golden.ts'
import { DEADLY, ENGINE_CASES, PING, PONG, PROTOCOL_CASES } from '../golden-cases.ts'
import { type SampleInterface, sampleInterface } from '../sample-interface.ts'
import { RawHttp, type RawResponse } from './raw-http.ts'

let sample: SampleInterface
let listener: HttpListener
let port: number
const clients: RawHttp[] = []

async function restart(options: Partial<HttpListenerOptions> = {}, mounts: Record<string, HttpHandler> = {}) {
  await listener?.close()
  const all = { host: '127.0.0.1', port: 0, maxBodyBytes: 1 << 20, receiveTimeoutMs: 30_000, ...options }
  listener = new HttpListener(all, sample.log)
  listener.mount('mi', 'mi_http', request => answerJsonRpc(sample.mi, request, false))
  for (const [root, handler] of Object.entries(mounts)) listener.mount(root, 'test', handler)
  port = (await listener.open()).port
}

beforeEach(async () => {
  sample = sampleInterface()
  await restart()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await listener.close()
})

function client(): RawHttp {
  const made = new RawHttp(port)
  clients.push(made)
  return made
}

const ask = (request: string | Buffer): Promise<RawResponse> => client().ask(request)

const post = (body: string, path = '/mi', headers = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** Status line, content type and closing of a recorded response. */
function recorded(name: string) {
  const text = golden(name).toString('latin1')
  return {
    status: Number(text.split(' ')[1]),
    contentType: /Content-Type: (.*)\r/.exec(text)?.[1],
    closed: /Connection: close/.test(text),
  }
}

describe('management by HTTP', () => {
  it.each([...ENGINE_CASES.map(name => `mi/${name}`), ...PROTOCOL_CASES.map(name => `mi_proto/${name}`)])(
    '%s is answered as recorded',
    async name => {
      const answer = await ask(golden(`${name}.http.req`))
      expect(answer).toMatchObject({ status: 200, body: httpBody(golden(`${name}.http.out`)), closed: false })
      expect(answer.headers.get('content-type')).toBe('application/json')
    },
  )

  it.each(['bad_json.http', 'empty.http'])('%s is answered as recorded', async name => {
    const answer = await ask(golden(`mi_proto/${name}.req`))
    expect(answer).toMatchObject({ status: 200, body: httpBody(golden(`mi_proto/${name}.out`)) })
  })

  it.each(['notification_noid.http', 'http_emptybody', 'http_get', 'http_get_qs', 'http_put', 'http_root'])(
    '%s gets the recorded status, content type and connection',
    async name => {
      const answer = await ask(golden(`mi_proto/${name}.req`))
      const { status, contentType, closed } = recorded(`mi_proto/${name}.out`)
      expect(answer).toMatchObject({ status, closed })
      expect(answer.headers.get('content-type')).toBe(contentType)
      expect(answer.body).toBe(contentType === 'text/html' ? httpBody(golden(`mi_proto/${name}.out`)) : '')
    },
  )

  it.each(['HEAD', 'DELETE', 'PROPFIND'])('%s is refused', async method => {
    const answer = await fetch(`http://127.0.0.1:${port}/mi`, { method })
    expect(answer.status).toBe(406)
  })

  it('a path nobody has mounted is not found, and the connection stays', async () => {
    const http = client()
    expect(await http.ask(golden('mi_proto/http_badpath.req'))).toMatchObject({ status: 404, closed: false })
    expect(await http.ask(post(PING))).toMatchObject({ status: 200, body: PONG })
  })

  it.each([
    '',
    'Content-Type: text/plain\r\n',
    'Content-Type: ;;;/\r\n',
    'Content-Type: application/json; charset=x\r\n',
  ])('a request with header %j is answered alike', async headers => {
    expect(await ask(post(PING, '/mi', headers))).toMatchObject({ status: 200, body: PONG })
  })

  it.each(['/mi', '/mi/', '/mi?x=1', '/mi/anything', 'http://elsewhere/mi', '/%6di'])(
    '%s is the management root',
    async path => {
      expect(await ask(post(PING, path))).toMatchObject({ status: 200, body: PONG })
    },
  )

  it.each(['/mix', '//mi', '/', '/%zz', '/../x', '/.', '/\u00ff'])('%s is not, and does no harm', async path => {
    expect((await ask(post(PING, path))).status).toSatisfy((status: number) => status === 400 || status === 404)
    expect((await ask(post(PING))).body).toBe(PONG)
  })

  it.each(DEADLY)('%s does no harm', async (_name, request, answer) => {
    const http = client()
    expect(await http.ask(post(request))).toMatchObject({ status: 200, body: answer })
    expect(await http.ask(post(PING))).toMatchObject({ status: 200, body: PONG })
  })

  it('a chunked body is read whole', async () => {
    const head = 'POST /mi HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
    const chunks = [PING.slice(0, 10), PING.slice(10)].map(c => `${c.length.toString(16)}\r\n${c}\r\n`).join('')
    expect(await ask(`${head}${chunks}0\r\n\r\n`)).toMatchObject({ status: 200, body: PONG })
  })

  it('a body over the limit is answered 413', async () => {
    await restart({ maxBodyBytes: 1000 })
    expect(await ask(post('x'.repeat(1001)))).toMatchObject({ status: 413, closed: true })
    expect(await ask(post(PING.padEnd(1000)))).toMatchObject({ status: 200, body: PONG })
  })

  it('garbage instead of HTTP closes that connection only', async () => {
    const http = client()
    http.socket.write('\0\x01\x02 nonsense\r\n\r\n')
    await http.closed()
    expect((await ask(post(PING))).body).toBe(PONG)
  })

  it('a client that never finishes its request holds up nobody', async () => {
    client().socket.write('POST /mi HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"json')
    client().socket.write('POST /m')
    expect((await ask(post(PING))).body).toBe(PONG)
    await listener.close()
    for (const slow of clients) await slow.closed()
  })

  it('a client that takes too long to send its request is cut off', async () => {
    await restart({ receiveTimeoutMs: 300 })
    const slow = client()
    slow.socket.write('POST /mi HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"json')
    await slow.closed()
    expect((await ask(post(PING))).body).toBe(PONG)
  })

  it('a page of another site may not send commands', async () => {
    expect(await ask(post(PING, '/mi', 'Sec-Fetch-Site: cross-site\r\n'))).toMatchObject({ status: 403 })
    expect(await ask(post(PING, '/mi', 'Sec-Fetch-Site: same-origin\r\n'))).toMatchObject({ status: 200 })
  })
})

describe('roots', () => {
  it('get the path behind them, decoded, and the query', async () => {
    let seen: unknown
    await restart(
      {},
      {
        metrics: ({ method, path, query, body, remote }) => {
          seen = { method, path, query: [...query], body: body.toString(), remote: remote.replace(/\d+$/, 'port') }
          return { status: 200, contentType: 'text/plain', body: 'fine' }
        },
      },
    )
    expect(await ask('GET /metrics/a%20b/c?x=1&x=2 HTTP/1.1\r\nHost: x\r\n\r\n')).toMatchObject({
      status: 200,
      body: 'fine',
    })
    expect(seen).toEqual({
      method: 'GET',
      path: ['a b', 'c'],
      query: [
        ['x', '1'],
        ['x', '2'],
      ],
      body: '',
      remote: '127.0.0.1:port',
    })
  })

  it('one of them failing is answered 500 and logged; the details stay in the log', async () => {
    await restart({}, { bad: () => Promise.reject(new Error('secret detail')) })
    const answer = await ask(post('x', '/bad'))
    expect(answer.status).toBe(500)
    expect(answer.body).not.toContain('secret')
    expect(sample.log.at('error').join()).toContain('secret detail')
    expect((await ask(post(PING))).body).toBe(PONG)
  })

  it('one of them is given to one module only', () => {
    expect(() => listener.mount('mi', 'other', () => ({ status: 200, contentType: '', body: '' }))).toThrow(
      'modules mi_http and other both want the HTTP root "/mi"',
    )
    expect(listener.roots()).toEqual([{ root: 'mi', module: 'mi_http' }])
  })
})

describe('Basic authentication', () => {
  const credentials = { realm: 'OpenSIPS MI', users: [{ username: 'operator', password: 'p:w', rules: null }] }
  const basic = (text: string): string => `Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`

  it('lets the right name and password in', async () => {
    await restart({ credentials })
    expect(await ask(post(PING, '/mi', basic('operator:p:w')))).toMatchObject({ status: 200, body: PONG })
  })

  it('names its realm in Latin-1', async () => {
    await restart({ credentials: { ...credentials, realm: 'Büro' } })
    expect((await ask(post(PING))).headers.get('www-authenticate')).toBe('Basic realm="Büro", charset="UTF-8"')
  })

  it('tells a handler who asked', async () => {
    const second = { username: 'watcher', password: 'x', rules: null }
    const whoami: HttpHandler = ({ user }) => ({ status: 200, contentType: 'text/plain', body: `${user?.username}` })
    await restart({ credentials: { ...credentials, users: [...credentials.users, second] } }, { whoami })
    expect((await ask(post('x', '/whoami', basic('watcher:x')))).body).toBe('watcher')
    expect((await ask(post('x', '/whoami', basic('operator:p:w')))).body).toBe('operator')
  })

  it.each(['', basic('operator:p'), basic(':'), 'Authorization: Basic %%%\r\n', 'Authorization: Bearer x\r\n'])(
    'header %j is answered 401',
    async header => {
      await restart({ credentials })
      const answer = await ask(post(PING, '/mi', header))
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Basic realm="OpenSIPS MI", charset="UTF-8"')
    },
  )
})

describe('the listener', () => {
  it('counts the bytes of a text, not its characters, and leaves its content type alone', async () => {
    await restart({}, { text: () => ({ status: 200, contentType: 'application/json', body: '"Grüße 😀"' }) })
    const answer = await ask(post('x', '/text'))
    expect(answer.body).toBe('"Grüße 😀"')
    expect(answer.headers.get('content-type')).toBe('application/json')
  })

  it('rejects with the reason when the address is taken', async () => {
    const second = new HttpListener({ host: '127.0.0.1', port, maxBodyBytes: 1, receiveTimeoutMs: 1 }, sample.log)
    await expect(second.open()).rejects.toThrow('EADDRINUSE')
  })

  it('listens on all addresses for *', async () => {
    await restart({ host: '*' })
    expect((await ask(post(PING))).body).toBe(PONG)
  })

  it('ends idle connections when it closes', async () => {
    const http = client()
    await http.ask(post(PING))
    await listener.close()
    await http.closed()
  })
})
