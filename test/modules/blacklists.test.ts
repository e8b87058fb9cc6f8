import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { type ProxyUnderTest, startProxy } from '../support/running-proxy.ts'
import { firstLine, SipUa } from '../support/sip-ua.ts'
import { scriptCases } from './core/script-cases.ts'

const MODULES = 'loadmodule "sl.so"\nloadmodule "tm.so"\nloadmodule "signaling.so"\nloadmodule "sipmsgops.so"\n'
const LISTS = `
dst_blacklist = open
dst_blacklist = gws : { (udp, 192.0.2.0/24, 5060, "OPTIONS*"), 198.51.100.7 }
dst_blacklist = temp / expire
dst_blacklist = fixed / readonly : { 203.0.113.0/24 }
dst_blacklist = others : { !(any, 127.0.0.0/8, 0) }
`

async function proxyWith(script: string, clock?: VirtualClock): Promise<ProxyUnderTest> {
  const proxy = await startProxy(`${MODULES}${script}`, clock === undefined ? {} : { clock })
  onTestFinished(() => proxy.stop())
  return proxy
}
const call = (proxy: ProxyUnderTest, method: string, ...params: unknown[]) => proxy.proxy.host.mi.call(method, params)

const checking = (args: string, expected: number) => ({
  title: `check_blacklist_rule(${args}) gives ${expected}`,
  script: `check_blacklist_rule(${args}); $var(rc) = $rc;`,
  shows: '$var(rc)',
  expected: String(expected),
})

describe('rules of a blacklist', () => {
  scriptCases(
    [
      checking('"gws", "192.0.2.9", 5060, "udp", "OPTIONS sip:x"', 1),
      checking('"gws", "192.0.2.9", 5060, "UDP", "INVITE sip:x"', -1),
      checking('"gws", "192.0.2.9", 5061, "udp", "OPTIONS sip:x"', -1),
      checking('"gws", "192.0.2.9", 5060, "tcp", "OPTIONS sip:x"', -1),
      checking('"gws", "198.51.100.7"', 1),
      checking('"gws", "198.51.100.8"', -1),
      checking('"others", "198.51.100.8"', 1),
      checking('"others", "127.0.0.8"', -1),
      checking('"fixed", "no address"', -1),
      {
        title: 'add_blacklist_rule() and del_blacklist_rule() change a list',
        script:
          'add_blacklist_rule("open", "(tcp, 10.0.0.0/8, 5060)"); $var(a) = $rc; ' +
          'check_blacklist_rule("open", "10.1.2.3", 5060, "tcp"); $var(b) = $rc; ' +
          'del_blacklist_rule("open", "(tcp, 10.0.0.0/8, 5060)"); $var(c) = $rc; ' +
          'check_blacklist_rule("open", "10.1.2.3", 5060, "tcp"); $var(d) = $rc;',
        shows: '$var(a) $var(b) $var(c) $var(d)',
        expected: '1 1 1 -1',
      },
      {
        title: 'a readonly list, a malformed rule, an expiry without the flag, and an unknown list give −1',
        script:
          'add_blacklist_rule("fixed", "10.0.0.1"); $var(a) = $rc; add_blacklist_rule("open", "nonsense"); $var(b) = $rc; ' +
          'add_blacklist_rule("open", "10.0.0.1", 60); $var(c) = $rc; $var(l) = "none"; use_blacklist($var(l)); $var(d) = $rc;',
        shows: '$var(a) $var(b) $var(c) $var(d)',
        expected: '-1 -1 -1 -1',
      },
    ],
    LISTS,
  )
})

describe('a blacklist that is in use', () => {
  it('makes t_relay() answer 473 when every destination is forbidden', async () => {
    const proxy = await proxyWith(`dst_blacklist = here : { 127.0.0.0/8 }
      route { use_blacklist("here"); t_relay(); }`)
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    expect(firstLine(await alice.nextReply(473))).toBe('SIP/2.0 473 Filtered destination (473/TM)')
    expect(bob.received).toEqual([])
  })

  it('makes t_relay() with no-auto-477 give −5', async () => {
    const proxy = await proxyWith(`dst_blacklist = here : { 127.0.0.0/8 }
      route { use_blacklist("here"); t_relay("no-auto-477"); t_reply(500, "code $rc"); }`)
    const alice = await SipUa.open('alice')
    alice.request('OPTIONS', proxy.port, { uri: 'sip:127.0.0.1:9' })
    expect(firstLine(await alice.nextReply(500))).toBe('SIP/2.0 500 code -5')
  })

  it('counts for messages that asked for it, unless it has the flag default', async () => {
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const proxy = await proxyWith(`
      dst_blacklist = asked : { 127.0.0.0/8 }
      dst_blacklist = usual / default : { (udp, 127.0.0.1, ${bob.port}, "*X-Bad*") }
      route { if ($hdr(X-Free)) { unuse_blacklist("usual"); } t_relay(); }`)
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    await bob.nextRequest('OPTIONS')
    alice.request('OPTIONS', proxy.port, { uri: bob.uri, headers: 'X-Bad: 1\r\n' })
    await alice.nextReply(473)
    alice.request('OPTIONS', proxy.port, { uri: bob.uri, headers: 'X-Bad: 1\r\nX-Free: 1\r\n' })
    await bob.nextRequest('OPTIONS')
  })
})

