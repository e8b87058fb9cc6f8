import { describe, expect, it } from 'vitest'
import type { LoadedDomain } from '../../../src/modules/tls_mgm/domain.ts'
import { DOMAIN_PARAMS, domainsOf, type GivenDomains } from '../../../src/modules/tls_mgm/domain-settings.ts'
import { DomainTable } from '../../../src/modules/tls_mgm/domains.ts'

const given = (params: Partial<Record<string, readonly string[]>>): GivenDomains =>
  Object.fromEntries(
    ['server_domain', 'client_domain', ...DOMAIN_PARAMS].map(name => [name, params[name] ?? []]),
  ) as unknown as GivenDomains

const table = (params: Partial<Record<string, readonly string[]>>): DomainTable =>
  new DomainTable(domainsOf(given(params)).map(settings => ({ settings, name: settings.name }) as LoadedDomain))

describe('TLS domains of the script', () => {
  it('take what is written for them, in any order of lines', () => {
    const [server, client] = domainsOf(
      given({
        server_domain: ['sv=192.0.2.1:5061'],
        client_domain: ['cl'],
        certificate: ['[sv]/a.pem', '[cl] /b.pem '],
        verify_cert: ['[cl]0'],
        match_sip_domain: ['[cl]Example.com, *.example.net'],
      }),
    )
    expect(server).toMatchObject({ name: 'sv', role: 'server', addresses: [{ host: '192.0.2.1', port: 5061 }] })
    expect(server).toMatchObject({ certificate: { file: '/a.pem' }, verifies: true, requires: true })
    expect(client).toMatchObject({ name: 'cl', role: 'client', certificate: { file: '/b.pem' }, verifies: false })
    expect(client?.names.map(({ text }) => text)).toEqual(['example.com', '*.example.net'])
  })

  it('without a name in brackets the value is for `default`, in both roles', () => {
    expect(domainsOf(given({ certificate: ['/a.pem'] })).map(({ name, role }) => `${role} ${name}`)).toEqual([
      'server default',
      'client default',
    ])
  })

  it.each<[Partial<Record<string, readonly string[]>>, string]>([
    [{ certificate: ['[nobody]/a.pem'] }, 'no TLS domain is called "nobody"'],
    [{ server_domain: ['sv'], verify_cert: ['[sv]yes'] }, 'verify_cert is "yes", expected 0 or 1'],
    [{ server_domain: ['sv'], match_ip_address: ['[sv]a b'] }, 'match_ip_address holds "a b"'],
    [{ server_domain: [''] }, 'server_domain: expected a name'],
  ])('%j is refused: %s', (params, message) => {
    expect(() => domainsOf(given(params))).toThrow(message)
  })
})

describe('of several TLS domains', () => {
  const domains = table({
    server_domain: ['any', 'port', 'none', 'name', 'pattern'],
    client_domain: ['c-any', 'c-gw', 'c-addr'],
    match_ip_address: ['[port]192.0.2.1:5061,[2001:db8::1]:5061', '[c-addr]192.0.2.9:5061'],
    match_sip_domain: ['[none]none', '[name]a.example.com', '[pattern]*.example.com', '[c-gw]gw.example.com'],
  })

  it.each([
    ['192.0.2.1', 5061, null, 'port'],
    ['2001:db8:0::1', 5061, 'x.example.org', 'port'],
    ['192.0.2.1', 5062, null, 'none'],
    ['192.0.2.2', 5061, 'A.example.com', 'name'],
    ['192.0.2.2', 5061, 'b.example.com', 'pattern'],
    ['192.0.2.2', 5061, 'b.example.org', 'any'],
  ])('a connection to %s:%i for %s gets %s', (address, port, name, expected) => {
    expect(domains.server(address, port, name)?.name).toBe(expected)
  })

  it.each([
    ['192.0.2.9', 'gw.example.com', undefined, 'c-addr'],
    ['192.0.2.8', 'gw.example.com', undefined, 'c-gw'],
    ['192.0.2.8', 'other.example.com', undefined, 'c-any'],
    ['192.0.2.8', 'gw.example.com', 'c-addr', 'c-addr'],
    ['192.0.2.8', 'gw.example.com', 'unknown', undefined],
  ])('a connection to %s, found by %s, with %s chosen, gets %s', (address, name, tlsDomain, expected) => {
    const hop = { proto: 'tls', address, port: 5061, connectionId: 0, name } as const
    expect(domains.client(tlsDomain === undefined ? hop : { ...hop, tlsDomain })?.name).toBe(expected)
  })
})
