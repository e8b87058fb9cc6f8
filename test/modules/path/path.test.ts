import { describe, expect, it, onTestFinished } from 'vitest'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf, headersOf, SipUa } from '../../support/sip-ua.ts'

const MODULES = ['sl', 'tm', 'signaling', 'sipmsgops', 'rr', 'maxfwd', 'usrloc', 'registrar', 'path']
  .map(name => `loadmodule "${name}.so"\n`)
  .join('')

/** An edge proxy that forwards registrations to a registrar, and what comes back to the client. */
async function edge(registrarPort: number, call: string, params = '', transport = '') {
  const proxy = await startProxy(`
${MODULES}
${params}
route {
  if (is_method("REGISTER")) {
    ${call};
    $du = "sip:127.0.0.1:${registrarPort}${transport}";
    t_relay();
    exit;
  }
  if (loose_route() || $du != NULL) { t_relay(); exit; }
  send_reply(404, "Not Here");
}`)
  onTestFinished(() => proxy.stop())
  return proxy
}

async function registrar(save: string, params = '') {
  const proxy = await startProxy(`
${MODULES}
${params}
route {
  if (is_method("REGISTER")) { save("location", "${save}"); exit; }
  if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
  t_relay();
}`)
  onTestFinished(() => proxy.stop())
  return proxy
}

describe('add_path', () => {
  it.each([
    ['add_path()', /^<sip:127\.0\.0\.1:(\d+);lr>$/],
    ['add_path("edge1")', /^<sip:edge1@127\.0\.0\.1:(\d+);lr>$/],
    ['add_path_received()', /^<sip:127\.0\.0\.1:(\d+);lr;received=sip:127\.0\.0\.1:(\d+)>$/],
    ['add_path_received("a b")', /^<sip:a%20b@127\.0\.0\.1:(\d+);lr;received=sip:127\.0\.0\.1:(\d+)>$/],
  ])('%s adds our address above the Paths there are', async (call, expected) => {
    const upstream = await SipUa.open('registrar')
    const phone = await SipUa.open('bob')
    const proxy = await edge(upstream.port, call)
    phone.request('REGISTER', proxy.port, { headers: 'Path: <sip:192.0.2.1;lr>\r\n' })
    const forwarded = await upstream.nextRequest('REGISTER')
    const [own = '', other] = headersOf(forwarded, 'Path')
    expect(own).toMatch(expected)
    expect(expected.exec(own)?.slice(1)).toEqual(
      [String(proxy.port), String(phone.port)].slice(0, call.includes('rec') ? 2 : 1),
    )
    expect(other).toBe('<sip:192.0.2.1;lr>')
    upstream.reply(forwarded, 200, 'OK')
    await phone.nextReply(200)
  })

  it('twice adds it once', async () => {
    const upstream = await SipUa.open('registrar')
    const phone = await SipUa.open('bob')
    const proxy = await edge(upstream.port, 'add_path(); if (add_path_received("x")) exit')
    phone.request('REGISTER', proxy.port)
    const forwarded = await upstream.nextRequest('REGISTER')
    expect(headersOf(forwarded, 'Path')).toHaveLength(1)
    upstream.reply(forwarded, 200, 'OK')
    await phone.nextReply(200)
  })

  it.each([
    [1, ['tcp;r2', 'udp;r2']],
    [0, ['udp']],
  ])('with enable_double_path %s, from UDP to TCP: the sides %s', async (double, sides) => {
    const upstream = await SipUa.open('registrar', 'tcp')
    const phone = await SipUa.open('bob')
    const params = `modparam("path", "enable_double_path", ${double})`
    const proxy = await edge(upstream.port, 'add_path_received()', params, ';transport=tcp')
    phone.request('REGISTER', proxy.port)
    const forwarded = await upstream.nextRequest('REGISTER')
    upstream.reply(forwarded, 200, 'OK')
    await phone.nextReply(200)
    const paths = headersOf(forwarded, 'Path')
    expect(
      paths.map(path => `${path.includes(';transport=tcp') ? 'tcp' : 'udp'}${path.includes(';r2=on') ? ';r2' : ''}`),
    ).toEqual(sides)
    expect(paths.every(path => path.includes(`;received=sip:127.0.0.1:${phone.port}`))).toBe(true)
  })
})

describe('a client behind an edge proxy (RFC 3327)', () => {
  it('is registered with its Path, and requests reach it through the edge, where it was', async () => {
    const home = await registrar('path-strict')
    const proxy = await edge(home.port, 'add_path_received()', 'modparam("path", "use_received", 1)')
    const [phone, caller] = [await SipUa.open('bob'), await SipUa.open('alice')]
    // The contact is an address that nothing can be sent to: only `received` leads back.
    const text = phone.makeRequest('REGISTER', { headers: 'Supported: path\r\n' })
    phone.send(text.replace(/^Contact: .*$/m, 'Contact: <sip:bob@255.255.255.255>'), proxy.port)
    const registered = await phone.nextReply(200)
    expect(headerOf(registered, 'Path')).toBe(`<sip:127.0.0.1:${proxy.port};lr;received=sip:127.0.0.1:${phone.port}>`)
    caller.request('MESSAGE', home.port)
    const received = await phone.nextRequest('MESSAGE')
    expect([received.requestUri, received.routes, received.vias.length]).toEqual(['sip:bob@255.255.255.255', [], 3])
    phone.reply(received, 200, 'OK')
    await caller.nextReply(200)
  })

  it('path-strict refuses a client that does not support Path with 420; path-lazy and path-off store it', async () => {
    for (const [flag, status, echoed] of [
      ['path-strict', 420, ''],
      ['path-lazy', 200, ''],
      ['path-off', 200, ''],
    ] as const) {
      const home = await registrar(flag)
      const proxy = await edge(home.port, 'add_path()')
      const phone = await SipUa.open('bob')
      phone.request('REGISTER', proxy.port)
      const reply = await phone.nextReply(status)
      expect([headerOf(reply, 'Path'), headerOf(reply, 'Unsupported')]).toEqual([echoed, status === 420 ? 'path' : ''])
      expect(home.proxy.host.stats.find('location-contacts')?.read()).toBe(status === 420 ? 0 : 1)
    }
  })

  it('path-received stores where the edge saw it, transport and all', async () => {
    const home = await registrar('path-lazy,path-received')
    const phone = await SipUa.open('bob')
    phone.request('REGISTER', home.port, {
      headers: 'Path: <sip:192.0.2.9;lr;received=sip:192.0.2.1:7%3btransport%3dtcp>\r\n',
    })
    const reply = await phone.nextReply(200)
    expect(headerOf(reply, 'Contact')).toContain(';received="sip:192.0.2.1:7;transport=tcp"')
    const hostile = 'Path: <sip:192.0.2.9;lr;received=sip:192.0.2.1%22%0d%0aX:%20y>\r\n'
    phone.request('REGISTER', home.port, { to: 'sip:eve@127.0.0.1', headers: hostile })
    const safe = await phone.nextReply(200)
    expect([headerOf(safe, 'X'), headerOf(safe, 'Contact').includes('received')]).toEqual(['', false])
  })

  it('use_received without rr stops the start', async () => {
    const script = 'loadmodule "sl.so"\nloadmodule "path.so"\nmodparam("path", "use_received", 1)\nroute { exit; }'
    await expect(startProxy(script)).rejects.toThrow('use_received needs the module rr')
  })
})
