import { describe, expect, it, onTestFinished } from 'vitest'
import type { DnsClient } from '../../../src/sip/net/dns-client.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { firstLine, headerOf, headersOf, SipUa } from '../../support/sip-ua.ts'

const MODULES = ['sl', 'tm', 'signaling', 'sipmsgops'].map(name => `loadmodule "${name}.so"\n`).join('')
type Options = Parameters<typeof startProxy>[1]

async function proxyWith(script: string, options: Options = {}): Promise<ProxyUnderTest> {
  const proxy = await startProxy(`${MODULES}${script}`, options)
  onTestFinished(() => proxy.stop())
  return proxy
}

/** Sends an OPTIONS and gives the reply with this status. */
async function answer(proxy: ProxyUnderTest, status = 200, headers = '') {
  const alice = await SipUa.open('alice')
  alice.request('OPTIONS', proxy.port, { headers })
  return await alice.nextReply(status)
}
const REPLY = 'route { send_reply(200, "OK"); }'

describe('the log', () => {
  it('xlog() prints up to xlog_level, by itself at xlog_print_level', async () => {
    const proxy = await proxyWith(
      'xlog_level = 3\nxlog_print_level = 3\nroute { xlog("plain"); xlog("L_DBG", "deep"); xlog("L_ERR", "bad"); send_reply(200, "OK"); }',
    )
    await answer(proxy)
    const printed = proxy.log.map(line => line.replace(/^.*\] /s, '')).filter(line => /plain|deep|bad/.test(line))
    expect(printed).toEqual(['INFO:plain\n', 'ERROR:bad\n'])
  })

  it('log_prefix stands before the level, log_level decides what is written', async () => {
    const quiet = await proxyWith('log_level = 1\nroute {}')
    expect(quiet.log.join('')).not.toContain('ready')
    const prefixed = await proxyWith('log_prefix = "edge"\nroute {}')
    expect(prefixed.log.join('')).toMatch(/\] edge:NOTICE:core: ready/)
  })

  it('stderror_log_format = "json" writes one object a line', async () => {
    const proxy = await proxyWith('stderror_log_format = "json"\nroute {}')
    const ready = proxy.log.map(line => JSON.parse(line)).find(({ message }) => message === 'ready')
    expect(ready).toMatchObject({ level: 'NOTICE', module: 'core' })
  })

  it('stderror_enabled = 0 silences it, unless syslog is asked for, which there is not', async () => {
    const silent = await proxyWith('stderror_enabled = 0\nroute {}')
    expect(silent.log).toEqual([])
    const syslog = await proxyWith('stderror_enabled = 0\nsyslog_enabled = 1\nroute {}')
    expect(syslog.log.filter(line => line.includes('there is no syslog')).length).toBe(1)
  })

  it('stderror_level_filter holds back lines that log_level would let through', async () => {
    const proxy = await proxyWith(
      'log_level = 3\nstderror_level_filter = -1\nroute { xlog("L_NOTICE", "n"); xlog("L_ERR", "e"); send_reply(200, "OK"); }',
    )
    await answer(proxy)
    expect(proxy.log.map(line => line.replace(/^.*\] /s, ''))).toEqual(['ERROR:e\n'])
  })

  it('what the route for E_CORE_LOG logs itself does not run it again', async () => {
    const proxy = await proxyWith(
      'log_event_enabled = 1\nroute { xlog("L_ERR", "said"); send_reply(200, "OK"); }\n' +
        'event_route[E_CORE_LOG] { if ($param(message) == "said") { xlog("L_ERR", "heard"); } if ($param(message) == "heard") { xlog("L_ERR", "echo"); } }',
    )
    await answer(proxy)
    await expect.poll(() => proxy.log.join('')).toContain('heard')
    await answer(proxy)
    await expect.poll(() => proxy.log.filter(line => line.includes('heard')).length).toBe(2)
    expect(proxy.log.join('')).not.toContain('echo')
  })

  it('log_event_enabled raises E_CORE_LOG for each line, with its prefix and without a loop', async () => {
    const proxy = await proxyWith(
      'log_event_enabled = 1\nlog_prefix = "edge"\nroute { xlog("L_ERR", "said"); send_reply(200, "OK"); }\n' +
        'event_route[E_CORE_LOG] { if ($param(message) == "said") { xlog("L_ERR", "heard $param(level) $param(prefix)"); $avp(x) = 1; } }',
    )
    await answer(proxy)
    await expect.poll(() => proxy.log.join('')).toContain('heard ERROR edge')
    expect(proxy.log.join('').match(/heard/g)?.length).toBe(1)
  })
})

