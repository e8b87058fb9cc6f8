import { describe, expect, it } from 'vitest'
import nathelper from '../../../src/modules/nathelper/index.ts'
import { SipMessage } from '../../../src/sip/codec/message.ts'
import { headerOf, moduleRig, type RigOptions, TestVariable } from '../usrloc/module-rig.ts'

interface Facts {
  readonly via?: string
  readonly contact?: string
  readonly sdp?: readonly string[]
  readonly type?: string
}

/** The module, and an INVITE that came from 127.0.0.1:5071. */
function rig(options: RigOptions = {}) {
  const made = moduleRig([nathelper], options)
  made.start()
  const invite = ({ via = '127.0.0.1:5071', contact, sdp = [], type = 'application/sdp' }: Facts = {}) => {
    const body = sdp.map(line => `${line}\r\n`).join('')
    return made.context(
      `INVITE sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/UDP ${via};branch=z9hG4bKi\r\n` +
        'From: <sip:alice@127.0.0.1>;tag=a\r\nTo: <sip:bob@example.org>\r\nCall-ID: i1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n' +
        `${contact === undefined ? '' : `Contact: ${contact}\r\n`}` +
        `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  }
  const test = (facts: Facts, flags: string) => made.call(invite(facts), 'nat_uac_test', flags) === 1
  return { ...made, invite, test }
}

const SDP = (address: string, origin = address) => [
  'v=0',
  `o=- 1 1 IN IP4 ${origin}`,
  's=-',
  `c=IN IP4 ${address}`,
  't=0 0',
  'm=audio 4000 RTP/AVP 0',
]

describe('nat_uac_test', () => {
  it.each<[string, string, Facts, Facts]>([
    ['private-contact', '1', { contact: '<sip:a@10.1.1.1>' }, { contact: '<sip:a@11.1.1.1>' }],
    ['private-contact', '1', { contact: '<sip:a@172.31.0.1>' }, { contact: '<sip:a@172.32.0.1>' }],
    ['private-contact', '1', { contact: '<sip:a@100.64.0.1>' }, { contact: '*' }],
    ['diff-ip-src-via', '2', { via: '192.0.2.1:5071' }, {}],
    ['private-via', '4', { via: '192.168.0.1' }, { via: '192.169.0.1' }],
    ['private-sdp', '8', { sdp: SDP('192.168.0.1') }, { sdp: SDP('192.0.2.1', '10.0.0.1') }],
    ['diff-port-src-via', '16', { via: '127.0.0.1' }, { via: '127.0.0.1:5071' }],
    ['diff-ip-src-contact', '32', { contact: '<sip:a@phone.example>' }, { contact: '<sip:a@127.0.0.1>' }],
    ['diff-port-src-contact', '64', { contact: '<sip:a@127.0.0.1>' }, { contact: '<sip:a@127.0.0.1:5071>' }],
    ['private-contact,carrier-grade-nat', '129', { contact: '<sip:a@192.0.0.5>' }, { contact: '<sip:a@192.0.0.9>' }],
  ])('%s (%s)', (names, number, positive, negative) => {
    const { test } = rig()
    expect([test(positive, names), test(positive, number)]).toEqual([true, true])
    expect([test(negative, names), test(negative, number)]).toEqual([false, false])
  })

  it('is positive when one of several tests is; a message without contact or body is nothing to them', () => {
    const { test } = rig()
    expect(test({ via: '192.0.2.1' }, 'private-contact, diff-ip-src-via')).toBe(true)
    expect(test({}, '127')).toBe(false)
  })

  it('a name that is none is an error at load', () => {
    expect(() => rig().build('nat_uac_test', 'private')).toThrow('expected a number, or names out of private-contact')
  })
})

describe('Contact', () => {
  const sent = (contact: string, ...calls: readonly (readonly [string, ...unknown[]])[]) => {
    const made = rig()
    const m = made.invite({ contact })
    const verdicts = calls.map(([name, ...args]) => made.call(m, name, ...args))
    const bytes = made.sent(m)
    expect(SipMessage.parse(Buffer.from(bytes))?.contacts).not.toBeNull()
    return [headerOf(bytes, 'Contact'), ...verdicts]
  }

  it.each([
    ['<sip:a@10.0.0.1>', '<sip:a@127.0.0.1:5071>'],
    [
      '"A <x>" <sip:a@10.0.0.1:99;transport=udp?h=v>;expires=5',
      '"A <x>" <sip:a@127.0.0.1:5071;transport=udp?h=v>;expires=5',
    ],
    ['sip:a@phone.example;expires=5', 'sip:a@127.0.0.1:5071;expires=5'],
    ['<sip:[2001:db8::1]:5060>', '<sip:127.0.0.1:5071>'],
    ['<sip:a@10.0.0.1>, <sip:b@10.0.0.2:7>;q=1', '<sip:a@127.0.0.1:5071>, <sip:b@127.0.0.1:5071>;q=1'],
  ])('fix_nated_contact makes %s to %s, once', (before, after) => {
    expect(sent(before, ['fix_nated_contact'], ['fix_nated_contact'])).toEqual([after, 1, 1])
  })

  it('fix_nated_contact adds parameters to the URI, add_rcv_param the source behind it or to it', () => {
    expect(sent('<sip:a@10.0.0.1;x?h=v>', ['fix_nated_contact', ';nat=yes'], ['add_rcv_param'])).toEqual([
      '<sip:a@127.0.0.1:5071;x;nat=yes?h=v>;received="sip:127.0.0.1:5071"',
      1,
      1,
    ])
    expect(sent('<sip:a@10.0.0.1>', ['add_rcv_param', 1])[0]).toBe('<sip:a@10.0.0.1;received=sip:127.0.0.1:5071>')
    expect(sent('sip:a@10.0.0.1;expires=5', ['fix_nated_contact', 'nat=yes'])[0]).toBe(
      '<sip:a@127.0.0.1:5071;nat=yes>;expires=5',
    )
  })

  it('without an address in it is left alone', () => {
    expect(sent('*', ['fix_nated_contact'], ['add_rcv_param'])).toEqual(['*', -1, -1])
    expect(sent('<tel:+123>', ['fix_nated_contact'])).toEqual(['<tel:+123>', -1])
  })

  it('the source of a connection has its transport, escaped where it stands in a URI', () => {
    const made = moduleRig([nathelper], { sockets: ['tcp:127.0.0.1:5060'] })
    made.start()
    const m = made.context(
      'REGISTER sip:x SIP/2.0\nVia: SIP/2.0/TCP h;branch=z9hG4bKi\nFrom: <sip:a@x>;tag=a\nTo: <sip:a@x>\nCall-ID: 1\n' +
        'CSeq: 1 REGISTER\nContact: <sip:a@10.0.0.1>\nContent-Length: 0\n\n',
    )
    expect(made.call(m, 'add_rcv_param', 1)).toBe(1)
    expect(headerOf(made.sent(m), 'Contact')).toBe('<sip:a@10.0.0.1;received=sip:127.0.0.1:5071%3btransport%3dtcp>')
  })
})

describe('fix_nated_register', () => {
  it('puts the source into received_avp; without the parameter it fails', () => {
    const variable = new TestVariable('$avp(r)')
    const made = rig({ variables: [variable], params: { nathelper: { received_avp: '$avp(r)' } } })
    expect([made.call(made.invite(), 'fix_nated_register'), variable.values]).toEqual([1, ['sip:127.0.0.1:5071']])
    expect(rig().call(rig().invite(), 'fix_nated_register')).toBe(-1)
  })
})

describe('fix_nated_sdp', () => {
  const fixed = (sdp: readonly string[], flags: string, args: readonly unknown[] = [], params = {}) => {
    const made = rig({ params: { nathelper: params } })
    const m = made.invite({ sdp })
    const verdict = made.call(m, 'fix_nated_sdp', flags, ...args)
    const bytes = made.sent(m)
    const body = bytes.slice(bytes.indexOf('\r\n\r\n') + 4)
    expect(headerOf(bytes, 'Content-Length')).toBe(String(body.length))
    return [verdict, ...body.trim().split('\r\n')]
  }

  it.each([['rewrite-media-ip'], ['2']])('%s writes the source into c=, and notes the old one', flags => {
    expect(fixed(SDP('10.0.0.1'), flags)).toEqual([
      1,
      'v=0',
      'o=- 1 1 IN IP4 10.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      'a=oldmediaip:10.0.0.1',
      'm=audio 4000 RTP/AVP 0',
    ])
  })

  it('rewrite-origin-ip and the media lines of each medium, an address of the script, without notes', () => {
    const sdp = [...SDP('10.0.0.1'), 'c=IN IP4 10.0.0.2/127', 'a=sendrecv']
    expect(fixed(sdp, 'rewrite-media-ip,rewrite-origin-ip', ['2001:db8::1'], { oldip_skip: 'oc' })).toEqual([
      1,
      'v=0',
      'o=- 1 1 IN IP6 2001:db8::1',
      's=-',
      'c=IN IP6 2001:db8::1',
      't=0 0',
      'm=audio 4000 RTP/AVP 0',
      'c=IN IP6 2001:db8::1/127',
      'a=sendrecv',
    ])
  })

  it('leaves a held address alone unless asked not to', () => {
    expect(fixed(SDP('0.0.0.0'), '2')).toContain('c=IN IP4 0.0.0.0')
    expect(fixed(SDP('0.0.0.0'), 'rewrite-media-ip,rewrite-null-ips')).toContain('c=IN IP4 127.0.0.1')
  })

  it('adds direction, the mark for other proxies once, and lines of the script', () => {
    const lines = fixed([...SDP('10.0.0.1'), 'a=nortpproxy:yes'], '5', ['', 'a=x:1\r\na=y:2'])
    expect(lines.filter(line => /^a=/.test(String(line)))).toEqual([
      'a=x:1',
      'a=y:2',
      'a=nortpproxy:yes',
      'a=direction:active',
    ])
    expect(fixed(SDP('10.0.0.1'), 'add-no-rtpproxy').at(-1)).toBe('a=nortpproxy:yes')
  })

  it('fails without a session description', () => {
    const made = rig()
    expect(made.call(made.invite({ sdp: ['hello'], type: 'text/plain' }), 'fix_nated_sdp', '2')).toBe(-1)
    expect(made.call(made.invite(), 'fix_nated_sdp', '2')).toBe(-1)
  })
})
