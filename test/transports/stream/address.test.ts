import { describe, expect, it } from 'vitest'
import { AddressError } from '../../../src/events/transport.ts'
import { parseStreamAddress } from '../../../transports/stream/address.ts'

describe('a tcp socket', () => {
  it.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080, method: undefined }],
    ['127.0.0.1:8080/handle_cmd', { host: '127.0.0.1', port: 8080, method: 'handle_cmd' }],
    ['peer.example:1/a/b', { host: 'peer.example', port: 1, method: 'a/b' }],
    ['[::1]:8080/m', { host: '::1', port: 8080, method: 'm' }],
    ['h:1/', { host: 'h', port: 1, method: undefined }],
  ])('%s is read and listed as it was written', (rest, expected) => {
    expect(parseStreamAddress('tcp', rest)).toMatchObject({ ...expected, text: `tcp:${rest}` })
  })

  it('with an empty method is the same as one without', () => {
    expect(parseStreamAddress('tcp', 'h:1/').key).toBe(parseStreamAddress('tcp', 'h:1').key)
    expect(parseStreamAddress('tcp', 'h:1/m').key).not.toBe(parseStreamAddress('tcp', 'h:1').key)
    expect(parseStreamAddress('jsonrpc', 'h:1').key).not.toBe(parseStreamAddress('tcp', 'h:1').key)
  })

  it.each([
    ['', 0],
    ['127.0.0.1', 9],
    ['127.0.0.1/m', 9],
    [':8080', 0],
    ['h:0', 2],
    ['h:70000', 2],
    ['h:80x/m', 2],
    ['::1:8080', 0],
    ['[::1', 4],
  ])('%j is refused, at the place that is wrong', (rest, offset) => {
    const parse = () => parseStreamAddress('tcp', rest)
    expect(parse).toThrow(AddressError)
    expect(parse).toThrow(expect.objectContaining({ offset }))
  })
})
