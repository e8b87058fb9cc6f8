import { describe, expect, it } from 'vitest'
import { parseNameAddr, parseNameAddrList } from '../../../src/sip/codec/name-addr.ts'

describe('parseNameAddr', () => {
  it.each([
    ['<sip:a@b>', '', 'sip:a@b', ''],
    ['sip:a@b', '', 'sip:a@b', ''],
    ['sip:a@b;tag=1', '', 'sip:a@b', '1'],
    ['<sip:a@b;tag=9>;tag=1', '', 'sip:a@b;tag=9', '1'],
    ['Alice <sip:a@b>;tag=x', 'Alice', 'sip:a@b', 'x'],
    ['caller<sip:a@b>', 'caller', 'sip:a@b', ''],
    ['Bell, Alexander <sip:a@b>', 'Bell, Alexander', 'sip:a@b', ''],
    ['"A \\"<B>\\"" <sip:a@b> ; tag = 7', '"A \\"<B>\\""', 'sip:a@b', '7'],
    ['"" <sip:a@b>', '""', 'sip:a@b', ''],
    ['  < sip:a@b >  ', '', 'sip:a@b', ''],
    ['<sip:a@[2001:db8::1]:5060>', '', 'sip:a@[2001:db8::1]:5060', ''],
    ['<http://www.example.com>;tag=3', '', 'http://www.example.com', '3'],
    ['isbn:2983792873', '', 'isbn:2983792873', ''],
    ['<sip:a?b@c?Subject=x>', '', 'sip:a?b@c?Subject=x', ''],
  ])('reads %j', (text, display, uri, tag) => {
    expect(parseNameAddr(text)).toMatchObject({ display, uri, tag })
  })

  it.each([
    '',
    '<>',
    'alice',
    '"Alice <sip:a@b>',
    '<sip:a@b',
    'sip:a@b?Route=x',
    '<sip:a@b> x',
    'sip:a@b x',
    '<sip:a@b>;x="1',
    '<a b:c>',
  ])('refuses %j', text => {
    expect(parseNameAddr(text)).toBeNull()
  })

  it('says where the value stands and whether it had brackets', () => {
    expect(parseNameAddr('  <sip:a@b>;x ')).toMatchObject({ start: 2, end: 13, bracketed: true })
    expect(parseNameAddr('sip:a@b')).toMatchObject({ start: 0, end: 7, bracketed: false })
  })
})

describe('parseNameAddrList', () => {
  it('splits at commas outside of quotes and brackets', () => {
    const list = parseNameAddrList('"a,b" <sip:x,y@h>;p="1,2", sip:c@d ;q=1,<sip:e>')
    expect(list?.map(address => address.uri)).toEqual(['sip:x,y@h', 'sip:c@d', 'sip:e'])
  })

  it('gives offsets in the whole text', () => {
    expect(parseNameAddrList('<sip:a>, <sip:b>')?.map(({ start, end }) => [start, end])).toEqual([
      [0, 7],
      [9, 16],
    ])
  })

  it('is empty for blanks', () => {
    expect(parseNameAddrList('  ')).toEqual([])
  })

  it.each(['<sip:a>,', '<sip:a>,,<sip:b>', '<sip:a>, bob', '<sip:a>, "x <sip:b>'])('refuses %j', text => {
    expect(parseNameAddrList(text)).toBeNull()
  })
})