describe('what messages carry', () => {
  it('replies carry server_header unless server_signature is off', async () => {
    expect(headerOf(await answer(await proxyWith(REPLY)), 'Server')).toMatch(/^fanfare \d/)
    const named = await proxyWith(`server_header = "Server: mine\\r\\n"\n${REPLY}`)
    expect(headersOf(await answer(named), 'Server')).toEqual(['mine'])
    expect(headersOf(await answer(await proxyWith(`server_signature = 0\n${REPLY}`)), 'Server')).toEqual([])
  })

  it.each([
    ['', /^fanfare \d/],
    ['user_agent_header = "User-Agent: mine"', /^mine$/],
    ['server_signature = no', /^$/],
  ])('requests made here carry user_agent_header: %s', async (setting, expected) => {
    const proxy = await proxyWith(`${setting}\nroute {}`)
    const bob = await SipUa.open('bob')
    const done = proxy.proxy.host.mi.call('t_uac_dlg', {
      method: 'OPTIONS',
      ruri: bob.uri,
      headers: 'From: <sip:a@b>\r\nTo: <sip:c@d>\r\n',
    })
    const request = await bob.nextRequest('OPTIONS')
    bob.reply(request, 200, 'OK')
    await done
    expect(headerOf(request, 'User-Agent')).toMatch(expected)
  })

  it('sip_warning adds Warning 392 to replies made here', async () => {
    expect(headerOf(await answer(await proxyWith(`sip_warning = 1\n${REPLY}`)), 'Warning')).toMatch(/^392 127.0.0.1:/)
  })

  it('advertised_address and advertised_port are shown in Via', async () => {
    const proxy = await proxyWith(
      'advertised_address = "public.example.net"\nadvertised_port = 5099\nroute { forward(); }',
    )
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    expect(headersOf(await bob.nextRequest('OPTIONS'), 'Via')[0]).toContain('public.example.net:5099')
  })

  it.each([
    ['', 500],
    ['disable_503_translation = 1', 503],
  ])('a relayed 503 becomes 500 unless that is disabled: %s', async (setting, status) => {
    const proxy = await proxyWith(`${setting}\nroute { t_relay(); }`)
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    bob.reply(await bob.nextRequest('OPTIONS'), 503, 'Busy')
    await alice.nextReply(status)
  })

  it('check_via drops a reply whose first Via is not ours', async () => {
    const proxy = await proxyWith('check_via = 1\nroute { forward(); }')
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    const request = await bob.nextRequest('OPTIONS')
    bob.send(bob.makeReply(request, 486, 'Foreign').replace(`127.0.0.1:${proxy.port};`, '192.0.2.1:5060;'), proxy.port)
    bob.reply(request, 200, 'OK')
    await alice.nextReply(200)
    expect(alice.count({ status: 486 })).toBe(0)
  })
})

describe('names', () => {
  it('auto_aliases takes the name a socket is written with for ours', async () => {
    const script = (setting: string) =>
      `${setting}\nsocket = udp:localhost:@PORT@\nroute { is_myself("LocalHost"); append_to_reply("X-Out: $rc"); send_reply(200, "OK"); }`
    const proxy = await proxyWith(script('auto_aliases = 1'), { ownSockets: true })
    expect(headerOf(await answer(proxy), 'X-Out')).toBe('1')
  })

  it('a socket with accept_subdomain answers to names below the one it shows', async () => {
    const proxy = await proxyWith(
      'socket = udp:127.0.0.1:@PORT@ as wide.net:5060 accept_subdomain\n' +
        'route { is_myself("a.wide.net", 5060); append_to_reply("X-Out: $rc"); send_reply(200, "OK"); }',
      { ownSockets: true },
    )
    expect(headerOf(await answer(proxy), 'X-Out')).toBe('1')
  })

  const twoAddresses: DnsClient = {
    addresses: async host =>
      host === 'two.test' ? ['127.0.0.1', '127.0.0.2'].map(address => ({ address, ttlS: 60 })) : [],
    srv: async () => [],
    naptr: async () => [],
  }

  it.each([
    ['', 2],
    ['disable_dns_failover = 1', 1],
  ])('a name leads to all its addresses, or to the first alone: %s', async (setting, count) => {
    const proxy = await proxyWith(`${setting}\nroute {}`, { dns: twoAddresses })
    expect((await proxy.proxy.host.proxy.resolve('sip:two.test:5070;transport=udp')).length).toBe(count)
  })
})

