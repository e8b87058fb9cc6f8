import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Edits } from '../../../src/sip/codec/edits.ts'
import { SipMessage } from '../../../src/sip/codec/message.ts'
import * as write from '../../../src/sip/codec/write.ts'

const VIA = 'SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKours'
const NO_STAMP = { received: null, rport: null }

function parse(text: string): SipMessage {
  const message = SipMessage.parse(Buffer.from(text))
  if (message === null) throw new Error('not taken for SIP')
  return message
}

const lines = (...all: string[]) => all.map(line => `${line}\r\n`).join('')

const INVITE = [
  'INVITE sip:bob@example.com SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1',
  'v: SIP/2.0/UDP 192.0.2.2',
  'Max-Forwards: 70',
  'Record-Route: <sip:rr@192.0.2.2;lr>',
  'f: "Alice" <sip:alice@example.com>;tag=a1',
  'To: <sip:bob@example.com>',
  'Call-ID: call-1',
  'CSeq: 7 INVITE',
  'Content-Length: 4',
] as const

const invite = (...extra: string[]) => parse(`${lines(...INVITE, ...extra)}\r\nbody`)

function forward(message: SipMessage, plan: Partial<write.ForwardPlan> = {}): string {
  const all = { edits: new Edits(), uri: message.requestUri, via: VIA, stamp: NO_STAMP, headersOnTop: '', routes: '' }
  return write.forwardRequest(message, { ...all, maxForwards: null, ...plan }).toString()
}

describe('forwardRequest', () => {
  it('puts our Via on top and keeps all else', () => {
    const [start, ...rest] = INVITE
    expect(forward(invite())).toBe(`${lines(start, `Via: ${VIA}`, ...rest)}\r\nbody`)
  })

  it('replaces the Request-URI, and puts headers behind our Via, before all others', () => {
    const text = forward(invite(), { uri: 'sip:bob@192.0.2.7;x=é', headersOnTop: 'Record-Route: <sip:us;lr>\r\n' })
    expect(text).toMatch(
      /^INVITE sip:bob@192\.0\.2\.7;x=é SIP\/2\.0\r\nVia: .*ours\r\nRecord-Route: <sip:us;lr>\r\nVia: /,
    )
  })

  it.each([
    [{ received: '1.2.3.4', rport: null }, 'Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1;received=1.2.3.4'],
    [{ received: '::1', rport: 99 }, 'Via: SIP/2.0/UDP 192.0.2.1:5060;rport=99;branch=z9hG4bK1;received=::1'],
  ])('stamps the top Via with %j', (stamp, line) => {
    expect(forward(invite(), { stamp }).split('\r\n')[2]).toBe(line)
  })

  it.each([
    ['Via: SIP/2.0/UDP h;received=9.9.9.9;branch=b', 'Via: SIP/2.0/UDP h;received=1.2.3.4;branch=b;rport=5'],
    [
      'Via: SIP/2.0/UDP h;branch=b (c), SIP/2.0/UDP i',
      'Via: SIP/2.0/UDP h;branch=b;received=1.2.3.4;rport=5 (c), SIP/2.0/UDP i',
    ],
    ['Via: SIP/2.0/UDP h ; rport = 7 ; x', 'Via: SIP/2.0/UDP h ; rport=5 ; x;received=1.2.3.4'],
  ])('stamps %j', (via, stamped) => {
    const message = parse(`${lines('OPTIONS sip:a SIP/2.0', via)}\r\n`)
    expect(forward(message, { stamp: { received: '1.2.3.4', rport: 5 } }).split('\r\n')[2]).toBe(stamped)
  })

  it('puts Routes before those received', () => {
    const message = invite('Route: <sip:two;lr>')
    const text = forward(message, { routes: 'Route: <sip:one;lr>\r\n' })
    expect(text).toContain('Content-Length: 4\r\nRoute: <sip:one;lr>\r\nRoute: <sip:two;lr>\r\n\r\n')
  })

  it('puts Routes on top when none was received', () => {
    const text = forward(invite(), { routes: 'Route: <sip:one;lr>\r\n' })
    expect(text.split('\r\n')[2]).toBe('Route: <sip:one;lr>')
  })

  it('adds Max-Forwards only when it is absent, and not put in by an edit', () => {
    const without = parse(`${lines('OPTIONS sip:a SIP/2.0', 'Via: SIP/2.0/UDP h')}\r\n`)
    const edits = new Edits()
    edits.insert(without.headersEnd, 'Max-Forwards: 10\r\n')
    const fields = (text: string) => text.match(/Max-Forwards: \d+/g)
    expect(fields(forward(without, { maxForwards: 70 }))).toEqual(['Max-Forwards: 70'])
    expect(fields(forward(without, { maxForwards: 70, edits }))).toEqual(['Max-Forwards: 10'])
    expect(fields(forward(invite(), { maxForwards: 10 }))).toEqual(['Max-Forwards: 70'])
    expect(fields(forward(without))).toBeNull()
  })

  it('makes the edits of headers', () => {
    const message = invite('X-Old: 1')
    const edits = new Edits()
    edits.remove(message.headerStart(9), message.headerEnd(9))
    edits.insert(message.headersEnd, 'X-New: 2\r\n')
    expect(forward(message, { edits })).toMatch(/Content-Length: 4\r\nX-New: 2\r\n\r\nbody$/)
  })
})

