import { describe, expect, it } from 'vitest'
import { AddressError } from '../../../src/events/transport.ts'
import { parseHttpAddress } from '../../../transports/http/address.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

describe('an http socket', () => {
  it.each([
    ['//127.0.0.1:8080/hook', { host: '127.0.0.1:8080', path: '/hook' }],
    ['//h.example', { host: 'h.example', path: '/' }],
    ['//[::1]:8080/a%20b?batch=9&x=#batch=100', { host: '[::1]:8080', path: '/a%20b?batch=9&x=', batch: 100 }],
    ['//h/p;a=1?b;c#connections=4', { path: '/p;a=1?b;c', connections: 4 }],
    [`//h/#secret=${SECRET},old`, { path: '/', secrets: [SECRET, 'old'] }],
    ['//u:p%40w@h/', { authorization: `Basic ${Buffer.from('u:p@w').toString('base64')}` }],
  ])('%s is read', (rest, expected) => {
    expect(parseHttpAddress('http', rest)).toMatchObject(expected)
  })

  it.each([
    ['//H.Example:443', 'https://h.example/'],
    ['//h/a b?c d', 'https://h/a%20b?c%20d'],
    ['//u:p@h/x', 'https://u:***@h/x'],
    [`//h/x#secret=${SECRET}&batch=5`, 'https://h/x#secret=***&batch=5'],
    ['//h/x?token=abc&a=1&apiKey=z#tls_domain=t', 'https://h/x?token=***&a=1&apiKey=***#tls_domain=t'],
    ['//h/x#', 'https://h/x'],
  ])('%s is listed as %s: canonical, without secrets', (rest, text) => {
    expect(parseHttpAddress('https', rest).text).toBe(text)
    expect(parseHttpAddress('https', text.slice(6)).text).toBe(text)
  })

  it('is another with other secrets, and the same however its options are ordered', () => {
    const keyOf = (rest: string) => parseHttpAddress('http', rest).key
    expect(keyOf('//h/#secret=a')).not.toBe(keyOf('//h/#secret=b'))
    expect(keyOf('//u:a@h/')).not.toBe(keyOf('//u:b@h/'))
    expect(keyOf('//h/#secret=a&batch=2')).toBe(keyOf('//H:80/#batch=2&secret=a'))
  })

  it.each([
    [''],
    ['127.0.0.1:8080/hook'],
    ['/hook'],
    ['///hook'],
    ['//'],
    ['//h:99999/'],
    ['//h:0/'],
    ['//h/#batch=0'],
    ['//h/#batch=100000'],
    ['//h/#connections=0'],
    ['//h/#batch'],
    ['//h/#what=1'],
    ['//h/#secret='],
    ['//h/#secret=whsec_'],
    ['//h/#secret=whsec_***'],
    ['//h/#secret=a,,b'],
    ['//h/#tls_domain=x'],
  ])('%j is refused', rest => {
    expect(() => parseHttpAddress('http', rest)).toThrow(AddressError)
  })
})
