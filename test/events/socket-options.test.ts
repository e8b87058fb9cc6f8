import { describe, expect, it } from 'vitest'
import { OPTION_DOCS, parseOptions, splitSocket } from '../../src/events/socket-options.ts'
import { AddressError } from '../../src/events/transport.ts'

describe('the options of a subscription', () => {
  it.each([
    ['max_age=90s', { maxAgeMs: 90_000 }],
    ['max_age=2h', { maxAgeMs: 7_200_000 }],
    ['max_age=250ms', { maxAgeMs: 250 }],
    ['max_age=60', { maxAgeMs: 60_000 }],
    ['max_queue=10 max_bytes=2m', { maxQueued: 10, maxQueuedBytes: 2 ** 21 }],
    ['when_full=drop-newest', { overflow: 'drop-newest' }],
    ['when_full=coalesce(aor)', { overflow: { coalesce: 'aor' } }],
    ['key=callid', { key: 'callid' }],
    ['retries=0', { maxAttempts: 1 }],
    ['retries=4 retry_first=1s retry_max=1m', { maxAttempts: 5, backOffMs: { first: 1000, longest: 60_000 } }],
    ['durable', { durable: true }],
    ['durable=no window=1 timeout=3s', { durable: false, maxInFlight: 1, sendTimeoutMs: 3000 }],
  ])('%s', (text, policy) => {
    expect(parseOptions(text)).toEqual({ policy, text: expect.any(String) })
  })

  it('stand in brackets behind the socket', () => {
    const { socket, options } = splitSocket('virtual:PARALLEL udp:[::1]:80 mem:a  [ format=json durable ]')
    expect(socket).toBe('virtual:PARALLEL udp:[::1]:80 mem:a')
    expect(options).toEqual({ format: 'json', policy: { durable: true }, text: 'format=json durable' })
    expect(splitSocket('udp:[::1]:80')).toMatchObject({ socket: 'udp:[::1]:80', options: { text: '' } })
  })

  it('are printed in one order', () => {
    expect(parseOptions('key=aor max_age=1m format=text').text).toBe('format=text max_age=1m key=aor')
  })

  it.each([
    ['mem:a [colour=red]', 'there is no option "colour"', 7],
    ['mem:a [max_age=1s max_age=2s]', 'max_age is given twice', 18],
    ['mem:a [max_age=soon]', 'max_age is a time such as 90s', 7],
    ['mem:a [max_queue=0]', 'max_queue is a number from 1 on', 7],
    ['mem:a [when_full=explode]', 'when_full is one of drop-oldest, drop-newest, spool, coalesce(field)', 7],
    ['mem:a [when_full=coalesce()]', 'when_full is the name of a field', 7],
    ['mem:a [format=xml]', 'format is one of jsonrpc', 7],
  ])('%s is refused', (text, message, offset) => {
    expect(() => splitSocket(text)).toThrow(AddressError)
    expect(() => splitSocket(text)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(message), offset }),
    )
  })

  it('are all documented', () => {
    for (const { name, doc } of OPTION_DOCS) expect([name, doc.endsWith('.')]).toEqual([name, true])
  })
})
