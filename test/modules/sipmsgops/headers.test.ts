import { describe, expect, it } from 'vitest'
import { globPattern } from '../../../src/modules/sipmsgops/glob.ts'
import { headers } from '../rr/rig.ts'
import { contextOf, headerOf, TestVariable } from '../usrloc/module-rig.ts'
import { messageRig } from './rig.ts'

describe('adding headers', () => {
  it('append_hf puts a line behind the last header and ends it', () => {
    const { run, out } = messageRig()
    expect(run('append_hf', 'P-hint: one\r\n')).toBe(1)
    run('append_hf', 'P-hint: two')
    expect(out()).toMatch(/Content-Length: 0\r\nP-hint: one\r\nP-hint: two\r\n\r\n$/)
  })

  it('append_hf and insert_hf go by an anchor', () => {
    const { run, out } = messageRig()
    run('append_hf', 'X-A: 1', 'Call-ID')
    run('insert_hf', 'X-B: 2', 'Call-ID')
    expect(out()).toContain('\r\nX-B: 2\r\nCall-ID: call-9\r\nX-A: 1\r\n')
  })

  it('insert_hf puts a line before the headers received', () => {
    const { run, out } = messageRig()
    run('insert_hf', 'X-First: 1\r\n')
    expect(out()).toContain('\r\nX-First: 1\r\nVia: SIP/2.0/UDP 192.0.2.77:5060')
  })

  it('append_urihf writes the Request-URI', () => {
    const { run, out } = messageRig()
    run('append_urihf', 'X-Uri: <', '>\r\n')
    expect(headerOf(out(), 'X-Uri')).toBe('<sip:bob@example.org>')
  })

  it('append_to_reply and append_time go into replies', () => {
    const { run, m } = messageRig()
    run('append_to_reply', 'Contact: <sip:x>\r\n')
    run('append_time')
    expect(m.replyHeaders).toBe('Contact: <sip:x>\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n')
  })
})

describe('removing and finding headers', () => {
  const more = { headers: ['X-One: 1', 'x-two: 2', 'X-One: 3', 'k: 100rel'] }

  it('remove_hf takes every header of the name, in any case', () => {
    const { run, out } = messageRig(more)
    expect(run('remove_hf', 'x-one')).toBe(1)
    expect([run('remove_hf', 'X-None'), headers(out(), 'X-One')]).toEqual([-1, []])
  })

  it('compact forms are the same header', () => {
    const { run, out } = messageRig(more)
    expect(run('is_present_hf', 'Supported')).toBe(1)
    expect(run('remove_hf', 'Supported')).toBe(1)
    expect(out()).not.toContain('100rel')
  })

  it('remove_hf_re and remove_hf_glob go by pattern', () => {
    const re = messageRig(more)
    expect(re.run('remove_hf_re', '^x-o')).toBe(1)
    expect([re.out().includes('X-One'), re.out().includes('x-two')]).toEqual([false, true])
    const glob = messageRig(more)
    expect([glob.run('remove_hf_glob', 'X-*'), glob.run('remove_hf_glob', 'Y-*')]).toEqual([1, -1])
    expect(glob.out()).not.toMatch(/^x-/im)
  })

  it('get_glob_headers_values collects names and values in order', () => {
    const { run } = messageRig(more)
    const [names, values] = [new TestVariable('$avp(n)'), new TestVariable('$avp(v)')]
    expect(run('get_glob_headers_values', 'x-*', names, values)).toBe(1)
    expect([names.values, values.values]).toEqual([
      ['X-One', 'x-two', 'X-One'],
      ['1', '2', '3'],
    ])
  })
})

describe('globPattern', () => {
  it.each([
    ['X-*', 'x-any', true],
    ['X-?', 'X-12', false],
    ['[A-C]b', 'bB', true],
    ['[!A-C]b', 'bb', false],
    ['[z-a]', 'b', false],
    ['a\\*b', 'a*b', true],
    ['a.b', 'axb', false],
    ['[', '[', true],
    ['***a', 'xxa', true],
  ])('%s on %s: %s', (glob, name, matches) => {
    expect(globPattern(glob).test(name)).toBe(matches)
  })
})

