import { describe, expect, it } from 'vitest'
import { FifoFrames } from '../../../src/mi/doors/fifo-frames.ts'
import { TextScanner } from '../../../src/mi/text-form.ts'
import { parseXml } from '../../../src/mi/xml.ts'
import { RawHttp } from '../../mi/doors/raw-http.ts'
import { UdpClient } from '../../mi/doors/udp-client.ts'
import { freePort } from '../../support/ports.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { openWebDoors, type WebDoors } from './web-doors.ts'

/* What is sent to harm is refused, and nothing else is disturbed: another client is answered at once, and so is SIP. */

const SCRIPT = `
loadmodule "sl.so"
loadmodule "mi_http.so"
loadmodule "mi_xmlrpc.so"
loadmodule "mi_xmlrpc_ng.so"
modparam("mi_xmlrpc_ng", "http_root", "ng")
modparam("httpd", "conn_timeout", 1)
modparam("httpd", "max_body_size", 1048576)
route { sl_send_reply(200, "OK"); }
`
const PING = '{"jsonrpc":"2.0","method":"version","id":1}'

async function expectUndisturbed(doors: WebDoors): Promise<void> {
  expect((await doors.post('/mi', PING)).body).toContain('fanfare')
  const ua = await SipUa.open('caller')
  ua.request('OPTIONS', doors.proxy.port)
  await ua.nextReply(200)
}

const fault = (code: number): RegExp => new RegExp(`<name>faultCode</name>\\r\\n<value><int>${code}</int></value>`)

describe('XML', () => {
  const laughs = Array.from({ length: 10 }, (_, i) => `<!ENTITY l${i + 1} "&l${i};&l${i};&l${i};&l${i};">`).join('')
  const BOMB = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">${laughs}]><methodCall><methodName>&l10;</methodName></methodCall>`
  const EXTERNAL = `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><methodCall><methodName>&e;</methodName></methodCall>`

  it.each([
    ['a bomb of entities', BOMB],
    ['an external entity', EXTERNAL],
    ['deep nesting', '<a>'.repeat(100_000)],
    ['an entity that is not declared', '<methodCall><methodName>&x;</methodName></methodCall>'],
    ['a reference to half a character', '<methodCall><methodName>&#xd800;</methodName></methodCall>'],
    ['an endless comment', `<!--${'-'.repeat(500_000)}`],
    ['a tag without end', `<a ${'b="c" '.repeat(100_000)}`],
    ['blanks without end', `<a${' '.repeat(500_000)}`],
    ['noise', '\0\u0001\ufffd<'],
  ])('%s is the fault of what is not well formed', async (_what, body) => {
    const doors = await openWebDoors(SCRIPT)
    expect((await doors.post('/RPC2', body)).body).toMatch(fault(32700))
    expect((await doors.post('/ng', body)).body).toMatch(fault(404))
    await expectUndisturbed(doors)
  })

  it('members with the names of what objects inherit are parameters like any other', async () => {
    const doors = await openWebDoors(SCRIPT)
    const member = '<member><name>__proto__</name><value>x</value></member>'
    const call = `<methodCall><methodName>which</methodName><params><param><value><struct>${member}</struct></value></param></params></methodCall>`
    expect((await doors.post('/RPC2', call)).body).toMatch(fault(-32602))
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })
})

