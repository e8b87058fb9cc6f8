import { describe, expect, it } from 'vitest'
import { bestReply, priority } from '../../../src/modules/tm/best-reply.ts'
import { destinationUri } from '../../../src/modules/tm/relay.ts'
import { parseRelayFlags } from '../../../src/modules/tm/relay-flags.ts'

describe('the key that orders replies (tm reference, behaviour 5)', () => {
  it.each([
    [603, 303],
    [302, 402],
    [401, 500],
    [407, 501],
    [415, 502],
    [420, 503],
    [484, 504],
    [404, 604],
    [487, 687],
    [500, 700],
    [408, 800],
    [503, 801],
  ])('%i has %i', (status, key) => expect(priority(status, false)).toBe(key))

  it('puts 487 first once the caller has cancelled', () => expect(priority(487, true)).toBe(0))

  it('gives nothing of nothing', () => expect(bestReply([], false)).toBeUndefined())
})

describe('flags of t_relay', () => {
  it.each([
    ['no-auto-477', 2],
    ['no-dns-failover, pass-reason-hdr', 12],
    ['0x05', 5],
    ['2', 2],
    ['udp:127.0.0.1:5060', null],
  ])('%s', (text, bits) => expect(parseRelayFlags(text)).toBe(bits))
})

describe('destination of t_relay', () => {
  it.each([
    ['127.0.0.1', 'sip:127.0.0.1'],
    ['127.0.0.1:5080', 'sip:127.0.0.1:5080'],
    ['tcp:host.example:5080', 'sip:host.example:5080;transport=tcp'],
    ['udp:[::1]:5060', 'sip:[::1]:5060;transport=udp'],
    ['sip:gw.example', 'sip:gw.example'],
    ['no where', null],
  ])('%s', (text, uri) => expect(destinationUri(text)).toBe(uri))
})