describe('the Content-Length of what is written', () => {
  const edited = (message: SipMessage, change: (edits: Edits) => void, via = VIA) => {
    const edits = new Edits()
    change(edits)
    return forward(message, { edits, via })
  }

  it.each([
    ['a whole new body', (edits: Edits) => edits.setBody(Buffer.from('é!')), 'Content-Length: 3\r\n\r\né!'],
    ['no body', (edits: Edits) => edits.setBody(null), 'Content-Length: 0\r\n\r\n'],
    ['an edit inside', (edits: Edits) => edits.insert(invite().bodyStart, '__'), 'Content-Length: 6\r\n\r\n__body'],
    [
      'an edit at the end',
      (edits: Edits) => edits.insert(invite().bytes.length, '!'),
      'Content-Length: 5\r\n\r\nbody!',
    ],
    [
      'an edit of the same length',
      (edits: Edits) => edits.replace(invite().bodyStart, invite().bodyStart + 1, 'B'),
      ': 4\r\n\r\nBody',
    ],
  ])('follows %s', (_name, change, end) => {
    expect(edited(invite(), change).endsWith(end)).toBe(true)
  })

  it('is added when a body comes to a message without one', () => {
    const bare = parse(`${lines(...INVITE.slice(0, 9))}\r\n`)
    expect(edited(bare, edits => edits.insert(bare.bodyStart, 'new')).endsWith('Content-Length: 3\r\n\r\nnew')).toBe(
      true,
    )
  })

  it('is written anew when the edits removed it and the body changed', () => {
    const message = invite()
    const change = (edits: Edits) => {
      edits.remove(message.headerStart(8), message.headerEnd(8))
      edits.setBody(Buffer.from('longer'))
    }
    expect(edited(message, change).match(/Content-Length.*/g)).toEqual(['Content-Length: 6'])
  })

  it('is right in each of several equal ones', () => {
    const message = parse(`${lines(...INVITE, 'l: 4')}\r\nbody`)
    expect(edited(message, edits => edits.setBody(null))).toMatch(/Content-Length: 0\r\nl: 0\r\n\r\n$/)
  })

  it('is added on a stream, not on a datagram (RFC 3261 §16.6 step 11)', () => {
    const bare = parse(`${lines(...INVITE.slice(0, 9))}\r\nbody`)
    expect(forward(bare)).not.toContain('Content-Length')
    expect(forward(bare, { via: VIA.replace('UDP', 'TCP') })).toMatch(/Content-Length: 4\r\n\r\nbody$/)
    expect(forward(invite(), { via: VIA.replace('UDP', 'TLS') }).match(/Content-Length/g)).toHaveLength(1)
  })
})

describe('a datagram that ends without an empty line', () => {
  it('goes on with one', () => {
    const open = parse(lines(...INVITE.slice(0, 9)))
    const edits = new Edits()
    edits.insert(open.headersEnd, 'X-New: 1\r\n')
    expect(forward(open, { edits })).toMatch(/CSeq: 7 INVITE\r\nX-New: 1\r\n\r\n$/)
  })
})

describe('forwardReply', () => {
  const reply = (...vias: string[]) => parse(`${lines('SIP/2.0 200 OK', ...vias, ...INVITE.slice(5))}\r\nbody`)

  it('takes our Via off and keeps all else', () => {
    const text = write.forwardReply(reply(`Via: ${VIA}`, 'Via: SIP/2.0/UDP h'), new Edits())?.toString()
    expect(text).toBe(`${lines('SIP/2.0 200 OK', 'Via: SIP/2.0/UDP h', ...INVITE.slice(5))}\r\nbody`)
  })

  it('takes only the first of several in one line', () => {
    const text = write.forwardReply(reply(`Via: ${VIA}, SIP/2.0/UDP h`), new Edits())?.toString()
    expect(text?.split('\r\n')[1]).toBe('Via: SIP/2.0/UDP h')
  })

  it('is null when no Via is left', () => {
    expect(write.forwardReply(reply(`Via: ${VIA}`), new Edits())).toBeNull()
    expect(write.forwardReply(reply(), new Edits())).toBeNull()
  })

  it('makes the edits', () => {
    const edits = new Edits()
    edits.setBody(Buffer.from('other'))
    const text = write.forwardReply(reply(`Via: ${VIA}`, 'Via: SIP/2.0/UDP h'), edits)?.toString()
    expect(text).toMatch(/Content-Length: 5\r\n\r\nother$/)
  })

  it('adds Content-Length when it goes back over a stream', () => {
    const bare = parse(`${lines('SIP/2.0 200 OK', `Via: ${VIA}`, 'Via: SIP/2.0/TCP h')}\r\n`)
    expect(write.forwardReply(bare, new Edits())?.toString()).toMatch(/Content-Length: 0\r\n\r\n$/)
  })
})

