import { describe, expect, it } from 'vitest'
import { target } from '../../../src/script/context.ts'
import { contextOf, TestVariable } from '../usrloc/module-rig.ts'
import { register, registrarRig } from './rig.ts'

const AOR = 'sip:bob@127.0.0.1'

function withContacts(options = {}) {
  const rig = registrarRig(options)
  rig.save({ contacts: ['<sip:b1@192.0.2.1>;q=0.5'], headers: 'Allow: INVITE\r\nUser-Agent: Desk/1' })
  rig.save({ contacts: ['<sip:b2@192.0.2.2>;q=0.9'], callId: 'c2', headers: 'Allow: MESSAGE\r\nUser-Agent: Mobile/2' })
  rig.save({ contacts: ['<sip:b3@192.0.2.3>;q=0.5'], callId: 'c3', headers: 'User-Agent: desk/3' })
  const look = (flags?: string, uri = AOR) => {
    const m = rig.invite(uri)
    const verdict = rig.call(m, 'lookup', 'location', flags)
    return { m, verdict, uris: [m.target.uri, ...m.branches.map(branch => branch.uri)] }
  }
  return { ...rig, look }
}

describe('lookup', () => {
  it('makes the best contact the Request-URI and the others branches', () => {
    const { look } = withContacts()
    const { m, verdict, uris } = look()
    expect(verdict).toBe(1)
    expect(uris).toEqual(['sip:b2@192.0.2.2', 'sip:b1@192.0.2.1', 'sip:b3@192.0.2.3'])
    expect(m.target).toMatchObject({ q: 900, dstUri: null, path: null, socket: { text: 'udp:127.0.0.1:5060' } })
  })

  it('finds nothing for another user, and cannot read an address without user', () => {
    const { look } = withContacts()
    expect(look(undefined, 'sip:eve@127.0.0.1')).toMatchObject({ verdict: -1, uris: ['sip:eve@127.0.0.1'] })
    expect(look(undefined, 'sip:127.0.0.1').verdict).toBe(-3)
  })

  it.each(['no-branches', 'b'])('with "%s" takes one contact only', flags => {
    expect(withContacts().look(flags).uris).toEqual(['sip:b2@192.0.2.2'])
  })

  it('with "to-branches-only" leaves the Request-URI alone', () => {
    expect(withContacts().look('to-branches-only').uris[0]).toBe(AOR)
    expect(withContacts().look('B').uris.length).toBe(4)
  })

  it('with "branch" looks the branches up too', () => {
    const { invite, call, save } = withContacts()
    save({ to: '<sip:carol@127.0.0.1>', contacts: ['<sip:c@192.0.2.9>'] })
    const m = invite('sip:eve@127.0.0.1')
    m.branches = [target('sip:carol@127.0.0.1'), target('sip:elsewhere@example.org')]
    expect(call(m, 'lookup', 'location', 'branch')).toBe(1)
    expect(m.branches.map(branch => branch.uri)).toEqual(['sip:c@192.0.2.9', 'sip:elsewhere@example.org'])
  })

  it('with "method-filtering" passes over contacts that do not take the method', () => {
    const { look, save, call, invite } = withContacts()
    expect(look('method-filtering').uris).toEqual(['sip:b1@192.0.2.1', 'sip:b3@192.0.2.3'])
    save({ to: '<sip:m@127.0.0.1>', contacts: ['<sip:m@192.0.2.8>'], headers: 'Allow: MESSAGE' })
    expect(call(invite('sip:m@127.0.0.1'), 'lookup', 'location', 'm')).toBe(-2)
  })

  it.each([
    ['ua-filtering=/^Desk/', ['sip:b1@192.0.2.1']],
    ['ua-filtering=/^desk/,case-insensitive', ['sip:b1@192.0.2.1', 'sip:b3@192.0.2.3']],
    ['u/(Desk|Mobile)/e', ['sip:b2@192.0.2.2', 'sip:b1@192.0.2.1']],
  ])('with "%s" looks at the user agent', (flags, uris) => {
    expect(withContacts().look(flags).uris).toEqual(uris)
  })

  it('refuses a pattern that is none at load', () => {
    expect(() => withContacts().build('lookup', 'location', 'u/(/')).toThrow()
  })

  it('filters and sorts by latency', () => {
    const { look, apis } = withContacts()
    const api = apis.get('usrloc') as import('../../../src/module/define.ts').ModuleApis['usrloc']
    const domain = api.domain('location')
    domain.contacts('bob@127.0.0.1').forEach((contact, i) => {
      api.setLatency(domain, contact, [900, 100, 500][i]!)
    })
    expect(look('sort-by-latency').uris).toEqual(['sip:b1@192.0.2.1', 'sip:b3@192.0.2.3', 'sip:b2@192.0.2.2'])
    expect(look('max-ping-latency=500').uris).toEqual(['sip:b1@192.0.2.1', 'sip:b3@192.0.2.3'])
  })

  it('sends to the first Path hop, else to where the registration came from', () => {
    const received = new TestVariable('$avp(rcv)', 'sip:198.51.100.7:4096')
    const { save, invite, call } = registrarRig({
      variables: [received],
      params: { registrar: { received_avp: '$avp(rcv)' } },
    })
    save({ to: '<sip:n@127.0.0.1>', contacts: ['<sip:n@10.0.0.1>'] })
    const headers = 'Path: <sip:p1.example.org;lr>, <sip:p2.example.org;lr>'
    save({ to: '<sip:p@127.0.0.1>', contacts: ['<sip:p@10.0.0.2>'], headers }, 'p0')
    const nat = invite('sip:n@127.0.0.1')
    call(nat, 'lookup', 'location')
    expect(nat.target).toMatchObject({ uri: 'sip:n@10.0.0.1', dstUri: 'sip:198.51.100.7:4096', path: null })
    const path = invite('sip:p@127.0.0.1')
    call(path, 'lookup', 'location')
    expect(path.target).toMatchObject({
      dstUri: 'sip:p1.example.org;lr',
      path: '<sip:p1.example.org;lr>, <sip:p2.example.org;lr>',
    })
  })

  it('keeps to the most branches a request may have', () => {
    const { save, invite, call } = registrarRig()
    for (let i = 0; i < 20; i++) save({ contacts: [`<sip:b@192.0.2.${i}>`], callId: `c${i}` })
    const m = invite(AOR)
    call(m, 'lookup', 'location')
    expect(m.branches.length).toBe(12)
  })

  it('uses one contact with append_branches 0 (2.x)', () => {
    expect(withContacts({ params: { registrar: { append_branches: 0 } } }).look().uris.length).toBe(1)
  })

  it('gives attributes in the order of the branches', () => {
    const attr = new TestVariable('$avp(attr)', 'a1')
    const { save, invite, call } = registrarRig({
      variables: [attr],
      params: { registrar: { attr_avp: '$avp(attr)' } },
    })
    save({ contacts: ['<sip:a@192.0.2.1>;q=0.1'] })
    attr.values = ['a2']
    save({ contacts: ['<sip:b@192.0.2.2>;q=0.9'], callId: 'c2' })
    attr.values = []
    call(invite(AOR), 'lookup', 'location')
    expect(attr.values).toEqual(['a2', 'a1'])
  })
})

