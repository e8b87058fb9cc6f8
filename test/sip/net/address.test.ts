import { describe, expect, it } from 'vitest'
import {
  bracketed,
  canonicalHost,
  hostPort,
  isRefusedDestination,
  parseWrittenAddress,
} from '../../../src/sip/net/address.ts'

describe('addresses', () => {
  it.each([
    ['[2001:DB8::1]', '2001:db8::1'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
    ['Proxy.Example.COM', 'proxy.example.com'],
    ['192.0.2.1', '192.0.2.1'],
  ])('%s is compared as %s', (host, canonical) => {
    expect(canonicalHost(host)).toBe(canonical)
  })

  it('IPv6 is written in brackets and without its zone', () => {
    expect(hostPort('::1', 5060)).toBe('[::1]:5060')
    expect(bracketed('fe80::1%eth0')).toBe('[fe80::1]')
    expect(bracketed('192.0.2.1')).toBe('192.0.2.1')
  })

  it.each([
    '255.255.255.255',
    '224.0.0.1',
    '239.255.255.255',
    '0.0.0.0',
    '::',
    'ff02::1',
    '[ff02::1]',
    '::ffff:224.0.0.1',
  ])('nothing is sent to %s', address => {
    expect(isRefusedDestination(address)).toBe(true)
  })

  it.each(['127.0.0.1', '192.0.2.255', '240.0.0.1', '::1', '2001:db8::ff02', '::ffff:192.0.2.1'])(
    'things are sent to %s',
    address => {
      expect(isRefusedDestination(address)).toBe(false)
    },
  )

  it.each([
    ['192.0.2.1', { proto: null, host: '192.0.2.1', port: 0 }],
    ['192.0.2.1:5070', { proto: null, host: '192.0.2.1', port: 5070 }],
    ['tcp:192.0.2.1:5070', { proto: 'tcp', host: '192.0.2.1', port: 5070 }],
    ['UDP:proxy.example.com', { proto: 'udp', host: 'proxy.example.com', port: 0 }],
    ['localhost:5060', { proto: null, host: 'localhost', port: 5060 }],
    ['tcp:5060', { proto: null, host: 'tcp', port: 5060 }],
    ['udp:[2001:db8::1]:5060', { proto: 'udp', host: '2001:db8::1', port: 5060 }],
    ['2001:db8::1', { proto: null, host: '2001:db8::1', port: 0 }],
  ])('%s is read as a destination', (text, expected) => {
    expect(parseWrittenAddress(text)).toEqual(expected)
  })

  it.each(['', 'sip:a@b', 'foo:host:5060', '192.0.2.1:99999', 'a b', 'udp:', 'host:port'])(
    '%j is no destination',
    text => {
      expect(parseWrittenAddress(text)).toBeUndefined()
    },
  )
})
