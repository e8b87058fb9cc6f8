import { describe, expect, it } from 'vitest'
import { AddressError } from '../../../src/events/transport.ts'
import { EXCHANGE_TYPES, parseRabbitMqAddress } from '../../../transports/rabbitmq/address.ts'
import rabbitmq from '../../../transports/rabbitmq/index.ts'

const at = (host: string, port: number) => [{ host, port }]

const DEFAULTS = {
  user: 'guest',
  password: 'guest',
  servers: at('127.0.0.1', 5672),
  vhost: '/',
  exchange: '',
  exchangeType: undefined,
  tlsDomain: undefined,
  persistent: false,
  mandatory: true,
}

describe('the address of a rabbitmq socket', () => {
  it.each([
    ['127.0.0.1/opensips', { routingKey: 'opensips' }],
    ['guest:guest@127.0.0.1:5672/pike', { routingKey: 'pike' }],
    ['joe@127.0.0.1/q', { user: 'joe', password: 'guest', routingKey: 'q' }],
    ['joe:@127.0.0.1/q', { user: 'joe', password: '', routingKey: 'q' }],
    ['u:p%40s%2Fs@127.0.0.1/q', { user: 'u', password: 'p@s/s', routingKey: 'q' }],
    ['u:a:b@127.0.0.1/q', { user: 'u', password: 'a:b', routingKey: 'q' }],
    ['u:a@b@127.0.0.1/q', { user: 'u', password: 'a@b', routingKey: 'q' }],
    ['[::1]:99/q', { servers: at('::1', 99), routingKey: 'q' }],
    ['[::1]/q', { servers: at('::1', 5672), routingKey: 'q' }],
    ['127.0.0.1/a/b:c?d=e', { exchange: 'a/b:c', routingKey: 'd=e', mandatory: false }],
    ['127.0.0.1/persistent?q', { persistent: true, routingKey: 'q' }],
    ['127.0.0.1/?q', { routingKey: 'q' }],
    ['127.0.0.1/amq.direct?q', { exchange: 'amq.direct', routingKey: 'q', mandatory: false }],
    [
      '127.0.0.1/exchange=ev;persistent?oss.pike',
      { exchange: 'ev', persistent: true, routingKey: 'oss.pike', mandatory: false },
    ],
    ['127.0.0.1/exchange=ev;mandatory?k?k', { exchange: 'ev', routingKey: 'k?k' }],
    ['127.0.0.1/vhost=%2Fvoip?q', { vhost: '/voip', routingKey: 'q' }],
    ['127.0.0.1/tls_domain=rmq?pike', { tlsDomain: 'rmq', servers: at('127.0.0.1', 5671), routingKey: 'pike' }],
    ['127.0.0.1/caf%C3%A9', { routingKey: 'café' }],
    [
      'u,v:p,w@a,[::1]:99,c:1/q',
      { user: 'u,v', password: 'p,w', servers: [at('a', 5672), at('::1', 99), at('c', 1)].flat() },
    ],
    ['a,b:1/tls_domain=t?q', { tlsDomain: 't', servers: [at('a', 5671), at('b', 1)].flat() }],
  ])('of %s is understood', (text, expected) => {
    expect(parseRabbitMqAddress(text, true)).toMatchObject({ ...DEFAULTS, ...expected })
  })

  it.each(EXCHANGE_TYPES)('with an exchange of type %s is understood', exchangeType => {
    const text = `127.0.0.1/exchange=e;exchange_type=${exchangeType}?k`
    expect(parseRabbitMqAddress(text, false)).toMatchObject({ exchange: 'e', exchangeType, mandatory: false })
  })

  it.each([
    ['', 0],
    ['127.0.0.1', 9],
    ['127.0.0.1/', 10],
    ['127.0.0.1/ex?', 13],
    ['/q', 0],
    ['@h/q', 0],
    [':p@h/q', 0],
    ['h:0/q', 2],
    ['h:65536/q', 2],
    ['h:/q', 2],
    ['::1/q', 0],
    ['[::1/q', 4],
    ['[::1]x/q', 5],
    ['h/persistent;durable?q', 13],
    ['h/exchenge=a?q', 2],
    ['h/%zz', 2],
    [',b/q', 0],
    ['a,/q', 2],
    ['a,b:x/q', 4],
    ['h/exchange=e;exchange_type=fan?q', 27],
    ['h/exchange_type=fanout?q', 2],
    ['h/exchange=;exchange_type=fanout?q', 2],
    [`h/${'k'.repeat(256)}`, 2],
    ['h/tls_domain=x?q', 2, false],
  ])('%j is refused and the place is told', (text, offset, useTls = true) => {
    let thrown: unknown
    try {
      parseRabbitMqAddress(text, useTls)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(AddressError)
    expect(thrown).toMatchObject({ text, offset })
  })

  it.each([
    // As the recorded listings print it.
    ['127.0.0.1/golden.rb', 'rabbitmq:guest@127.0.0.1/golden.rb'],
    ['guest:guest@127.0.0.1:5672/golden.rb', 'rabbitmq:guest@127.0.0.1/golden.rb'],
    // Where they could not be read again: the port, the word exchange= and parameters are told.
    ['127.0.0.1:5999/q', 'rabbitmq:guest@127.0.0.1:5999/q'],
    ['h/amq.direct?q', 'rabbitmq:guest@h/exchange=amq.direct?q'],
    ['u:secret@h/exchange=a;mandatory;persistent?q', 'rabbitmq:u:***@h/exchange=a;persistent;mandatory?q'],
    ['h/vhost=%2Fa%3Bb?q', 'rabbitmq:guest@h/vhost=/a%3Bb?q'],
    ['h/tls_domain=t?q', 'rabbitmq:guest@h/tls_domain=t?q'],
    ['[::1]:1/a%20b', 'rabbitmq:guest@[::1]:1/a%20b'],
    ['a:5672,[::1]:1/q%28', 'rabbitmq:guest@a,[::1]:1/q%28'],
    ['h/persistent;exchange_type=topic;exchange=e?q', 'rabbitmq:guest@h/exchange=e;exchange_type=topic;persistent?q'],
  ])('%s prints as %s', (text, printed) => {
    const address = parseRabbitMqAddress(text, true)
    expect(address.text).toBe(printed)
    if (!printed.includes('***'))
      expect(parseRabbitMqAddress(printed.slice('rabbitmq:'.length), true).key).toBe(address.key)
  })

  it('never prints the password', () => {
    expect(parseRabbitMqAddress('u:hunter2@h/q', false).text).not.toContain('hunter2')
  })

  it.each([
    ['h/q', 'h:5672/q', true],
    ['h/q', 'guest:guest@h/persistent?q', false],
    ['u:a@h/q', 'u:b@h/q', false],
    ['h/exchange=e?q', 'h/e?q', true],
    ['h/mandatory?q', 'h/q', true],
    ['h/q', 'h/vhost=v?q', false],
    ['a,b/q', 'a:5672,b/q', true],
    ['a,b/q', 'b,a/q', false],
    ['h/exchange=e?q', 'h/exchange=e;exchange_type=topic?q', false],
  ])('%s and %s: the same socket? %s', (one, two, isSame) => {
    expect(parseRabbitMqAddress(one, false).key === parseRabbitMqAddress(two, false).key).toBe(isSame)
  })

  it.each(rabbitmq.spec.examples)('of the example %s is understood', text => {
    expect(() => parseRabbitMqAddress(text.slice('rabbitmq:'.length), true)).not.toThrow()
  })
})
