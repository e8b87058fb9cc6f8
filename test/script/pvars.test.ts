import { describe, expect, it } from 'vitest'
import { target } from '../../src/script/context.ts'
import { compileText, contextOf, FakeEnvironment, INVITE, REPLY, readValue, socket } from './harness.ts'

describe('variables of a request', () => {
  it.each<[string, unknown]>([
    ['$ru', 'sip:bob@example.org:5070;transport=tcp'],
    ['$ruri', 'sip:bob@example.org:5070;transport=tcp'],
    ['$rU', 'bob'],
    ['$rd', 'example.org'],
    ['$ruri.domain', 'example.org'],
    ['$rp', 5070],
    ['$rP', 'tcp'],
    ['$ru_q', -1],
    ['$ou', 'sip:bob@example.org:5070;transport=tcp'],
    ['$oU', 'bob'],
    ['$du', null],
    ['$dd', null],
    ['$fu', 'sip:alice@127.0.0.1'],
    ['$from', 'sip:alice@127.0.0.1'],
    ['$fU', 'alice'],
    ['$fd', '127.0.0.1'],
    ['$fn', '"Alice"'],
    ['$ft', 'ft1'],
    ['$tu', 'sip:bob@example.org'],
    ['$tU', 'bob'],
    ['$tt', null],
    ['$ci', 'call-1'],
    ['$cs', '7'],
    ['$cl', 5],
    ['$cT', 'text/plain'],
    ['$ct', '<sip:alice@127.0.0.1:5071>;q=0.5;expires=60'],
    ['$(ct[1])', '<sip:alice@10.0.0.1>'],
    ['$(ct[*])', '<sip:alice@127.0.0.1:5071>;q=0.5;expires=60, <sip:alice@10.0.0.1>'],
    ['$ct.fields(uri)', 'sip:alice@127.0.0.1:5071'],
    ['$ct.fields(expires)', '60'],
    ['$(ct.fields(uri)[1])', 'sip:alice@10.0.0.1'],
    ['$rb', 'hello'],
    ['$rb(text/plain)', 'hello'],
    ['$rb(application/sdp)', null],
    ['$rm', 'INVITE'],
    ['$rs', null],
    ['$rr', null],
    ['$si', '127.0.0.9'],
    ['$src_ip', '127.0.0.9'],
    ['$sp', 5099],
    ['$pr', 'udp'],
    ['$proto', 'udp'],
    ['$Ri', '127.0.0.1'],
    ['$Rp', 5060],
    ['$af', 'INET'],
    ['$socket_in', 'udp:127.0.0.1:5060'],
    ['$socket_in(port)', 5060],
    ['$socket_in(advertised_ip)', 'proxy.example.org'],
    ['$socket_in(tag)', 'main'],
    ['$socket_out', null],
    ['$fs', null],
    ['$ua', 'Test/1.0'],
    ['$hdr(Subject)', 'first'],
    ['$hdr(s)', 'first'],
    ['$(hdr(Subject)[0])', 'first'],
    ['$(hdr(Subject)[1])', 'second'],
    ['$(hdr(Subject)[-1])', 'second'],
    ['$(hdr(Subject)[5])', null],
    ['$(hdr(Subject)[*])', 'first, second'],
    ['$hdr(Nope)', null],
    ['$hdrcnt(Via)', 2],
    ['$hdrcnt(Nope)', 0],
    ['$hdr_name', 'Via'],
    ['$(hdr_name[2])', 'From'],
    ['$au', 'alice'],
    ['$aU', 'alice@example.org'],
    ['$ad', 'example.org'],
    ['$Au', 'alice@example.org'],
    ['$ar', 'example.org'],
    ['$adu', 'sip:bob@example.org'],
    ['$an', 'n1'],
    ['$auth.qop', 'auth'],
    ['$auth.nc', '00000001'],
    ['$auth.opaque', null],
    ['$branch', null],
    ['$path', null],
    ['$ds', 'Contact: sip:bob@example.org:5070;transport=tcp'],
    ['$msg.is_request', 1],
    ['$msg.type', 'request'],
    ['$Ts', Date.UTC(2026, 0, 1) / 1000],
    ['$TS', Date.UTC(2026, 0, 1) / 1000],
    ['$pp', process.pid],
    ['$rc', 1],
    ['$(ru{uri.param,transport})', 'tcp'],
    ['$C(rx)', ''],
    ['$err.rcode', null],
  ])('%s is %j', (text, expected) => {
    expect(readValue(text)).toBe(expected)
  })

  it('give the length and the text of the message', () => {
    const m = contextOf()
    expect(readValue('$ml', m)).toBe(m.message.bytes.length)
    expect(readValue('$mb', m)).toBe(m.message.bytes.toString())
    expect(readValue('$mi', m)).toBe(readValue('$mi', m))
    expect(readValue('$mi', contextOf())).not.toBe(readValue('$mi', m))
  })

  it('read a long hostile header of credentials in one pass', () => {
    const header = (text: string) =>
      contextOf(INVITE.replace(/^(Proxy-)?Authorization: .*$/m, () => `Proxy-Authorization: Digest ${text}`))
    expect(readValue('$au', header('a'.repeat(60_000)))).toBeNull()
    expect(readValue('$ar', header(`realm="a \\"b\\"", ${'a="\\'.repeat(15_000)}`))).toBe('a "b"')
  })

  it('tell the time', () => {
    const environment = new FakeEnvironment()
    const year = new Date(environment.clock.nowMs()).getFullYear()
    expect(readValue('$time(%Y/%%)', contextOf(), environment)).toBe(`${year}/%`)
    expect(readValue('$Tf', contextOf(), environment)).toMatch(/^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/)
  })

  it('know the ports a URI stands for', () => {
    const m = contextOf()
    m.target.uri = 'sips:x@h'
    expect([readValue('$rp', m), readValue('$rP', m)]).toEqual([5061, 'tls'])
    m.target.uri = 'sip:h'
    expect([readValue('$rp', m), readValue('$rP', m), readValue('$rU', m)]).toEqual([5060, 'udp', null])
  })
})

