import { describe, expect, it } from 'vitest'
import { formatUri, parseUri, uriScheme } from '../../../src/sip/codec/uri.ts'

const GOOD: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['sip:example.com', { scheme: 'sip', user: '', password: '', host: 'example.com', port: 0, headers: '' }],
  ['sip:alice@example.com', { user: 'alice', host: 'example.com' }],
  ['sips:alice:secret@example.com:5061', { scheme: 'sips', user: 'alice', password: 'secret', port: 5061 }],
  ['sip:alice@[2001:db8::9:1]', { host: '[2001:db8::9:1]', port: 0 }],
  ['sip:[::1]:5080;transport=tcp', { user: '', host: '[::1]', port: 5080 }],
  ['sip:a@h;transport=tcp;lr?Subject=x&a=b', { host: 'h', headers: 'Subject=x&a=b' }],
  ['sip:user;par=u%40x@example.com', { user: 'user;par=u%40x', host: 'example.com' }],
  ['sip:a?b/c&d@h', { user: 'a?b/c&d', host: 'h' }],
  ['sip:%00@h', { user: '%00' }],
  ['sip:@h', { user: '', host: 'h' }],
  ['sip:+1-201-555-0123;phone-context=x@h;user=phone', { user: '+1-201-555-0123;phone-context=x' }],
  ['sip:a@under_score.example', { host: 'under_score.example' }],
  ['tel:+1-201-555-0123', { scheme: 'tel', user: '+1-201-555-0123', host: '', port: 0 }],
  ['tel:7042;phone-context=example.com', { user: '7042', host: '' }],
]

describe('parseUri', () => {
  it.each(GOOD)('reads %j', (text, parts) => {
    expect(parseUri(text)).toMatchObject(parts)
  })

  it.each(GOOD.filter(([text]) => text !== 'sip:@h'))('%j comes back as it was from formatUri', text => {
    const uri = parseUri(text)
    expect(uri === null ? null : formatUri(uri)).toBe(text)
  })

  it('gives parameters by name', () => {
    const params = parseUri('sip:a@h;maddr=239.255.255.1;TTL=15;lr;method=INVITE')?.params
    expect(['maddr', 'ttl', 'lr', 'method', 'transport'].map(name => params?.get(name))).toEqual([
      '239.255.255.1',
      '15',
      '',
      'INVITE',
      null,
    ])
  })

  it('reads the scheme in any case', () => {
    expect(parseUri('SIP:a@h')?.scheme).toBe('sip')
  })

  it.each([
    '',
    'sip:',
    'sip',
    'example.com',
    'sip:a@',
    'sip:a@h:',
    'sip:a@h:0',
    'sip:a@h:65536',
    'sip:a@h:50x',
    'sip:a@h x',
    'sip:a@[::1',
    'sip:a@[]',
    'sip:a@[g::1]',
    'sip:a@h"',
    '<sip:a@h>',
    'sip:a@hö',
    'sip:a@h%00',
    'tel:',
    'tel:alice@h',
    'http://h',
    'urn:service:sos',
  ])('refuses %j', text => {
    expect(parseUri(text)).toBeNull()
  })
})

describe('uriScheme', () => {
  it.each([
    ['sip:a', 'sip'],
    ['SIPS:a', 'sips'],
    ['soap.beep://h', 'soap.beep'],
    ['a+b-1:x', 'a+b-1'],
    [':x', ''],
    ['1a:x', ''],
    ['a_b:x', ''],
    ['<sip:a>', ''],
    ['', ''],
  ])('of %j is %j', (text, scheme) => {
    expect(uriScheme(text)).toBe(scheme)
  })
})