describe('blacklist commands', () => {
  it('list shows lists with their flags and rules', async () => {
    const proxy = await proxyWith(`${LISTS}route {}`)
    expect(await call(proxy, 'blacklists:list', 'gws')).toEqual({
      Lists: [
        {
          name: 'gws',
          flags: [],
          Rules: [
            { IP: '192.0.2.0/24', Proto: 'udp', Port: 5060, Match: 'OPTIONS*' },
            { IP: '198.51.100.7/32', Proto: 'any', Port: 0, Match: '' },
          ],
        },
      ],
    })
    const { Lists } = (await call(proxy, 'list_blacklists')) as { Lists: { name: string }[] }
    expect(Lists.map(({ name }) => name)).toEqual(['open', 'gws', 'temp', 'fixed', 'others'])
  })

  it('a rule that expires is gone after its time', async () => {
    const clock = new VirtualClock()
    const proxy = await proxyWith(`${LISTS}route {}`, clock)
    expect(await call(proxy, 'blacklists:add_rule', 'temp', '10.0.0.1', 60)).toBe('OK')
    expect(await call(proxy, 'blacklists:check', 'temp', '10.0.0.1')).toBe('OK')
    await clock.advance(30_000)
    expect(await call(proxy, 'blacklists:list', 'temp')).toMatchObject({ Lists: [{ Rules: [{ Expires: 30 }] }] })
    await clock.advance(30_000)
    await expect(call(proxy, 'check_blacklist', 'temp', '10.0.0.1')).rejects.toMatchObject({ code: 404 })
  })

  it('check_all names the lists that have the destination', async () => {
    const proxy = await proxyWith(`${LISTS}route {}`)
    expect(await call(proxy, 'check_blacklists', '198.51.100.7')).toEqual({ Lists: ['gws', 'others'] })
  })

  it('del_rule refuses what is not there, and readonly lists are not changed', async () => {
    const proxy = await proxyWith(`${LISTS}route {}`)
    await expect(call(proxy, 'del_blacklist_rule', 'open', '10.0.0.1')).rejects.toMatchObject({ code: 400 })
    await expect(call(proxy, 'add_blacklist_rule', 'fixed', '10.0.0.1')).rejects.toMatchObject({
      data: 'blacklist fixed is readonly',
    })
    await expect(call(proxy, 'add_blacklist_rule', 'nowhere', '10.0.0.1')).rejects.toMatchObject({ code: 404 })
  })
})

describe('dst_blacklist at load', () => {
  it('refuses a second list of a name, an unknown flag, and a function that names no list', async () => {
    const started = startProxy(`
      dst_blacklist = a : { 10.0.0.1 }
      dst_blacklist = a
      dst_blacklist = b / sticky
      route { use_blacklist("c"); }`)
    const text = await started.then(
      () => '',
      (error: Error) => error.message,
    )
    expect(text).toContain('dst_blacklist a is defined twice')
    expect(text).toContain('dst_blacklist b: unknown flag "sticky", expected one of default, expire, readonly')
    expect(text).toContain('there is no dst_blacklist "c"')
  })
})

describe('disable_dns_blacklist = 0', () => {
  it('avoids a destination that answered 503 for four minutes', async () => {
    const clock = new VirtualClock()
    const proxy = await proxyWith('disable_dns_blacklist = 0\nroute { t_relay(); }', clock)
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    bob.reply(await bob.nextRequest('OPTIONS'), 503, 'Busy')
    await alice.nextReply(500)
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    await alice.nextReply(473)
    await clock.advance(240_000)
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    await bob.nextRequest('OPTIONS')
  })
})