describe('other functions', () => {
  it('is_registered and registered take To of a REGISTER, From of anything else, or a URI', () => {
    const { save, context, invite, call, tables } = registrarRig()
    save({ contacts: ['<sip:b@192.0.2.1>'] })
    expect(call(context(register()), 'is_registered', 'location')).toBe(1)
    expect(call(invite('sip:bob@127.0.0.1'), 'is_registered', 'location')).toBe(-1)
    expect(call(invite('sip:x@y'), 'is_registered', 'location', 'sip:bob@127.0.0.1')).toBe(1)
    expect(tables.functions.get('is_registered')?.aliases).toContain('registered')
  })

  it('is_contact_registered compares contact and Call-ID', () => {
    const { save, context, call } = registrarRig()
    save({ contacts: ['<sip:b@192.0.2.1>'] })
    const m = context(register({ contacts: ['<sip:b@192.0.2.1:5060>', '<sip:b@192.0.2.1>'] }))
    expect(call(m, 'is_contact_registered', 'location')).toBe(-1)
    expect(call(m, 'is_contact_registered', 'location', undefined, 'sip:b@192.0.2.1')).toBe(1)
    expect(call(m, 'is_contact_registered', 'location', undefined, 'sip:b@192.0.2.1', 'r1')).toBe(1)
    expect(call(m, 'is_contact_registered', 'location', undefined, undefined, 'other')).toBe(-1)
  })

  it('is_ip_registered looks for any of the addresses', () => {
    const { save, context, call } = registrarRig()
    save({ contacts: ['<sip:b@192.0.2.1:5070>'] })
    const m = context(register())
    const ips = new TestVariable('$avp(ip)', '192.0.2.9', '192.0.2.1')
    expect(call(m, 'is_ip_registered', 'location', undefined, ips)).toBe(1)
    expect(call(m, 'is_ip_registered', 'location', undefined, ips, 5070)).toBe(1)
    expect(call(m, 'is_ip_registered', 'location', undefined, ips, 5071)).toBe(-1)
  })

  it('remove takes out all contacts, one, or those of a next hop', () => {
    const { save, invite, call, raised } = withContacts()
    save({ contacts: ['<sip:b4@192.0.2.4>'], callId: 'c4' })
    const m = invite(AOR)
    expect(call(m, 'remove', 'location', AOR, 'sip:b1@192.0.2.1')).toBe(1)
    expect(call(m, 'remove', 'location', AOR, 'sip:b1@192.0.2.1')).toBe(-1)
    expect(call(m, 'remove', 'location', AOR, undefined, '192.0.2.2')).toBe(1)
    expect(call(m, 'remove', 'location', AOR)).toBe(1)
    expect(raised().map(text => JSON.parse(text).method)).toEqual([
      ...Array(4).fill('E_UL_CONTACT_DELETE'),
      'E_UL_AOR_DELETE',
    ])
  })

  it('remove_ip_port takes contacts out by address', () => {
    const { invite, call, look } = withContacts()
    const m = invite(AOR)
    expect(call(m, 'remove_ip_port', '192.0.2.2', 5060, 'location')).toBe(1)
    expect(call(m, 'remove_ip_port', '192.0.2.2', 0, 'location', AOR)).toBe(-1)
    expect(look().uris.length).toBe(2)
  })

  it('add_sock_hdr names the socket', () => {
    const { invite, call, sent } = registrarRig()
    const m = invite(AOR)
    call(m, 'add_sock_hdr', 'X-Socket')
    expect(sent(m)).toContain('\r\nX-Socket: udp:127.0.0.1:5060\r\n')
  })
})

