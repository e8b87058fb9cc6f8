import { describe, expect, it } from 'vitest'
import { contextOf, TestVariable } from '../usrloc/module-rig.ts'
import { messageRig, SDP } from './rig.ts'

describe('sipmsg_validate', () => {
  const withSdp = { headers: ['Content-Type: application/sdp'], body: SDP }

  it.each([
    ['a good INVITE', {}, '', 1],
    ['a good INVITE with all flags', withSdp, 'shmrftc', 1],
    ['no Call-ID', { without: 'Call-ID' }, '', -3],
    ['a CSeq of another method', { headers: [], without: 'CSeq' }, '', -7],
    ['no From', { without: 'From' }, '', -8],
    ['no To', { without: 'To' }, '', -9],
    ['no Via', { without: 'Via' }, '', -10],
    ['a bad Request-URI', { uri: 'sip:@' }, '', -11],
    ['a bad host in the Request-URI', { uri: 'sip:bob@-x-' }, 'r', -12],
    ['no Max-Forwards', { without: 'Max-Forwards' }, '', -13],
    ['no Max-Forwards with m', { without: 'Max-Forwards' }, 'm', 1],
    ['no Contact in INVITE', { without: 'Contact' }, '', -14],
    ['Path outside of REGISTER', { headers: ['Path: <sip:x;lr>'] }, '', -15],
    ['a body without type', { body: 'x' }, '', -21],
    ['a broken session description', { ...withSdp, body: 'hello' }, 's', -6],
    ['a broken session description, not asked for', { ...withSdp, body: 'hello' }, '', 1],
    ['"*" in INVITE', { headers: ['Contact: *'], without: 'Contact' }, '', -14],
  ])('%s', (_, facts, flags, verdict) => {
    expect(messageRig(facts).run('sipmsg_validate', flags)).toBe(verdict)
  })

  it('says what is wrong in the variable', () => {
    const reason = new TestVariable('$var(r)')
    messageRig({ without: 'From' }).run('sipmsg_validate', '', reason)
    expect(reason.values).toEqual(['From is missing or malformed'])
  })

  it.each([
    [405, -16],
    [423, -17],
    [407, -18],
    [420, -19],
    [401, -20],
    [404, 1],
  ])('a %i without the header it needs is %i', (status, verdict) => {
    const { call, sockets } = messageRig()
    const text = `SIP/2.0 ${status} X\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>;tag=2\nCall-ID: c\nCSeq: 1 INVITE\nContent-Length: 0\n\n`
    expect(call(contextOf(text, 'onreply', sockets[0]!), 'sipmsg_validate')).toBe(verdict)
  })

  it('wants Content-Length over connections', () => {
    const { call } = messageRig()
    const rig = messageRig({ without: 'Content-Length' })
    expect(rig.run('sipmsg_validate')).toBe(1)
    const tcp = { ...rig.sockets[0]!, proto: 'tcp' as const }
    expect(call(contextOf(rig.m.message.bytes.toString(), 'request', tcp), 'sipmsg_validate')).toBe(-4)
  })

  it('with unknown flags is refused at load', () => {
    expect(() => messageRig().build('sipmsg_validate', 'xyz')).toThrow('shmrftc')
  })
})

it('sip_to_json gives the message as JSON', () => {
  const out = new TestVariable('$var(j)')
  expect(messageRig({ headers: ['X-A: 1', 'X-A: "2"'] }).run('sip_to_json', out)).toBe(1)
  const json = JSON.parse(String(out.values[0]))
  expect(json.first_line).toBe('INVITE sip:bob@example.org SIP/2.0')
  expect(json.headers['X-A']).toEqual(['1', '"2"'])
})