describe('HTTP', () => {
  it.each(['/mi', '/RPC2', '/ng'])('a request of 10 MB to %s is 413 where 1 MB is the limit', async path => {
    const doors = await openWebDoors(SCRIPT)
    const connection = new RawHttp(doors.port)
    const { status } = await connection.ask(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n${'x'.repeat(64 * 1024)}`,
    )
    connection.close()
    expect(status).toBe(413)
    await expectUndisturbed(doors)
  })

  it('a client that sends byte after byte is cut off in time, and others are answered meanwhile', async () => {
    const doors = await openWebDoors(SCRIPT)
    const slow = Array.from({ length: 20 }, () => new RawHttp(doors.port))
    const drip = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write('x')
    }, 50)
    for (const { socket } of slow) socket.write('POST /mi HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{')
    await expectUndisturbed(doors)
    await Promise.all(slow.map(connection => connection.closed()))
    clearInterval(drip)
    await expectUndisturbed(doors)
  })

  it('a batch of more than a thousand requests is refused as one', async () => {
    const doors = await openWebDoors(SCRIPT)
    const { body } = await doors.post('/mi', `[${Array.from({ length: 1001 }, () => PING).join(',')}]`)
    expect(JSON.parse(body)).toMatchObject({ error: { code: -32600, data: 'A batch holds at most 1000 requests' } })
    await expectUndisturbed(doors)
  })
})

describe('addresses', () => {
  it('a datagram from an address that is not in the list is not answered', async () => {
    const port = await freePort()
    const doors = await openWebDoors(`${SCRIPT}
      loadmodule "mi_datagram.so"
      modparam("mi_datagram", "socket_name", "udp:127.0.0.1:${port}")
      modparam("mi_datagram", "allow", "10.1.2.3")
    `)
    const client = new UdpClient(`127.0.0.1:${port}`)
    client.send('{"jsonrpc":"2.0","method":"log_level","params":[-1]}')
    // The log tells when it was there.
    while (!doors.proxy.log.some(line => line.includes('datagram request passed over')))
      await new Promise(resolve => setImmediate(resolve))
    client.close()
    expect(doors.proxy.proxy.host.logger.level).toBe(3)
    await expectUndisturbed(doors)
  })
})

/** So much that a parser which looks at what it has seen again, for each piece, would not end before the test is given up. */
const SIZE = 1_000_000

describe('parsers take time in proportion to what they are given', () => {
  const tryXml = (text: string): void => {
    try {
      parseXml(text)
    } catch {
      // Refused: how long it took is what counts.
    }
  }
  const frames = (): FifoFrames =>
    new FifoFrames(
      1 << 24,
      () => {},
      () => {},
    )

  it.each<[string, (size: number) => () => void]>([
    ['XML of open tags', n => () => tryXml('<a>'.repeat(n))],
    ['XML of empty elements', n => () => tryXml(`<a>${'<b/>'.repeat(n)}</a>`)],
    ['XML of references', n => () => tryXml(`<a>${'&amp;'.repeat(n)}</a>`)],
    ['XML of ampersands', n => () => tryXml(`<a>${'&'.repeat(n)}</a>`)],
    ['XML of blanks', n => () => tryXml(`<a${' '.repeat(n)}`)],
    ['XML of attributes', n => () => tryXml(`<a${' b=""'.repeat(n)}`)],
    ['XML of CDATA', n => () => tryXml(`<a>${'<![CDATA[x]]>'.repeat(n)}</a>`)],
    ['a FIFO of colons', n => () => frames().push(':'.repeat(n))],
    ['a FIFO of half heads', n => () => frames().push(':a:b'.repeat(n))],
    ['a FIFO of half requests', n => () => frames().push(':a:{"b'.repeat(n))],
    ['a FIFO of line ends', n => () => frames().push(`:a:${'\n'.repeat(n)}`)],
    [
      'a request letter by letter',
      n => () => {
        const one = frames()
        one.push(':a:{"b":"')
        for (let i = 0; i < n; i++) one.push('x')
      },
    ],
    [
      'a request in text form letter by letter',
      n => () => {
        const one = frames()
        one.push(':a:b\n')
        for (let i = 0; i < n; i++) one.push('x')
      },
    ],
    ['quotes', n => () => void new TextScanner().feed(`:a:\n${'"a"\n'.repeat(n)}`, 0)],
  ])('%s', (_what, job) => {
    expect(job(SIZE)).not.toThrow()
  })
})