describe('save in a reply route', () => {
  const OK = `SIP/2.0 200 OK
Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx
From: <sip:bob@127.0.0.1>;tag=f1
To: <sip:bob@127.0.0.1>;tag=t
Call-ID: r1
CSeq: 1 REGISTER
Contact: <sip:b@192.0.2.1>;expires=77
Content-Length: 0

`
  it('stores the contact for the time the registrar upstream granted', () => {
    const { context, call, raised, clock, replies, sockets } = registrarRig()
    const m = contextOf(OK, 'onreply', sockets[0]!)
    m.request = context(register({ contacts: ['<sip:b@192.0.2.1>', '<sip:not-granted@192.0.2.1>'], expires: 600 }))
    expect(call(m, 'save', 'location')).toBe(1)
    const events = raised().map(text => JSON.parse(text))
    expect(events.length).toBe(2)
    expect(events[1].params.expires).toBe(Math.floor(clock.nowMs() / 1000) + 77)
    expect(replies).toEqual([])
  })

  it('does nothing for a reply that is no success, or without its request', () => {
    const { call, context, sockets } = registrarRig()
    const failed = contextOf(OK.replace('200 OK', '403 Forbidden'), 'onreply', sockets[0]!)
    failed.request = context(register({ contacts: ['<sip:b@192.0.2.1>'] }))
    expect(call(failed, 'save', 'location')).toBe(-1)
    expect(call(contextOf(OK, 'onreply', sockets[0]!), 'save', 'location')).toBe(-1)
  })
})