describe('buildReply', () => {
  const reply = (parts: Partial<write.ReplyParts> = {}) =>
    write
      .buildReply(invite(), { status: 404, reason: 'Not Found', toTag: 't1', stamp: NO_STAMP, headers: '', ...parts })
      .toString()

  it('is Via, To, From, Call-ID, CSeq, headers, Content-Length, copied as they came', () => {
    expect(reply({ headers: 'Server: us\r\n', stamp: { received: '1.2.3.4', rport: 9 } })).toBe(
      `${lines(
        'SIP/2.0 404 Not Found',
        'Via: SIP/2.0/UDP 192.0.2.1:5060;rport=9;branch=z9hG4bK1;received=1.2.3.4',
        'v: SIP/2.0/UDP 192.0.2.2',
        'To: <sip:bob@example.com>;tag=t1',
        'f: "Alice" <sip:alice@example.com>;tag=a1',
        'Call-ID: call-1',
        'CSeq: 7 INVITE',
        'Server: us',
        'Content-Length: 0',
      )}\r\n`,
    )
  })

  it('has the lines of the recorded reply to a REGISTER, in its order', () => {
    const recording = new URL('../../fixtures/golden/usrloc/register_new.req', import.meta.url)
    const [request = '', recorded = ''] = readFileSync(recording, 'utf8')
      .replaceAll(/\r?\n/g, '\r\n')
      .split('--- reply ---\r\n')
    const tag = recorded.match(/^To: .*;tag=(.*)\r$/m)?.[1] ?? ''
    const headers = lines(...(recorded.match(/^(Contact|Server): .*(?=\r$)/gm) ?? []))
    const built = write.buildReply(parse(request), { status: 200, reason: 'OK', toTag: tag, stamp: NO_STAMP, headers })
    expect(built.toString()).toBe(`${recorded.trimEnd()}\r\n\r\n`)
  })

  it.each([
    [100, false],
    [180, true],
    [183, true],
    [200, true],
    [302, false],
  ])('%d copies Record-Route: %j', (status, copied) => {
    expect(reply({ status }).includes('Record-Route: <sip:rr@192.0.2.2;lr>\r\n')).toBe(copied)
  })

  it('adds no tag to a To that has one, nor an empty one', () => {
    const tagged = parse(lines(...INVITE).replace('To: <sip:bob@example.com>', 'To: <sip:bob@example.com>;tag=b'))
    const parts = { status: 200, reason: 'OK', stamp: NO_STAMP, headers: '' }
    expect(write.buildReply(tagged, { ...parts, toTag: 'x' }).toString()).toContain(
      'To: <sip:bob@example.com>;tag=b\r\n',
    )
    expect(reply({ toTag: '' })).toContain('To: <sip:bob@example.com>\r\n')
  })

  it('carries a body', () => {
    expect(reply({ body: 'é', headers: 'Content-Type: text/plain\r\n' })).toMatch(/Content-Length: 2\r\n\r\né$/)
  })
})

describe('requests of our own', () => {
  const sent = invite('Route: <sip:p1;lr>', 'Route: <sip:p2;lr>')

  it('ACK has the branch and Routes of the INVITE and the To of the reply (RFC 3261 §17.1.1.3)', () => {
    const reply = parse(lines('SIP/2.0 486 Busy Here', 'To: <sip:bob@example.com>;tag=b1', ''))
    expect(write.buildAck(sent, reply).toString()).toBe(
      `${lines(
        'ACK sip:bob@example.com SIP/2.0',
        'Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1',
        'Max-Forwards: 70',
        'Route: <sip:p1;lr>',
        'Route: <sip:p2;lr>',
        'To: <sip:bob@example.com>;tag=b1',
        'f: "Alice" <sip:alice@example.com>;tag=a1',
        'Call-ID: call-1',
        'CSeq: 7 ACK',
        'Content-Length: 0',
      )}\r\n`,
    )
  })

  it('CANCEL has the branch and the To of the request (RFC 3261 §9.1)', () => {
    const cancel = parse(write.buildCancel(sent, 'Reason: SIP;cause=200\r\n').toString())
    expect(cancel.fault).toBeNull()
    expect([cancel.method, cancel.cseq, cancel.cseqMethod, cancel.toTag]).toEqual(['CANCEL', 7, 'CANCEL', ''])
    expect(cancel.vias.map(via => via.branch)).toEqual(['z9hG4bK1'])
    expect(cancel.routes).toHaveLength(2)
    expect(cancel.headerValue(cancel.findNamed('Reason'))).toBe('SIP;cause=200')
  })

  it('buildRequest counts the body in bytes', () => {
    const parts = { method: 'MESSAGE', uri: 'sip:a@b', headers: 'X: 1\r\n', body: 'é' }
    expect(write.buildRequest(parts).toString()).toBe('MESSAGE sip:a@b SIP/2.0\r\nX: 1\r\nContent-Length: 2\r\n\r\né')
  })
})
