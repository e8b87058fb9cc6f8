import { describe, expect, it } from 'vitest'
import { parseVia } from '../../../src/sip/codec/via.ts'

describe('parseVia', () => {
  it('reads every part', () => {
    const text = 'SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKx;received=10.0.0.1;rport=4000;ttl=1'
    expect(parseVia(text)).toMatchObject({
      protocol: 'SIP',
      version: '2.0',
      transport: 'UDP',
      host: '192.0.2.1',
      port: 5070,
      branch: 'z9hG4bKx',
      received: '10.0.0.1',
      rport: 4000,
      comment: '',
      header: -1,
    })
  })

  it('tells an rport without value from none', () => {
    expect(parseVia('SIP/2.0/UDP h;rport')?.rport).toBe(0)
    expect(parseVia('SIP/2.0/UDP h')?.rport).toBeNull()
    expect(parseVia('SIP/2.0/UDP h;rport=x')?.rport).toBe(0)
  })

  it.each([
    ['SIP/2.0/tls [2001:db8::1]:5061;branch=b', 'TLS', '[2001:db8::1]', 5061],
    ['SIP / 2.0 / TCP   host.example.com : 5060 ; branch = b', 'TCP', 'host.example.com', 5060],
    ['SIP/2.0/UDP under_score;branch=b (a comment)', 'UDP', 'under_score', 0],
    ['SIP/2.0/UNKNOWN\r\n h;branch=b', 'UNKNOWN', 'h', 0],
    ['SIP/2.0/WSS df7jal23ls0d.invalid;branch=b', 'WSS', 'df7jal23ls0d.invalid', 0],
  ])('reads %j', (text, transport, host, port) => {
    expect(parseVia(text)).toMatchObject({ transport, host, port, branch: 'b' })
  })

  it('reads a comment at the end, quotes and parentheses apart', () => {
    expect(parseVia('SIP/2.0/UDP h;x="(";branch=b (a, b)')).toMatchObject({ comment: 'a, b', branch: 'b' })
  })

  it.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0 h',
    'SIP/2.0/UDPh;branch=b',
    'SIP//UDP h',
    '/2.0/UDP h',
    'SIP/2.0/UDP ;branch=b',
    'SIP/2.0/UDP h:;branch=b',
    'SIP/2.0/UDP h:99999',
    'SIP/2.0/UDP h:50x',
    'SIP/2.0/UDP [::1',
    'SIP/2.0/UDP h h2',
    'SIP/2.0/UDP <h>',
  ])('refuses %j', text => {
    expect(parseVia(text)).toBeNull()
  })
})
