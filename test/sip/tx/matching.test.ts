import { describe, expect, it } from 'vitest'
import { SipMessage } from '../../../src/sip/codec/message.ts'
import { takeServerKey } from '../../../src/sip/tx/key.ts'
import { ClientTable, ServerTable } from '../../../src/sip/tx/table.ts'

interface Parts {
  method?: string
  uri?: string
  via?: string
  fromTag?: string
  toTag?: string
  callId?: string
  cseq?: number
}

function request(parts: Parts = {}): SipMessage {
  const { method = 'INVITE', uri = 'sip:bob@127.0.0.1', via = 'SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bKa1' } = parts
  const toTag = parts.toTag === undefined ? '' : `;tag=${parts.toTag}`
  const text =
    `${method} ${uri} SIP/2.0\r\nVia: ${via}\r\nFrom: <sip:alice@a>;tag=${parts.fromTag ?? 'f'}\r\n` +
    `To: <sip:bob@b>${toTag}\r\nCall-ID: ${parts.callId ?? 'c'}\r\nCSeq: ${parts.cseq ?? 1} ${method}\r\n\r\n`
  return SipMessage.parse(Buffer.from(text))!
}

function tableWith(initial: SipMessage, localToTag = 'ours') {
  const table = new ServerTable<{ initial: SipMessage; localToTag: string }>()
  const entry = { initial, localToTag }
  table.add(entry)
  return { table, entry }
}

describe('server transaction matching by branch (RFC 3261 §17.2.3)', () => {
  it('finds a retransmission', () => {
    const { table, entry } = tableWith(request())
    expect(table.find(request())).toBe(entry)
  })

  it('finds the INVITE of an ACK, whatever its To tag', () => {
    const { table, entry } = tableWith(request())
    expect(table.find(request({ method: 'ACK', toTag: 'x' }))).toBe(entry)
  })

  it('finds the INVITE of a CANCEL when asked for it, and not otherwise', () => {
    const { table, entry } = tableWith(request())
    expect(table.find(request({ method: 'CANCEL' }))).toBeUndefined()
    expect(table.find(request({ method: 'CANCEL' }), 'INVITE')).toBe(entry)
  })

  it.each<[string, Parts]>([
    ['branch', { via: 'SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bKa2' }],
    ['sent-by host', { via: 'SIP/2.0/UDP 127.0.0.2:5071;branch=z9hG4bKa1' }],
    ['sent-by port', { via: 'SIP/2.0/UDP 127.0.0.1:5072;branch=z9hG4bKa1' }],
    ['method', { method: 'OPTIONS' }],
  ])('does not find a request with another %s', (_what, parts) => {
    expect(tableWith(request()).table.find(request(parts))).toBeUndefined()
  })

  it('forgets what is removed', () => {
    const { table, entry } = tableWith(request())
    table.remove(entry)
    expect([table.size, table.find(request())]).toEqual([0, undefined])
  })

  it('refuses a second transaction with the same key', () => {
    const { table } = tableWith(request())
    expect(table.add({ initial: request(), localToTag: '' })).toBe(false)
  })
})

describe('server transaction matching of RFC 2543 requests (RFC 3261 §17.2.3)', () => {
  const via = 'SIP/2.0/UDP old.example.com:5060'

  it('finds a retransmission by Request-URI, tags, Call-ID, CSeq and top Via', () => {
    const { table, entry } = tableWith(request({ via }))
    expect(table.find(request({ via }))).toBe(entry)
  })

  it.each<[string, Parts]>([
    ['Request-URI', { uri: 'sip:carol@127.0.0.1' }],
    ['To tag', { toTag: 't' }],
    ['From tag', { fromTag: 'g' }],
    ['Call-ID', { callId: 'd' }],
    ['CSeq number', { cseq: 2 }],
    ['top Via', { via: 'SIP/2.0/UDP other.example.com:5060' }],
  ])('does not find a request with another %s', (_what, parts) => {
    expect(tableWith(request({ via })).table.find(request({ via, ...parts }))).toBeUndefined()
  })

  it('finds the INVITE of an ACK that has the To tag of the response', () => {
    const { table, entry } = tableWith(request({ via }), 'ours')
    expect(table.find(request({ via, method: 'ACK', toTag: 'ours' }))).toBe(entry)
    expect(table.find(request({ via, method: 'ACK', toTag: 'theirs' }))).toBeUndefined()
  })

  it('treats the bare cookie as no cookie (RFC 4475 §3.2.1)', () => {
    const bare = 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK'
    const { table, entry } = tableWith(request({ via: bare }))
    expect(request({ via: bare }).topVia?.hasCookie).toBe(false)
    expect(table.find(request({ via: bare }))).toBe(entry)
    expect(table.find(request({ via: bare, callId: 'another' }))).toBeUndefined()
  })

  it('gives no key to a request without Via', () => {
    const message = SipMessage.parse(Buffer.from('OPTIONS sip:a SIP/2.0\r\nCall-ID: c\r\n\r\n'))!
    expect(takeServerKey(message)).toBe(false)
  })
})

describe('client transaction matching (RFC 3261 §17.1.3)', () => {
  const reply = (branch: string, method: string) =>
    SipMessage.parse(
      Buffer.from(
        `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP p;branch=${branch}\r\nFrom: <sip:a@a>;tag=f\r\nTo: <sip:b@b>;tag=t\r\n` +
          `Call-ID: c\r\nCSeq: 1 ${method}\r\n\r\n`,
      ),
    )!

  it('goes by branch and CSeq method: the 200 of a CANCEL is not the 200 of its INVITE', () => {
    const table = new ClientTable<string>()
    const invite = table.add('z9hG4bKx', 'INVITE', 'invite')!
    table.add('z9hG4bKx', 'CANCEL', 'cancel')
    expect(table.find(reply('z9hG4bKx', 'INVITE'))).toBe('invite')
    expect(table.find(reply('z9hG4bKx', 'CANCEL'))).toBe('cancel')
    expect(table.find(reply('z9hG4bKy', 'INVITE'))).toBeUndefined()
    table.remove(invite)
    expect(table.find(reply('z9hG4bKx', 'INVITE'))).toBeUndefined()
  })
})
