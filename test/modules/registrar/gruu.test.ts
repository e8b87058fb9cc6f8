import { describe, expect, it } from 'vitest'
import { headerOf, TestVariable } from '../usrloc/module-rig.ts'
import { registrarRig } from './rig.ts'

const URN = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
const ENABLED = { params: { registrar: { disable_gruu: 0, gruu_secret: 'x' } } }
const PHONE = `<sip:bob@192.0.2.1>;+sip.instance="<${URN}>"`

function registered(options: Parameters<typeof registrarRig>[0] = ENABLED) {
  const rig = registrarRig(options)
  const { reply } = rig.save({ contacts: [PHONE], headers: 'Supported: gruu' })
  rig.save({ contacts: ['<sip:bob@192.0.2.2>;+sip.instance="<urn:uuid:2>"'], callId: 'r2' })
  const contact = headerOf(reply, 'Contact') ?? ''
  const lookup = (uri: string) => {
    const m = rig.invite(uri)
    return [rig.call(m, 'lookup', 'location'), m.target.uri, m.branches.length]
  }
  return { ...rig, contact, lookup, temporary: /temp-gruu="([^"]+)"/.exec(contact)?.[1] ?? '' }
}

describe('GRUU (RFC 5627)', () => {
  it('a client that supports it gets a public and a temporary one with its instance', () => {
    expect(registered().contact).toMatch(
      new RegExp(
        `^<sip:bob@192\\.0\\.2\\.1>;expires=3600;pub-gruu="sip:bob@127\\.0\\.0\\.1;gr=${URN}";` +
          `temp-gruu="sip:tgruu\\.[\\w-]+@127\\.0\\.0\\.1;gr";\\+sip\\.instance="<${URN}>"$`,
      ),
    )
  })

  it('nobody gets one with disable_gruu, without Supported: gruu, or without an instance', () => {
    expect(registered({}).contact).toBe('<sip:bob@192.0.2.1>;expires=3600')
    const rig = registrarRig(ENABLED)
    expect(headerOf(rig.save({ contacts: [PHONE] }).reply, 'Contact')).not.toContain('gruu')
    const plain = rig.save({ contacts: ['*'], expires: 0, cseq: 2 })
    expect(plain.status).toBe('200')
    const without = rig.save({ contacts: ['<sip:bob@192.0.2.9>'], headers: 'Supported: gruu', callId: 'r3' })
    expect(headerOf(without.reply, 'Contact')).toBe('<sip:bob@192.0.2.9>;expires=3600')
  })

  it('the public one finds that instance alone, the plain address all', () => {
    const { lookup } = registered()
    expect(lookup(`sip:bob@127.0.0.1;gr=${URN}`)).toEqual([1, 'sip:bob@192.0.2.1', 0])
    expect(lookup('sip:bob@127.0.0.1;gr=urn:uuid:2')).toEqual([1, 'sip:bob@192.0.2.2', 0])
    expect(lookup('sip:bob@127.0.0.1')).toEqual([1, 'sip:bob@192.0.2.1', 1])
    expect(lookup('sip:bob@127.0.0.1;gr=urn:uuid:3')[0]).toBe(-1)
  })

  it('the temporary one finds it, says nothing of the user, and is another each time', () => {
    const { lookup, save, temporary } = registered()
    expect(lookup(temporary)).toEqual([1, 'sip:bob@192.0.2.1', 0])
    expect(Buffer.from(temporary.slice(10, temporary.indexOf('@')), 'base64url').toString('latin1')).not.toContain(
      'bob',
    )
    const again = headerOf(save({ contacts: [PHONE], headers: 'Supported: gruu', cseq: 2 }).reply, 'Contact') ?? ''
    expect(again).not.toContain(temporary)
    expect(lookup(temporary)[0]).toBe(1)
  })

  it('the temporary one ends with the Call-ID it was given to; what is forged, or of another secret, finds nothing', () => {
    const { lookup, save, temporary } = registered()
    save({ contacts: [PHONE], headers: 'Supported: gruu', callId: 'other' })
    expect(lookup(temporary)[0]).toBe(-1)
    for (const user of ['tgruu.', 'tgruu.AAAA', `tgruu.${'A'.repeat(80)}`, 'bob'])
      expect(lookup(`sip:${user}@127.0.0.1;gr`)[0]).toBe(-1)
    const stranger = registered({ params: { registrar: { disable_gruu: 0, gruu_secret: 'y' } } })
    expect(lookup(stranger.temporary)[0]).toBe(-1)
  })
})

describe('mcontact_avp', () => {
  it('says how the registrar upstream knows the contact that save() in a reply route stores', () => {
    const variable = new TestVariable('$avp(ct)', 'sip:bob@edge.example')
    const rig = registrarRig({ variables: [variable], params: { registrar: { mcontact_avp: '$avp(ct)' } } })
    const m = rig.context(
      'SIP/2.0 200 OK\nVia: SIP/2.0/UDP 127.0.0.1:5072;branch=z9hG4bKr\nFrom: <sip:bob@127.0.0.1>;tag=f1\n' +
        'To: <sip:bob@127.0.0.1>;tag=t\nCall-ID: r1\nCSeq: 1 REGISTER\n' +
        'Contact: <sip:bob@edge.example>;expires=77\nContent-Length: 0\n\n',
      'onreply',
    )
    m.request = rig.save({ contacts: ['<sip:bob@192.0.2.1>'] }, 'no-reply').m
    rig.raised()
    expect(rig.call(m, 'save', 'location')).toBe(1)
    const [event] = rig.raised().map(text => JSON.parse(text) as { params: { uri: string; expires: number } })
    expect(event?.params).toMatchObject({
      uri: 'sip:bob@192.0.2.1',
      expires: Math.floor(rig.clock.nowMs() / 1000) + 77,
    })
  })
})
