import { describe, expect, it } from 'vitest'
import { AddressError } from '../../../src/events/transport.ts'
import { parseXmlRpcAddress } from '../../../transports/xmlrpc/address.ts'

describe('the address of an xmlrpc socket', () => {
  it.each([
    ['127.0.0.1:8081:block_ip', { host: '127.0.0.1', port: 8081, path: '/RPC2', method: 'block_ip' }],
    ['h:1/a/b:m', { host: 'h', port: 1, path: '/a/b', method: 'm' }],
    ['h:65535:m:with:colons', { host: 'h', port: 65535, path: '/RPC2', method: 'm:with:colons' }],
    ['h:80:ns/method', { host: 'h', port: 80, path: '/RPC2', method: 'ns/method' }],
    ['[::1]:9/x:m', { host: '::1', port: 9, path: '/x', method: 'm' }],
  ])('of %s is understood', (text, expected) => {
    expect(parseXmlRpcAddress(text)).toMatchObject(expected)
  })

  it.each([
    ['', 0],
    ['host', 4],
    [':80:m', 0],
    ['h:80', 4],
    ['h:80:', 5],
    ['h:0:m', 2],
    ['h:65536:m', 2],
    ['h:8x:m', 2],
    ['h:80/pa th:m', 4],
    ['[::1:80:m', 9],
    ['[::1]80:m', 5],
  ])('%j is refused and the place is told', (text, offset) => {
    let thrown: unknown
    try {
      parseXmlRpcAddress(text)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(AddressError)
    expect(thrown).toMatchObject({ text, offset })
  })

  it('prints like the recorded listing, without the default path', () => {
    expect(parseXmlRpcAddress('127.0.0.1:9003/RPC2:on_event').text).toBe('xmlrpc:127.0.0.1:9003:on_event')
  })

  it('prints a path of its own, and the path counts in the key', () => {
    expect(parseXmlRpcAddress('h:1/p:m').text).toBe('xmlrpc:h:1/p:m')
    expect(parseXmlRpcAddress('h:1/p:m').key).not.toBe(parseXmlRpcAddress('h:1/q:m').key)
  })
})
