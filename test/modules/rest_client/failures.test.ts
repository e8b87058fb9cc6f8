import { createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../support/ports.ts'
import { scriptProxy } from '../../support/script-proxy.ts'
import { until } from '../../support/until.ts'
import { webServer } from '../../support/web-server.ts'

/** A proxy whose script asks `url` and says what it got; `$var(b)` was set before. */
function askingFor(url: string, params = '') {
  return scriptProxy({
    top: `loadmodule "rest_client.so"\n${params}`,
    route: `$var(b) = "before"; $var(ct) = "before"; rest_get("${url}", $var(b), $var(ct), $var(code));
            sl_send_reply(299, "$rc $var(b) $var(ct) $var(code)");`,
  })
}

/** A server that does with each connection what it is told, and nothing by itself. */
async function rawServer(onData: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  let heard = 0
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', () => {
      heard++
      onData(socket)
    })
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise<void>(resolve => void server.close(() => resolve()))
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, heard: () => heard, sockets }
}

const FAILED = 'before before 0'

describe('a request without a reply', () => {
  it('−1: nobody takes the connection; nothing but the code is written', async () => {
    const { ask, logged } = await askingFor(`http://127.0.0.1:${await freePort()}/`)
    expect(await ask()).toBe(`-1 ${FAILED}`)
    expect(logged('no reply from a web server')).toBe(1)
  })

  it('−2: no connection within connection_timeout, the TLS handshake included', async () => {
    const silent = await rawServer(() => {})
    const { clock, phone, port } = await askingFor(
      `https://127.0.0.1:${silent.port}/`,
      'modparam("rest_client", "connection_timeout", 3)',
    )
    phone.request('MESSAGE', port)
    await until(() => silent.heard() === 1)
    await clock.advance(2999)
    expect(phone.count({ status: 299 })).toBe(0)
    await clock.advance(1)
    expect((await phone.nextReply(299)).reason).toBe(`-2 ${FAILED}`)
  })

  it('−3: no complete reply within curl_timeout, whether nothing came or it never ends', async () => {
    const drops = await rawServer(socket => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')
    })
    const silent = await rawServer(() => {})
    for (const server of [drops, silent]) {
      const { clock, phone, port } = await askingFor(`http://127.0.0.1:${server.port}/`)
      phone.request('MESSAGE', port)
      await until(() => server.heard() === 1)
      await clock.advance(19_999)
      expect(phone.count({ status: 299 })).toBe(0)
      await clock.advance(1)
      expect((await phone.nextReply(299)).reason).toBe(`-3 ${FAILED}`)
    }
  })

  it('−10: a reply that never ends is cut off at max_transfer_size', async () => {
    let sentBytes = 0
    const flood = await rawServer(socket => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const more = (): void => {
        if (socket.destroyed) return
        sentBytes += 65_536
        socket.write(Buffer.alloc(65_536, 'a'), more)
      }
      more()
    })
    const { ask, log } = await askingFor(
      `http://127.0.0.1:${flood.port}/`,
      'modparam("rest_client", "max_transfer_size", 100)',
    )
    expect(await ask()).toBe(`-10 ${FAILED}`)
    expect(log.join('')).toContain('the reply has more than 102400 bytes (max_transfer_size)')
    await until(() => [...flood.sockets].every(socket => socket.destroyed))
    expect(sentBytes).toBeLessThan(50_000_000)
  })

  it.each([
    ['what is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a reply that ends in its midst', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
    ['headers without end', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(100_000)}`],
    ['nothing', ''],
  ])('−10: %s', async (_, bytes) => {
    const server = await rawServer(socket => void socket.end(bytes))
    const { ask } = await askingFor(`http://127.0.0.1:${server.port}/`)
    expect(await ask()).toBe(`-10 ${FAILED}`)
  })

  it.each(['', 'ftp://127.0.0.1/x', 'file:///etc/passwd', 'http://', 'http://[::1', 'http://a b/'])(
    '−10: the URL %j',
    async url => {
      const { ask } = await askingFor(url)
      expect(await ask()).toBe(`-10 ${FAILED}`)
    },
  )

  it('−4: another request is still connecting to the same server, where no_concurrent_connects says so', async () => {
    const silent = await rawServer(() => {})
    const { phone, port, clock } = await askingFor(
      `https://127.0.0.1:${silent.port}/`,
      'modparam("rest_client", "no_concurrent_connects", 1)',
    )
    phone.request('MESSAGE', port)
    await until(() => silent.heard() === 1)
    phone.request('MESSAGE', port)
    expect((await phone.nextReply(299)).reason).toBe(`-4 ${FAILED}`)
    await clock.advance(20_000)
    expect((await phone.nextReply(299)).reason).toBe(`-2 ${FAILED}`)
    // It is over, so the next one tries by itself.
    phone.request('MESSAGE', port)
    await until(() => silent.heard() === 2)
  })

  it('passwords and queries of URLs are not logged', async () => {
    const { ask, log } = await askingFor(`http://me:secret@127.0.0.1:${await freePort()}/?token=secret`)
    await ask()
    expect(log.join('')).toMatch(/\*\*\*@127/)
    expect(log.join('')).not.toContain('secret')
  })
})

describe('max_async_transfers', () => {
  it('further requests wait for their turn, no longer than curl_timeout', async () => {
    const answers: (() => void)[] = []
    const server = await webServer(({ response }) => void answers.push(() => response.end('yes')))
    const { phone, port, clock } = await askingFor(
      `${server.origin}/`,
      'modparam("rest_client", "max_async_transfers", 2)\nmodparam("rest_client", "curl_timeout", 5)',
    )
    for (let i = 0; i < 4; i++) phone.request('MESSAGE', port)
    await until(() => answers.length === 2)
    answers[0]?.()
    expect((await phone.nextReply(299)).reason).toBe('1 yes <null> 200')
    await until(() => answers.length === 3)
    await clock.advance(5000)
    for (let i = 0; i < 3; i++) expect((await phone.nextReply(299)).reason).toBe(`-3 ${FAILED}`)
  })
})

describe('curl_conn_lifetime', () => {
  it('a connection that is older is not used again', async () => {
    const server = await webServer(({ response }) => void response.end('yes'))
    const { ask, clock } = await askingFor(`${server.origin}/`, 'modparam("rest_client", "curl_conn_lifetime", 10)')
    await ask()
    await clock.advance(9000)
    await ask()
    expect(server.connections()).toBe(1)
    await clock.advance(1000)
    await ask()
    expect(server.connections()).toBe(2)
  })
})
