import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'

interface Event {
  readonly name: string
  readonly text: string
}

/** A registrar that pings, with the flags the REGISTER's `X-Flags` header names. */
async function pinging(params: string, usrloc = '') {
  const clock = new VirtualClock()
  const proxy = await startProxy(
    `
log_level=4
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
modparam("usrloc", "nat_bflag", "NAT")
modparam("registrar", "received_avp", "$avp(rcv)")
modparam("nathelper", "received_avp", "$avp(rcv)")
modparam("nathelper", "sipping_bflag", "SIP_PING")
modparam("nathelper", "sipping_from", "sip:pinger@example.org")
modparam("nathelper", "sipping_latency_flag", "LATENCY")
modparam("nathelper", "remove_on_timeout_bflag", "REMOVE")
${params}
${usrloc}
route {
  if ($hdr(X-Flags) =~ "nat") { fix_nated_register(); setbflag("NAT"); }
  if ($hdr(X-Flags) =~ "sip") setbflag("SIP_PING");
  if ($hdr(X-Flags) =~ "latency") setbflag("LATENCY");
  if ($hdr(X-Flags) =~ "remove") setbflag("REMOVE");
  save("location", "path-off");
}`,
    { clock },
  )
  onTestFinished(() => proxy.stop())
  const events: Event[] = []
  proxy.proxy.host.bus.tail(event => {
    if (event.type.name.startsWith('E_UL_')) events.push({ name: event.type.name, text: JSON.stringify(event) })
  })
  const register = async (ua: SipUa, flags: string, headers = '', user = ua.name) => {
    ua.request('REGISTER', proxy.port, {
      uri: 'sip:127.0.0.1',
      to: `sip:${user}@127.0.0.1`,
      headers: `X-Flags: ${flags}\r\n${headers}`,
    })
    await ua.nextReply(200, 'REGISTER')
  }
  const stat = (name: string) => proxy.proxy.host.stats.find(name)?.read()
  return { ...proxy, clock, events, register, stat, mi: proxy.proxy.host.mi }
}

async function until(check: () => boolean): Promise<void> {
  const patience = AbortSignal.timeout(10_000)
  while (!check()) {
    if (patience.aborted) throw new Error(`this did not come true: ${check}`)
    await turn()
  }
}

const EVERY_10 = 'modparam("nathelper", "natping_interval", 10)'