describe('option tags', () => {
  const options = { headers: ['Supported: 100rel, timer', 'Supported: path'] }

  it('are found, in any case, over several headers', () => {
    const { run } = messageRig(options)
    expect(run('list_hdr_has_option', 'Supported', 'PATH')).toBe(1)
    expect(run('list_hdr_has_option', 'Supported', 'gruu')).toBe(-1)
  })

  it('are added to the first header, or to a new one', () => {
    const { run, out } = messageRig(options)
    run('list_hdr_add_option', 'Supported', 'gruu')
    run('list_hdr_add_option', 'Supported', 'path')
    run('list_hdr_add_option', 'Require', 'x')
    expect(headers(out(), 'Supported')).toEqual(['100rel, timer, gruu', 'path'])
    expect(headers(out(), 'Require')).toEqual(['x'])
  })

  it('are removed, and the header with the last one', () => {
    const { run, out } = messageRig(options)
    expect(run('list_hdr_remove_option', 'Supported', 'timer')).toBe(1)
    expect(run('list_hdr_remove_option', 'Supported', 'path')).toBe(1)
    expect(run('list_hdr_remove_option', 'Supported', 'none')).toBe(-1)
    expect(headers(out(), 'Supported')).toEqual(['100rel'])
  })
})

describe('the start line', () => {
  it('is_method knows lists, and CSeq of replies', () => {
    const { run, sockets, call } = messageRig()
    expect([run('is_method', 'INVITE'), run('is_method', 'ACK|INVITE'), run('is_method', 'BYE')]).toEqual([1, 1, -1])
    const reply = contextOf(
      'SIP/2.0 200 OK\nCSeq: 1 INVITE\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\n\n',
      'onreply',
      sockets[0]!,
    )
    expect(call(reply, 'is_method', 'INVITE')).toBe(1)
  })

  it('has_totag tells requests inside a dialog', () => {
    const { run, context, call } = messageRig()
    expect(run('has_totag')).toBe(-1)
    const inside = context('BYE sip:x SIP/2.0\nTo: <sip:x>;tag=1\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\n\n')
    expect(call(inside, 'has_totag')).toBe(1)
  })

  it('change_reply_status stays in the class', () => {
    const { sockets, call } = messageRig()
    const text =
      'SIP/2.0 404 Not Found\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\nVia: SIP/2.0/UDP b;branch=z9hG4bKy\nCSeq: 1 INVITE\n\n'
    const m = contextOf(text, 'onreply', sockets[0]!)
    expect(call(m, 'change_reply_status', 200, 'OK')).toBe(-1)
    expect(call(m, 'change_reply_status', 480, 'Gone\r\nfishing')).toBe(1)
    expect(m.edits.apply(m.message.bytes, 0, m.message.headersStart).toString()).toBe('SIP/2.0 480 Gone fishing\r\n')
  })

  it('ruri parameters are found, added and removed', () => {
    const { run, m } = messageRig({ uri: 'sip:bob@example.org;transport=tcp?Subject=x' })
    expect([run('ruri_has_param', 'Transport'), run('ruri_has_param', 'transport', 'udp')]).toEqual([1, -1])
    expect(run('ruri_add_param', 'user=phone')).toBe(1)
    expect(m.target.uri).toBe('sip:bob@example.org;transport=tcp;user=phone?Subject=x')
    expect([run('ruri_del_param', 'transport'), run('ruri_del_param', 'transport')]).toEqual([1, -1])
    expect(m.target.uri).toBe('sip:bob@example.org;user=phone?Subject=x')
  })

  it('ruri_tel2sip makes a SIP URI with the host of From', () => {
    const { run, m } = messageRig({ uri: 'tel:+49891234;phone-context=x' })
    expect(run('ruri_tel2sip')).toBe(1)
    expect(m.target.uri).toBe('sip:+49891234;phone-context=x@example.com;user=phone')
  })

  it.each([
    ['sip:+49891234@x', 1],
    ['tel:+1', -1],
    ['sip:49891234@x', -1],
    ['sip:bob@x', -1],
    ['sip:+1234567890123456@x', -1],
  ])('is_uri_user_e164 of %s is %i', (uri, verdict) => {
    expect(messageRig().run('is_uri_user_e164', uri)).toBe(verdict)
  })

  it('is_privacy reads the Privacy header', () => {
    const { run } = messageRig({ headers: ['Privacy: id;Critical'] })
    expect([run('is_privacy', 'critical'), run('is_privacy', 'user')]).toEqual([1, -1])
  })
})
