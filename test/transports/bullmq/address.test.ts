import { describe, expect, it } from 'vitest'
import { AddressError } from '../../../src/events/transport.ts'
import { parseBullMqAddress } from '../../../transports/bullmq/address.ts'

describe('a bullmq: socket', () => {
  it.each([
    ['127.0.0.1/cdrs', { host: '127.0.0.1', port: 6379, queue: 'cdrs', db: 0, prefix: 'bull', password: undefined }],
    [':s%40e@h:1/q', { user: undefined, password: 's@e', host: 'h', port: 1 }],
    ['u:p@[::1]/q?db=3&prefix=a:b&attempts=4', { user: 'u', host: '::1', db: 3, prefix: 'a:b', attempts: 4 }],
  ])('%s is understood', (text, facts) => {
    expect(parseBullMqAddress(text)).toMatchObject(facts)
  })

  it.each([
    ['127.0.0.1', 'expected "/" and the name of a queue'],
    ['h/', 'expected the name of a queue'],
    ['h/a:b', 'has no ":"'],
    ['u@h/q', 'expected ":" and a password'],
    ['h/q?db=x', 'expected a number after "db="'],
    ['h/q?color=red', 'known are db=, prefix=, attempts=, tls_domain='],
  ])('%s is refused: %s', (text, message) => {
    expect(() => parseBullMqAddress(text)).toThrow(AddressError)
    expect(() => parseBullMqAddress(text)).toThrow(message)
  })

  it('prints no secret, and what it prints without one is the same socket', () => {
    expect(parseBullMqAddress('u:secret@h/q').text).toBe('bullmq:u:***@h/q')
    const address = parseBullMqAddress('h:6379/q?attempts=2&prefix=x&db=1')
    expect(address.text).toBe('bullmq:h/q?db=1&prefix=x&attempts=2')
    expect(parseBullMqAddress(address.text.slice('bullmq:'.length)).key).toBe(address.key)
  })
})