describe('connections', () => {
  it('tcp_no_new_conn_bflag forbids opening a connection for a branch with the flag', async () => {
    const proxy = await proxyWith(
      'tcp_no_new_conn_bflag = NONEW\nroute { if ($hdr(X-Flag)) { setbflag("NONEW"); } t_relay("no-auto-477"); if ($rc < 0) { t_reply(480, "code $rc"); } }',
    )
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob', 'tcp')]
    alice.request('OPTIONS', proxy.port, { uri: bob.uri, headers: 'X-Flag: 1\r\n' })
    expect(firstLine(await alice.nextReply(480))).toBe('SIP/2.0 480 code -6')
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    await bob.nextRequest('OPTIONS')
    alice.request('OPTIONS', proxy.port, { uri: bob.uri, headers: 'X-Flag: 1\r\nX-Again: 1\r\n' })
    expect(headerOf(await bob.nextRequest('OPTIONS'), 'X-Again')).toBe('1')
  })
})

describe('options of connections', () => {
  it('keepalive and type of service are set on connections, which work as before', async () => {
    const proxy = await proxyWith(
      'tcp_keepidle = 30\ntcp_keepinterval = 5\ntcp_keepcount = 3\ntos = IPTOS_LOWDELAY\nroute { forward(); }',
    )
    const [alice, bob] = [await SipUa.open('alice', 'tcp'), await SipUa.open('bob', 'tcp')]
    alice.request('OPTIONS', proxy.port, { uri: bob.uri })
    bob.reply(await bob.nextRequest('OPTIONS'), 200, 'OK')
    await alice.nextReply(200)
  })
})

describe('limits and thresholds', () => {
  it('while stops after max_while_loops rounds', async () => {
    const proxy = await proxyWith(
      'max_while_loops = 5\nroute { $var(i) = 0; while (1) { $var(i) = $var(i) + 1; } append_to_reply("X-Out: $var(i)"); send_reply(200, "OK"); }',
    )
    expect(headerOf(await answer(proxy), 'X-Out')).toBe('5')
  })

  it('exec_msg_threshold raises E_CORE_THRESHOLD for a message that took longer, and counts it', async () => {
    const clock = new VirtualClock()
    const proxy = await proxyWith(
      'exec_msg_threshold = 1000\nroute { if ($hdr(X-Slow)) { forward("slow.test"); } send_reply(200, "OK"); }\n' +
        'event_route[E_CORE_THRESHOLD] { xlog("L_ERR", "slow: $param(source) $param(time)"); }',
      {
        clock,
        dns: {
          addresses: async () => {
            await clock.advance(2)
            return []
          },
          srv: async () => [],
          naptr: async () => [],
        },
      },
    )
    await answer(proxy)
    await answer(proxy, 200, 'X-Slow: 1\r\n')
    await expect.poll(() => proxy.log.join('')).toContain('slow: msg processing 2000')
    expect(await proxy.proxy.host.mi.call('get_statistics', [['core:slow_messages']])).toEqual({
      'core:slow_messages': 1,
    })
  })

  it('exec_dns_threshold raises E_CORE_THRESHOLD for a lookup that took longer', async () => {
    const clock = new VirtualClock()
    const proxy = await proxyWith(
      'exec_dns_threshold = 1000\nroute { forward("$hdr(X-Name):5060"); send_reply(200, "OK"); }\n' +
        'event_route[E_CORE_THRESHOLD] { xlog("L_ERR", "slow: $param(source) $param(time) $param(extra)"); }',
      {
        clock,
        dns: {
          addresses: async host => {
            await clock.advance(host === 'slow.test' ? 3 : 0.5)
            return []
          },
          srv: async () => [],
          naptr: async () => [],
        },
      },
    )
    await answer(proxy, 200, 'X-Name: fast.test\r\n')
    await answer(proxy, 200, 'X-Name: slow.test\r\n')
    await expect.poll(() => proxy.log.join('')).toContain('slow: dns 3000 slow.test')
    expect(proxy.log.join('')).not.toContain('fast.test')
  })

  it('enable_asserts runs the error route with 500 where an assertion fails', async () => {
    const route =
      'route { assert($rm == "INVITE", "only calls"); send_reply(200, "OK"); }\nerror_route { send_reply($err.rcode, "$err.info"); }'
    await answer(await proxyWith(route))
    const strict = await proxyWith(`enable_asserts = 1\n${route}`)
    expect(firstLine(await answer(strict, 500))).toBe('SIP/2.0 500 only calls')
    expect(strict.log.join('')).toMatch(/CRITICAL:ASSERTION FAILED \(only calls\) at .*:\d+/)
  })
})
