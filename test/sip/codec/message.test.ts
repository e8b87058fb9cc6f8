import { describe, expect, it } from 'vitest'
import { HeaderId } from '../../../src/sip/codec/header-id.ts'
import { SipMessage } from '../../../src/sip/codec/message.ts'

const CORE = [
  'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport',
  'From: "Alice" <sip:alice@example.com>;tag=a1',
  'To: <sip:bob@example.com>',
  'Call-ID: call-1',
  'CSeq: 7 INVITE',
]

function parse(text: string): SipMessage {
  const message = SipMessage.parse(Buffer.from(text))
  if (message === null) throw new Error('not taken for SIP')
  return message
}

const request = (...headers: string[]) =>
  parse(['INVITE sip:bob@example.com SIP/2.0', ...CORE, ...headers, '', ''].join('\r\n'))

describe('SipMessage.parse', () => {
  it.each([
    '',
    '\r\n\r\n',
    '\0\0\0\0',
    'hello',
    'GET / HTTP/1.1\r\n\r\n',
    'SIP/2.0\r\n\r\n',
    'INVITE sip:a@b\r\n\r\n',
    '<x> sip:a SIP/2.0\r\n\r\n',
    ' INVITE sip:a SIP/2.0\r\n\r\n',
  ])('%j is no SIP', text => {
    expect(SipMessage.parse(Buffer.from(text))).toBeNull()
  })

  it('reads a request line', () => {
    const message = request()
    expect([message.isRequest, message.method, message.requestUri]).toEqual([true, 'INVITE', 'sip:bob@example.com'])
    expect([message.status, message.reason, message.fault]).toEqual([0, '', null])
  })

  it('reads a status line, its method from CSeq', () => {
    const reply = parse(['SIP/2.0 486 Busy Здесь', ...CORE, '', ''].join('\r\n'))
    expect([reply.isRequest, reply.status, reply.reason]).toEqual([false, 486, 'Busy Здесь'])
    expect([reply.method, reply.requestUri, reply.fault]).toEqual(['INVITE', '', null])
  })

  it('passes over line ends before the start line', () => {
    const text = ['INVITE sip:b@c SIP/2.0', ...CORE, '', ''].join('\r\n')
    expect(parse(`\r\n\r\n${text}`).bytes.toString()).toBe(text)
  })

  it('reads lines that end in a bare LF', () => {
    const message = parse(['INVITE sip:b@c sip/2.0', ...CORE, 'Content-Length: 4', '', 'body'].join('\n'))
    expect([message.fault, message.callId, message.body.toString()]).toEqual([null, 'call-1', 'body'])
  })

  it('takes a datagram without Content-Length as a whole', () => {
    expect(parse(['INVITE sip:b@c SIP/2.0', ...CORE, '', 'rest'].join('\r\n')).body.toString()).toBe('rest')
  })

  it('says where everything stands', () => {
    const message = request('X-A:  one \r\n  two ')
    const at = (text: string) => message.bytes.indexOf(text)
    const i = message.findNamed('x-a')
    expect(message.headersStart).toBe(at('Via'))
    expect([message.headerStart(i), message.valueStart(i), message.valueEnd(i)]).toEqual([
      at('X-A'),
      at('one'),
      at('two') + 3,
    ])
    expect(message.headerEnd(i)).toBe(message.headersEnd)
    expect(message.bodyStart).toBe(message.bytes.length)
    expect(message.headerValue(i)).toBe('one two')
  })
})

describe('headers of a SipMessage', () => {
  it('are found by number and by any spelling of the name', () => {
    const message = request('X-One: 1', 's: Hi', 'x-one: 2')
    expect(message.value(HeaderId.subject)).toBe('Hi')
    expect([message.findNamed('Subject'), message.findNamed('S')]).toEqual([6, 6])
    expect([message.findNamed('X-ONE'), message.findNamed('x-one', 6), message.findNamed('x-on')]).toEqual([5, 7, -1])
    expect(message.headerName(7)).toBe('x-one')
    expect(message.value(HeaderId.expires)).toBeNull()
  })

  it('may be empty', () => {
    const message = request('X-Empty:', 'X-Blank:   ')
    expect([message.headerValue(5), message.headerValue(6)]).toEqual(['', ''])
  })

  it('give Vias over lines and commas, where they stand', () => {
    const message = request('v: SIP/2.0/TCP h2 (a,b) , SIP/2.0/UDP h3')
    expect(message.vias.map(via => via.host)).toEqual(['192.0.2.1', 'h2', 'h3'])
    expect(message.vias.map(({ start, end }) => message.bytes.toString('utf8', start, end))).toEqual([
      'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport',
      'SIP/2.0/TCP h2 (a,b)',
      'SIP/2.0/UDP h3',
    ])
    expect(message.topVia).toEqual(message.vias[0])
  })

  it('give byte offsets also behind text that is not ASCII', () => {
    const message = request('Record-Route: "ÄÖ" <sip:a;lr>, <sip:b;lr>')
    const second = message.recordRoutes[1]
    expect(message.bytes.toString('utf8', second?.start, second?.end)).toBe('<sip:b;lr>')
    expect(second?.header).toBe(5)
  })

  it('give Routes over lines and commas', () => {
    const message = request('Route: <sip:p1;lr>,<sip:p2;lr>', 'Route: <sip:p3>')
    expect(message.routes.map(route => route.uri)).toEqual(['sip:p1;lr', 'sip:p2;lr', 'sip:p3'])
  })

  it.each([
    [
      ['Contact: <sip:a>, "x" <sip:b>;q=1', 'm: sip:c'],
      ['sip:a', 'sip:b', 'sip:c'],
    ],
    [[], []],
  ])('give Contacts of %j', (headers, uris) => {
    expect((request(...headers).contacts as readonly { uri: string }[]).map(contact => contact.uri)).toEqual(uris)
  })

  it.each([
    [['Contact: *'], '*'],
    [['Contact: *', 'Contact: <sip:a>'], null],
    [['Contact: *, *'], null],
    [['Contact: nobody'], null],
  ])('give for %j the Contact %j', (headers, contacts) => {
    expect(request(...headers).contacts).toBe(contacts)
  })

  it.each([
    ['70', 70],
    ['0', 0],
    ['0068', 68],
    ['256', -2],
    ['abc', -2],
    ['', -2],
    ['-1', -2],
  ])('Max-Forwards %j is %d', (text, value) => {
    expect(request(`Max-Forwards: ${text}`).maxForwards).toBe(value)
  })

  it('without Max-Forwards give -1, and no fault', () => {
    expect([request().maxForwards, request().fault]).toEqual([-1, null])
  })
})