describe('pings', () => {
  it('a contact with the flag gets an OPTIONS in each interval; its answer takes as long as it takes: E_UL_LATENCY_UPDATE', async () => {
    const proxy = await pinging(EVERY_10)
    const bob = await SipUa.open('bob')
    await proxy.register(bob, 'nat sip latency')
    proxy.events.splice(0)
    await proxy.clock.advance(1000)
    const ping = await bob.nextRequest('OPTIONS')
    expect([
      ping.requestUri,
      headerOf(ping, 'From').replace(/;tag=.*/, ''),
      ping.vias.length,
      ping.maxForwards,
    ]).toEqual([bob.uri, '<sip:pinger@example.org>', 1, 70])
    await proxy.clock.advance(250)
    bob.reply(ping, 200, 'OK')
    await until(() => proxy.stat('pings_answered') === 1)
    expect(proxy.events.map(({ name }) => name)).toEqual(['E_UL_LATENCY_UPDATE'])
    const listed = await proxy.mi.call('ul_show_contact', ['location', 'bob@127.0.0.1'])
    expect(listed).toMatchObject({ Contacts: [{ 'Ping-Latency': 250_000, Received: `sip:127.0.0.1:${bob.port}` }] })
    await proxy.clock.advance(10_000)
    await bob.nextRequest('OPTIONS')
    expect([bob.count({ method: 'OPTIONS' }), proxy.stat('pings_sent')]).toEqual([2, 2])
  })

  it('latency events can be kept to high round trips', async () => {
    const proxy = await pinging(EVERY_10, 'modparam("usrloc", "latency_event_min_us", 200000)')
    const bob = await SipUa.open('bob')
    await proxy.register(bob, 'sip latency')
    proxy.events.splice(0)
    for (const [i, ms] of [100, 300].entries()) {
      await proxy.clock.advance(i === 0 ? 1000 : 9900)
      const ping = await bob.nextRequest('OPTIONS')
      await proxy.clock.advance(ms)
      bob.reply(ping, 404, 'Not Found')
      await until(() => proxy.stat('pings_answered') === i + 1)
    }
    expect(proxy.events.map(({ name }) => name)).toEqual(['E_UL_LATENCY_UPDATE'])
    expect(await proxy.mi.call('ul_show_contact', ['location', 'bob@127.0.0.1'])).toMatchObject({
      Contacts: [{ 'Ping-Latency': 300_000 }],
    })
  })

  it('a contact that does not answer max_pings_lost pings in a row is removed if it has the flag, else it stays', async () => {
    const proxy = await pinging(`${EVERY_10}\nmodparam("nathelper", "max_pings_lost", 2)`)
    const [bob, carol] = [await SipUa.open('bob'), await SipUa.open('carol')]
    await proxy.register(bob, 'sip remove')
    await proxy.register(carol, 'sip')
    proxy.events.splice(0)
    // The first is lost, the second answered: the count begins anew.
    await proxy.clock.advance(11_000)
    await bob.nextRequest('OPTIONS')
    bob.reply(await bob.nextRequest('OPTIONS'), 200, 'OK')
    await until(() => proxy.stat('pings_answered') === 1)
    await proxy.clock.advance(14_000)
    expect([proxy.stat('contacts_removed'), proxy.events]).toEqual([0, []])
    await proxy.clock.advance(10_000)
    expect(proxy.events.map(({ name }) => name)).toEqual(['E_UL_CONTACT_DELETE', 'E_UL_AOR_DELETE'])
    expect([proxy.stat('contacts_removed'), proxy.stat('location-contacts')]).toEqual([1, 1])
    expect(await proxy.mi.call('ul_show_contact', ['location', 'carol@127.0.0.1'])).toBeDefined()
  })

  it('with ping_nated_only contacts behind NAT alone get them', async () => {
    const proxy = await pinging(`${EVERY_10}\nmodparam("nathelper", "ping_nated_only", 1)`)
    const bob = await SipUa.open('bob')
    await proxy.register(bob, '')
    await proxy.clock.advance(20_000)
    expect(proxy.stat('pings_sent')).toBe(0)
    await proxy.register(bob, 'nat', '', 'other')
    await proxy.clock.advance(20_000)
    expect(proxy.stat('pings_sent')).toBeGreaterThan(0)
  })

  it('a contact without the flag for requests gets four zero bytes, where its registration came from', async () => {
    const proxy = await pinging(EVERY_10)
    const datagrams: Buffer[] = []
    const socket = createSocket('udp4')
    await new Promise<void>(resolve => void socket.bind(0, '127.0.0.1', resolve))
    onTestFinished(() => new Promise<void>(resolve => void socket.close(() => resolve())))
    socket.on('message', bytes => void datagrams.push(bytes))
    const text = (await SipUa.open('bob')).makeRequest('REGISTER', { headers: 'X-Flags: nat\r\n' })
    socket.send(
      text.replace(/^(Via: .*)$/m, '$1;rport').replace(/@127\.0\.0\.1:\d+>/, '@10.9.9.9>'),
      proxy.port,
      '127.0.0.1',
    )
    await until(() => datagrams.length === 1)
    expect(datagrams[0]?.toString()).toContain('SIP/2.0 200')
    await proxy.clock.advance(10_000)
    await until(() => datagrams.length === 2)
    expect(datagrams[1]).toEqual(Buffer.alloc(4))
  })

  it('go by the Path of a contact; statuses to be ignored are no answer', async () => {
    const proxy = await pinging(`${EVERY_10}\nmodparam("nathelper", "sipping_ignore_rpl_codes", "404,501")`)
    const [bob, edge] = [await SipUa.open('bob'), await SipUa.open('edge')]
    await proxy.register(bob, 'sip', `Path: <sip:127.0.0.1:${edge.port};lr>\r\n`)
    await proxy.clock.advance(1000)
    const ping = await edge.nextRequest('OPTIONS')
    expect([ping.requestUri, ping.routes.map(({ uri }) => uri)]).toEqual([bob.uri, [`sip:127.0.0.1:${edge.port};lr`]])
    edge.reply(ping, 404, 'Not Found')
    edge.reply(ping, 100, 'Trying')
    await until(() => (proxy.stat('rcv_replies') ?? 0) >= 2)
    await proxy.clock.advance(4000)
    expect([proxy.stat('pings_answered'), proxy.stat('pings_lost')]).toEqual([0, 1])
  })

  it('are spread over the interval', async () => {
    const proxy = await pinging(EVERY_10)
    const bob = await SipUa.open('bob')
    for (let i = 0; i < 20; i++) await proxy.register(bob, '', '', `u${i}`)
    const counts: number[] = []
    for (let i = 0; i < 20; i++) {
      await proxy.clock.advance(1000)
      counts.push(proxy.stat('pings_sent') ?? 0)
    }
    const begun = counts.findIndex(count => count > 0)
    expect(counts.slice(begun, begun + 4).map(count => count - (counts[begun - 1] ?? 0))).toEqual([2, 4, 6, 8])
  })

  it('nh_enable_ping stops and resumes them; without an interval there are none to enable', async () => {
    const proxy = await pinging(EVERY_10)
    const bob = await SipUa.open('bob')
    await proxy.register(bob, 'sip')
    expect(await proxy.mi.call('nh_enable_ping', [0])).toBe('OK')
    await proxy.clock.advance(30_000)
    expect(proxy.stat('pings_sent')).toBe(0)
    await proxy.mi.call('nathelper:enable_ping', { status: 1 })
    await proxy.clock.advance(20_000)
    expect(proxy.stat('pings_sent')).toBeGreaterThan(0)
    const silent = await pinging('')
    await expect(silent.mi.call('nh_enable_ping', [1])).rejects.toThrow('Pings are disabled')
  })

  it('over a connection only with natping_tcp, and never by opening one', async () => {
    const proxy = await pinging(
      `${EVERY_10}\nmodparam("nathelper", "natping_tcp", 1)\nmodparam("nathelper", "max_pings_lost", 1)`,
    )
    const phone = await SipUa.open('bob')
    const stream = connect({ port: proxy.port, host: '127.0.0.1' })
    onTestFinished(() => void stream.destroy())
    let text = ''
    stream.on('data', bytes => {
      text += bytes.toString()
    })
    const register = phone
      .makeRequest('REGISTER', { headers: 'X-Flags: nat sip remove\r\n' })
      .replace('SIP/2.0/UDP', 'SIP/2.0/TCP')
    stream.write(register)
    await until(() => text.includes('SIP/2.0 200'))
    await proxy.clock.advance(10_000)
    await until(() => text.includes('OPTIONS '))
    stream.destroy()
    await until(() => proxy.stat('tcp_connections') === 0)
    await proxy.clock.advance(20_000)
    expect([proxy.stat('contacts_removed'), proxy.stat('tcp_connections')]).toEqual([1, 0])
  })

  it.each([
    ['sipping_bflag without sipping_from', 'modparam("nathelper", "sipping_bflag", "X")', 'needs sipping_from'],
    ['no usrloc', '', 'needs the module usrloc'],
  ])('%s stops the start', async (what, params, reason) => {
    const usrloc = what === 'no usrloc' ? '' : 'loadmodule "usrloc.so"'
    const script = `loadmodule "sl.so"\n${usrloc}\nloadmodule "nathelper.so"\n${EVERY_10}\n${params}\nroute { exit; }`
    await expect(startProxy(script)).rejects.toThrow(reason)
  })
})
