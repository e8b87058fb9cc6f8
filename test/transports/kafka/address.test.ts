import { describe, expect, it } from 'vitest'
import { AddressError } from '../../../src/events/transport.ts'
import { parseKafkaAddress } from '../../../transports/kafka/address.ts'
import { settingsOf } from '../../../transports/kafka/properties.ts'

describe('a kafka: socket', () => {
  it.each([
    ['127.0.0.1:9092/topic1', { brokers: [{ host: '127.0.0.1', port: 9092 }], topic: 'topic1', properties: [] }],
    [
      'a:1,b:2/t?t.message.timeout.ms=1000&key=callid',
      { keyField: 'callid', properties: [['message.timeout.ms', '1000']] },
    ],
    ['[::1]/t?tls_domain=d', { brokers: [{ host: '::1', port: 9092 }], tlsDomain: 'd' }],
  ])('%s is understood', (text, facts) => {
    expect(parseKafkaAddress(text)).toMatchObject(facts)
  })

  it.each([
    ['h:9092', 'expected "/" and a topic'],
    ['h/', 'expected a topic'],
    ['h/a b', 'expected a topic'],
    ['h/t?', 'expected a property'],
    ['h/t?acks=1', 'unknown property "acks"'],
    ['h/t?g.acks', 'expected name=value'],
  ])('%s is refused: %s', (text, message) => {
    expect(() => parseKafkaAddress(text)).toThrow(AddressError)
    expect(() => parseKafkaAddress(text)).toThrow(message)
  })

  it('prints no secret', () => {
    const { text } = parseKafkaAddress('h/t?g.sasl.username=u&g.sasl.password=secret')
    expect(text).toBe('kafka:h/t?g.sasl.username=u&g.sasl.password=***')
  })
})

describe('properties of a kafka: socket', () => {
  const settings = (query: string) => settingsOf(parseKafkaAddress(`h/t?${query}`), 3000)

  it('ask all replicas and are idempotent unless they say otherwise', () => {
    expect(settings('key=x').settings).toMatchObject({ acks: -1, isIdempotent: true })
    expect(settings('t.acks=1').settings).toMatchObject({ acks: 1, isIdempotent: false })
    expect(settings('t.acks=0&g.enable.idempotence=true').settings).toMatchObject({ acks: -1, isIdempotent: true })
  })

  it('read names of librdkafka', () => {
    const query =
      'g.client.id=me&g.security.protocol=sasl_ssl&g.sasl.mechanism=SCRAM-SHA-256&g.sasl.username=u&g.sasl.password=p'
    expect(settings(query)).toMatchObject({
      settings: { clientId: 'me', isTls: true, sasl: { mechanism: 'scram-sha-256', username: 'u', password: 'p' } },
      ignored: [],
    })
  })

  it.each([
    ['g.security.protocol=ssl&g.sasl.username=u&g.sasl.password=p', 'sasl.username'],
    ['g.security.protocol=sasl_plaintext', 'security.protocol'],
  ])('log in only where the protocol that is named and the user agree: %s', (query, named) => {
    const { settings: read, ignored } = settings(query)
    expect(read.sasl).toBeUndefined()
    expect(ignored.map(([name]) => name)).toEqual([named])
  })

  it('log in with a user where no protocol is named', () => {
    const { settings: read, ignored } = settings('g.sasl.username=u&g.sasl.password=p')
    expect([read.sasl, ignored]).toEqual([{ mechanism: 'plain', username: 'u', password: 'p' }, []])
  })

  it('that mean nothing here are named with the reason', () => {
    expect(settings('g.queue.buffering.max.ms=5&t.compression.type=zstd').ignored).toEqual([
      ['compression.type', '"zstd" is none of none, gzip'],
      ['queue.buffering.max.ms', 'it has no counterpart here'],
    ])
  })
})
