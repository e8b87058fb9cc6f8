import { describe, expect, it } from 'vitest'
import { Diagnostics } from '../../src/script/diagnostic.ts'
import { loadScript } from '../../src/script/parse.ts'
import { memoryReader } from '../../src/script/preprocess.ts'
import { defaultSettings, readSettings } from '../../src/script/settings.ts'

function read(text: string) {
  const diagnostics = new Diagnostics()
  const script = loadScript('t.cfg', memoryReader({ 't.cfg': text }))
  const settings = readSettings(script.settings, diagnostics)
  const all = [...script.diagnostics, ...diagnostics.list]
  return {
    settings,
    script,
    diagnostics: all.map(found => `${found.severity} ${found.message}`),
    hints: all.map(found => found.hint),
  }
}

describe('settings', () => {
  it('have the defaults of the reference', () => {
    const { settings } = read('')
    expect(settings).toEqual(defaultSettings())
    expect(settings).toMatchObject({
      log_level: 2,
      xlog_level: 2,
      era: '4.0',
      max_while_loops: 10000,
      max_event_statements: 100_000,
      tcp_connect_timeout: 100,
      udp_workers: 8,
    })
  })

  it.each<[string, object, string[]]>([
    ['log_level=3 xlog_level=-1', { log_level: 3, xlog_level: -1 }, []],
    ['debug=9', { log_level: 4 }, ['warning "debug" is the former name of "log_level", which goes up to 4']],
    ['debug_mode=yes', { log_level: 4, stderror_enabled: 1 }, []],
    [
      'log_stderror=no',
      { stderror_enabled: 0, syslog_enabled: 1 },
      ['notice "log_stderror" is the former name of "stderror_enabled"'],
    ],
    ['children=4', { udp_workers: 4 }, ['notice "children" is the former name of "udp_workers"']],
    [
      'xlog_default_level=-1',
      { xlog_print_level: -1 },
      ['notice "xlog_default_level" is the former name of "xlog_print_level"'],
    ],
    ['check_via=no dns=off rev_dns=off', { check_via: 0, dns: 0, rev_dns: 0 }, []],
    ['mhomed="1"', { mhomed: 1 }, []],
    ['tos=IPTOS_LOWDELAY', { tos: 16 }, []],
    ['tos=8', { tos: 8 }, []],
    ['era=2.4', { era: '2.4', xlog_print_level: -1 }, []],
    ['xlog_print_level=1 era=2.4', { xlog_print_level: 1 }, []],
    ['era="2.4"', { era: '2.4' }, []],
    ['era=2.2', { era: '2.4' }, []],
    ['era=4', { era: '4.0' }, []],
    ['era="3.6"', { era: '4.0' }, []],
    ['mi_require_auth=yes', { mi_require_auth: 1 }, []],
    ['server_header="Server: x"', { server_header: 'Server: x' }, []],
    ['advertised_address=1.2.3.4 advertised_port=5070', { advertised_address: '1.2.3.4', advertised_port: 5070 }, []],
    ['poll_method=epoll open_files_limit=4096 workdir="/tmp"', {}, []],
    ['log_level=3\nlog_level=1', { log_level: 1 }, []],
  ])('%s', (text, expected, diagnostics) => {
    const found = read(text)
    expect(found.diagnostics).toEqual(diagnostics)
    expect(found.settings).toMatchObject(expected)
  })

  it('suggest a name for an unknown one', () => {
    const { diagnostics, hints } = read('tcp_conect_timeout=5')
    expect(diagnostics).toEqual(['error unknown setting "tcp_conect_timeout"'])
    expect(hints).toEqual(['did you mean "tcp_connect_timeout"?'])
  })
})

describe('sockets', () => {
  const none = { advertised: null, tag: null, workers: null, tos: null }
  it.each<[string, object]>([
    ['socket=udp:127.0.0.1:5060', { proto: 'udp', host: '127.0.0.1', ports: [5060], ...none }],
    ['listen=tcp:eth0', { proto: 'tcp', host: 'eth0', ports: [5060] }],
    ['socket=tls:*', { proto: 'tls', host: '*', ports: [5061] }],
    ['socket=ws:proxy-1.example.org:8080', { proto: 'ws', host: 'proxy-1.example.org', ports: [8080] }],
    ['socket=udp:[::1]:5060', { proto: 'udp', host: '::1', ports: [5060] }],
    ['socket=bin:127.0.0.1', { proto: 'bin', ports: [5555] }],
    ['socket=udp:*:5060-5062,5070', { host: '*', ports: [5060, 5061, 5062, 5070] }],
    ['listen=127.0.0.1', { proto: 'udp', host: '127.0.0.1', ports: [5060] }],
    ['listen=localhost:5062', { proto: 'udp', host: 'localhost', ports: [5062] }],
    [
      'listen=udp:127.0.0.1:5060 as 1.2.3.4:5080 use_children 4 anycast',
      { advertised: { host: '1.2.3.4', port: 5080 }, workers: 4, flags: new Set(['anycast']) },
    ],
    [
      'socket=udp:127.0.0.1:5060 as out.example.org tag main tos 8 reuse_port\ntos=16',
      { advertised: { host: 'out.example.org', port: null }, tag: 'main', tos: 8, flags: new Set(['reuse_port']) },
    ],
  ])('%s', (text, expected) => {
    const { script, diagnostics } = read(text)
    expect(diagnostics).toEqual([])
    expect(script.sockets[0]).toMatchObject(expected)
  })

  it('reads bonds, aliases and blacklists', () => {
    const { script, diagnostics } = read(`
      socket=bond: B { "udp:1.1.1.1:5060", "udp:1.1.1.2:5060" }
      alias=example.org udp:sip.example.org:5060 any:x.example.org accept_subdomain
      alias="y.example.org"
      dst_blacklist = gw/expire,readonly : { ( tcp , 192.168.2.200 , 5060 , "x" ) , !( any , 10.0.0.0/8 ) , 1.2.3.4 }
      dst_blacklist = empty`)
    expect(diagnostics).toEqual([])
    expect(script.bonds).toMatchObject([{ name: 'B', sockets: ['udp:1.1.1.1:5060', 'udp:1.1.1.2:5060'] }])
    expect(script.aliases).toMatchObject([
      { proto: null, host: 'example.org', port: null },
      { proto: 'udp', host: 'sip.example.org', port: 5060 },
      { proto: null, host: 'x.example.org', acceptSubdomain: true },
      { proto: null, host: 'y.example.org' },
    ])
    expect(script.blacklists).toMatchObject([
      {
        name: 'gw',
        flags: ['expire', 'readonly'],
        rules: [
          { negated: false, proto: 'tcp', network: '192.168.2.200', port: 5060, pattern: 'x' },
          { negated: true, proto: null, network: '10.0.0.0/8', port: 0, pattern: '' },
          { negated: false, proto: null, network: '1.2.3.4', port: 0, pattern: '' },
        ],
      },
      { name: 'empty', rules: [] },
    ])
  })
})