describe('variables of a reply', () => {
  it.each<[string, unknown]>([
    ['$rs', 486],
    ['$rr', 'Busy Here'],
    ['$rm', 'INVITE'],
    ['$ru', null],
    ['$rU', null],
    ['$tt', 'tt1'],
    ['$msg.type', 'reply'],
    ['$(<request>rm)', null],
  ])('%s is %j', (text, expected) => {
    expect(readValue(text, contextOf(REPLY, 'onreply'))).toBe(expected)
  })
})

describe('assigning', () => {
  const assign = (name: string, value: string | number | null, m = contextOf()): [boolean, unknown] => {
    const { access } = compileText('route { exit; }')
    const variable = access.variable(name)
    return [variable.set(m, value), variable.get(m)]
  }

  it.each<[string, string | number | null, boolean, unknown]>([
    ['$ru', 'sip:x@y', true, 'sip:x@y'],
    ['$ru', null, false, 'sip:bob@example.org:5070;transport=tcp'],
    ['$rU', 'carol', true, 'carol'],
    ['$rU', null, true, null],
    ['$rd', 'h.example', true, 'h.example'],
    ['$rp', 5090, true, 5090],
    ['$rp', null, true, 5060],
    ['$rp', 'x', false, 5070],
    ['$ru_q', 500, true, 500],
    ['$ru_q', 1001, false, -1],
    ['$du', 'sip:h:1', true, 'sip:h:1'],
    ['$du', null, true, null],
    ['$socket_out', 'udp:127.0.0.1:5060', true, 'udp:127.0.0.1:5060'],
    ['$fs', 'udp:1.1.1.1:5060', false, null],
    ['$fs', null, true, null],
    ['$msg.flag(x)', 1, true, 1],
    ['$branch', 'sip:b@h', true, 'sip:b@h'],
    ['$msg.branch.uri', 'sip:c@h', true, 'sip:c@h'],
    ['$msg.branch.flag(NAT)', 1, true, 1],
    ['$xlog_level', 'x', false, 2],
  ])('%s = %j gives %j and then reads %j', (name, value, done, after) => {
    expect(assign(name, value)).toEqual([done, after])
  })

  it('keeps the rest of the Request-URI', () => {
    const m = contextOf()
    assign('$rU', 'carol', m)
    expect(m.target.uri).toBe('sip:carol@example.org:5070;transport=tcp')
    assign('$rd', 'h', m)
    expect(m.target.uri).toBe('sip:carol@h:5070;transport=tcp')
  })

  it('changes a branch by its index', () => {
    const m = contextOf()
    m.branches.push(target('sip:1@h'), target('sip:2@h'))
    assign('$(branch(duri)[1])', 'sip:next', m)
    assign('$(branch(q)[0])', 700, m)
    assign('$(msg.branch.path[2])', '<sip:p;lr>', m)
    expect(m.branches).toMatchObject([{ q: 700 }, { dstUri: 'sip:next', path: '<sip:p;lr>' }])
    expect(readValue('$(branch(uri)[*])', m)).toBe('sip:1@h, sip:2@h')
    expect(readValue('$ds', m)).toBe('Contact: sip:bob@example.org:5070;transport=tcp, <sip:1@h>;q=0.7, sip:2@h')
  })

  it('takes no more branches than there may be', () => {
    const m = contextOf()
    for (let i = 0; i < 12; i++) m.branches.push(target(`sip:${i}@h`))
    expect(assign('$branch', 'sip:x@h', m)[0]).toBe(false)
    expect(m.branches.length).toBe(12)
  })
})

it('reads the parts of a multipart body', () => {
  const body = [
    '--b',
    'Content-Type: application/sdp',
    '',
    'v=0',
    '--b',
    'Content-Type: text/plain;x=1',
    '',
    'hi',
    '--b--',
    '',
  ].join('\n')
  const m = contextOf(
    `MESSAGE sip:a@b SIP/2.0\nCall-ID: 1\nContent-Type: multipart/mixed;boundary=b\nContent-Length: ${body.length + 9}\n\n${body}`,
  )
  expect(readValue('$rb(application/sdp)', m)).toBe('v=0')
  expect(readValue('$(rb[1])', m)).toBe('hi')
  expect(readValue('$(cT[2])', m)).toBe('text/plain;x=1')
})

it('gives module variables precedence and their inner text', () => {
  const environment = new FakeEnvironment()
  environment.pvars.set('mine', {
    spec: { type: 'str', writable: false, doc: '', inner: 'required', aliases: ['ours'] },
    open: (site: { inner?: { read(m: unknown): string } }) => ({ get: (m: unknown) => `<${site.inner?.read(m)}>` }),
  } as never)
  expect(readValue('$mine(a-$rU)', contextOf(), environment)).toBe('<a-bob>')
  expect(readValue('$ours(x)', contextOf(), environment)).toBe('<x>')
  expect(socket.tag).toBe('main')
})
