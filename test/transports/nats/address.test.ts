import { describe, expect, it } from 'vitest'
import { AddressError } from '../../../src/events/transport.ts'
import { parseNatsAddress } from '../../../transports/nats/address.ts'

describe('a nats: socket', () => {
  it.each([
    ['127.0.0.1/sip', { servers: [{ host: '127.0.0.1', port: 4222 }], subject: 'sip', isJetStream: false }],
    ['[::1]:4333/a.b', { servers: [{ host: '::1', port: 4333 }], subject: 'a.b' }],
    [
      'a,b:1,[::2]/s',
      {
        servers: [
          { host: 'a', port: 4222 },
          { host: 'b', port: 1 },
          { host: '::2', port: 4222 },
        ],
      },
    ],
    ['tok%40en@h/s', { login: { kind: 'token', token: 'tok@en' } }],
    ['u:p%3A%2Fw@h/s', { login: { kind: 'user', user: 'u', password: 'p:/w' } }],
    ['h/sip.{event}?jetstream', { subject: 'sip.{event}', isJetStream: true, stream: undefined }],
    ['h/s?stream=CDRS&tls_domain=d', { isJetStream: true, stream: 'CDRS', tlsDomain: 'd' }],
  ])('%s is understood', (text, facts) => {
    expect(parseNatsAddress(text)).toMatchObject(facts)
  })

  it.each([
    ['127.0.0.1', 9, 'expected "/" and a subject'],
    ['h/', 2, 'expected a subject'],
    ['h/a..b', 2, 'no empty token'],
    ['h/a.>', 2, 'no wildcard ">"'],
    ['h/a?speed=9', 4, 'unknown option "speed"'],
    ['h/a?jetstream=1', 13, 'takes no value'],
    ['h:99999/a', 2, 'expected a port'],
    ['@h/a', 0, 'expected a token'],
    ['[::1/a', 4, 'expected "]"'],
  ])('%s is refused at offset %i: %s', (text, offset, message) => {
    const parse = (): unknown => parseNatsAddress(text)
    expect(parse).toThrow(AddressError)
    expect(parse).toThrow(message)
    try {
      parse()
    } catch (error) {
      expect((error as AddressError).offset).toBe(offset)
    }
  })

  it('prints no secret, and what it prints without one is the same socket', () => {
    expect(parseNatsAddress('secret@h/s').text).toBe('nats:***@h/s')
    expect(parseNatsAddress('u:secret@h/s').text).toBe('nats:u:***@h/s')
    const address = parseNatsAddress('a:4222,b:1/x%3F?jetstream')
    expect(address.text).toBe('nats:a,b:1/x%3F?jetstream')
    expect(parseNatsAddress(address.text.slice('nats:'.length)).key).toBe(address.key)
  })

  it('is another socket with another secret', () => {
    expect(parseNatsAddress('a@h/s').key).not.toBe(parseNatsAddress('b@h/s').key)
  })
})
