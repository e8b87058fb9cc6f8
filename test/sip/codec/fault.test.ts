import { describe, expect, it } from 'vitest'
import type { FaultCode } from '../../../src/sip/codec/fault.ts'
import { SipMessage } from '../../../src/sip/codec/message.ts'

const LINES = {
  start: 'INVITE sip:bob@example.com SIP/2.0',
  via: 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
  from: 'From: <sip:alice@example.com>;tag=a1',
  to: 'To: <sip:bob@example.com>',
  callId: 'Call-ID: call-1',
  cseq: 'CSeq: 7 INVITE',
  more: 'Max-Forwards: 70',
  empty: '',
  body: '',
}

function parse(changes: Partial<Record<keyof typeof LINES, string | null>>): SipMessage {
  const lines = Object.values({ ...LINES, ...changes }).filter(line => line !== null)
  const message = SipMessage.parse(Buffer.from(lines.join('\r\n')))
  if (message === null) throw new Error('not taken for SIP')
  return message
}

const REQUESTS: readonly (readonly [FaultCode, number, boolean, Parameters<typeof parse>[0], string])[] = [
  ['bad-version', 505, true, { start: 'INVITE sip:b@c SIP/3.0' }, 'SIP/3.0'],
  ['bad-version', 505, true, { start: 'INVITE  sip:b@c SIP/2.01' }, 'SIP/2.01'],
  ['bad-request-line', 400, true, { start: 'INVITE  sip:b@c SIP/2.0' }, '  sip'],
  ['bad-request-line', 400, true, { start: 'INVITE sip:b@c SIP/2.0 ' }, ' \r\n'],
  ['bad-request-line', 400, true, { start: 'INVITE SIP/2.0' }, ' SIP'],
  ['bad-request-uri', 400, true, { start: 'INVITE sip:b@c; lr SIP/2.0' }, ' lr'],
  ['bad-request-uri', 400, true, { start: 'INVITE <sip:b@c> SIP/2.0' }, '<sip'],
  ['bad-request-uri', 400, true, { start: 'INVITE bob SIP/2.0' }, 'bob'],
  ['bad-request-uri', 400, true, { start: 'INVITE sip:b@c?a=b SIP/2.0' }, 'sip:b@c'],
  ['bad-header', 400, true, { more: 'no header' }, 'no header'],
  ['bad-header', 400, true, { more: ': x' }, ': x'],
  ['missing-via', 400, false, { via: null }, ''],
  ['missing-from', 400, false, { from: null }, ''],
  ['missing-to', 400, false, { to: null }, ''],
  ['missing-call-id', 400, false, { callId: null }, ''],
  ['missing-call-id', 400, false, { callId: 'Call-ID: ' }, ''],
  ['missing-cseq', 400, false, { cseq: null }, ''],
  ['repeated-from', 400, true, { more: 'f: <sip:x@y>;tag=2' }, 'f: <sip'],
  ['repeated-to', 400, true, { more: 't: <sip:x@y>' }, 't: <sip'],
  ['repeated-call-id', 400, true, { more: 'i: 2' }, 'i: 2'],
  ['repeated-cseq', 400, true, { more: 'CSEQ: 7 INVITE' }, 'CSEQ'],
  ['repeated-max-forwards', 400, true, { more: 'Max-Forwards: 1\r\nMAX-Forwards: 1' }, 'MAX'],
  ['bad-via', 400, false, { via: 'Via: nonsense' }, 'nonsense'],
  ['bad-via', 400, true, { via: 'Via: SIP/2.0/UDP h;;branch=x' }, 'SIP/2.0/UDP h'],
  ['bad-from', 400, true, { from: 'From: "Al <sip:a@b>;tag=1' }, '"Al'],
  ['bad-to', 400, true, { to: 'To: bob' }, 'bob\r'],
  ['bad-cseq', 400, true, { cseq: 'CSeq: 2147483648 INVITE' }, '2147'],
  ['bad-cseq', 400, true, { cseq: 'CSeq: INVITE' }, 'INVITE\r'],
  ['bad-cseq', 400, true, { cseq: 'CSeq: 7 IN VITE' }, '7 IN'],
  ['cseq-mismatch', 400, true, { cseq: 'CSeq: 7 invite' }, '7 invite'],
  ['bad-max-forwards', 400, true, { more: 'Max-Forwards: 256' }, '256'],
  ['bad-content-length', 400, true, { more: 'Content-Length: -1' }, '-1'],
  ['repeated-content-length', 400, true, { more: 'l: 0\r\nl: 1', body: 'x' }, '0\r\nl'],
  ['short-body', 400, true, { more: 'l: 5', body: 'four' }, '5\r'],
  ['bad-route', 400, true, { more: 'Route: <sip:a;lr>, nowhere' }, '<sip:a;lr>'],
]

describe('faults of requests', () => {
  it.each(REQUESTS)('%s owes %d, answerable %j: %j', (code, status, answerable, changes, at) => {
    const message = parse(changes)
    expect(message.fault).toMatchObject({ code, status })
    expect(message.answerable).toBe(answerable)
    if (at !== '') expect(message.bytes.toString('latin1', message.fault?.offset)).toMatch(new RegExp(`^${quote(at)}`))
  })

  it('that has none is null', () => {
    expect(parse({}).fault).toBeNull()
    expect(parse({ more: 'l: 4\r\nContent-Length: 04', body: 'body' }).fault).toBeNull()
    expect(parse({ via: 'Via: SIP/2.0/UDP h;branch=x;' }).fault).toBeNull()
  })

  it('is unterminated-headers when the last line is cut off', () => {
    const cut = SipMessage.parse(Buffer.from(`${LINES.start}\r\n${LINES.via}\r\nFrom: <si`))
    expect(cut?.fault).toMatchObject({ code: 'unterminated-headers', status: 400 })
    expect(cut?.answerable).toBe(false)
  })

  it('carries a reason phrase for the reply', () => {
    expect(parse({ cseq: 'CSeq: x' }).fault?.reason).toBe('Bad CSeq')
  })
})

describe('faults of replies', () => {
  it.each([
    'SIP/2.0 99 Low',
    'SIP/2.0 700 High',
    'SIP/2.0 2000 Long',
    'SIP/2.0 2x0 Odd',
    'SIP/2.0 4294967301 Overflow',
  ])('%j is a bad status, never answered', start => {
    const reply = parse({ start })
    expect(reply.fault).toMatchObject({ code: 'bad-status', status: 0 })
    expect([reply.answerable, reply.status]).toEqual([false, 0])
  })

  it('need no Request-URI and no equal methods', () => {
    expect(parse({ start: 'SIP/2.0 200', cseq: 'CSeq: 1 BYE' }).fault).toBeNull()
  })
})

function quote(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
