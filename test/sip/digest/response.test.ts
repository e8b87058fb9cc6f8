import { describe, expect, it } from 'vitest'
import {
  type DigestInput,
  digestAlgorithm,
  digestHash,
  digestResponse,
  hashOf,
  passwordHash,
  sameDigest,
} from '../../../src/sip/digest/response.ts'

interface Vector extends Partial<DigestInput> {
  readonly title: string
  readonly username: string
  readonly realm: string
  readonly password: string
  readonly nonce: string
  readonly uri: string
  readonly expected: string
}

const mufasa = {
  username: 'Mufasa',
  realm: 'testrealm@host.com',
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  uri: '/dir/index.html',
}
const httpAuth = {
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  password: 'Circle of Life',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  uri: '/dir/index.html',
  qop: 'auth',
  nc: '00000001',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
} as const
const bob = {
  username: 'bob',
  realm: 'biloxi.com',
  password: 'zanzibar',
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  uri: 'sip:bob@biloxi.com',
  method: 'INVITE',
}

const VECTORS: readonly Vector[] = [
  {
    ...mufasa,
    title: 'RFC 2617 §3.5, qop auth',
    password: 'Circle Of Life',
    qop: 'auth',
    nc: '00000001',
    cnonce: '0a4f113b',
    expected: '6629fae49393a05397450978507c4ef1',
  },
  {
    ...mufasa,
    title: 'RFC 2069 §2.4 as corrected by its erratum 749, without qop',
    password: 'CircleOfLife',
    expected: '1949323746fe6a43ef61f9606e7febea',
  },
  { ...httpAuth, title: 'RFC 7616 §3.9.1, MD5', expected: '8ca523f5e9506fed4657c9700eebdbec' },
  {
    ...httpAuth,
    title: 'RFC 7616 §3.9.1, SHA-256',
    algorithm: 'SHA-256',
    expected: '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  },
  { ...bob, title: 'a SIP request without qop', expected: 'bf57e4e0d0bffc0fbaedce64d59add5e' },
  {
    ...bob,
    title: 'a SIP request with qop auth',
    qop: 'auth',
    nc: '00000001',
    cnonce: '0a4f113b',
    expected: '89eb0059246c02b2f6ee02c7961d5ea3',
  },
]

function respond({ username, realm, password, ...input }: Omit<Vector, 'title' | 'expected'>): string {
  const algorithm = input.algorithm ?? 'MD5'
  const ha1 = passwordHash(hashOf(algorithm), username, realm, password)
  return digestResponse({ qop: null, nc: '', cnonce: '', method: 'GET', body: '', ...input, algorithm, ha1 })
}

describe('digestResponse', () => {
  it.each(VECTORS)('gives the published response: $title', ({ title, expected, ...vector }) => {
    expect(respond(vector)).toBe(expected)
  })

  it('hashes the body under qop auth-int (RFC 7616 §3.4.3)', () => {
    const h = (text: string) => digestHash('SHA-256', text)
    const body = 'v=0\r\n'
    const expected = h(
      `${h('bob:biloxi.com:zanzibar')}:${bob.nonce}:00000001:c:auth-int:${h(`INVITE:${bob.uri}:${h(body)}`)}`,
    )
    const input = { ...bob, algorithm: 'SHA-256', qop: 'auth-int', nc: '00000001', cnonce: 'c' } as const
    expect(respond({ ...input, body })).toBe(expected)
    expect(respond({ ...input, body: 'v=1\r\n' })).not.toBe(expected)
  })

  it.each(['MD5-sess', 'SHA-256-sess', 'SHA-512-256-sess'] as const)(
    'makes the key of %s of the stored hash and both nonces (RFC 7616 §3.4.2)',
    algorithm => {
      const h = (text: string) => digestHash(hashOf(algorithm), text)
      const key = h(`${h('bob:biloxi.com:zanzibar')}:${bob.nonce}:c`)
      const expected = h(`${key}:${bob.nonce}:00000001:c:auth:${h(`INVITE:${bob.uri}`)}`)
      expect(respond({ ...bob, algorithm, qop: 'auth', nc: '00000001', cnonce: 'c' })).toBe(expected)
    },
  )

  it('takes a stored hash in capitals', () => {
    const ha1 = passwordHash('MD5', 'bob', 'biloxi.com', 'zanzibar')
    const input = { ...bob, algorithm: 'MD5', qop: null, nc: '', cnonce: '', body: '' } as const
    expect(digestResponse({ ...input, ha1: ha1.toUpperCase() })).toBe(digestResponse({ ...input, ha1 }))
  })
})

describe('digestHash', () => {
  it('is SHA-512/256, not a cut SHA-512 (RFC 7616 §3.9.2 as corrected by its erratum 4897)', () => {
    const hash = '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b'
    expect(digestHash('SHA-512-256', 'Jäsøn Doe:api@example.org')).toBe(hash)
  })
})

describe('digestAlgorithm', () => {
  it('knows names in any case, MD5 by absence, and nothing else', () => {
    expect(digestAlgorithm('sha-512-256')).toBe('SHA-512-256')
    expect(digestAlgorithm('md5-SESS')).toBe('MD5-sess')
    expect(digestAlgorithm(null)).toBe('MD5')
    expect(digestAlgorithm('AKAv1-MD5')).toBeNull()
    expect(digestAlgorithm('constructor')).toBeNull()
  })
})

describe('sameDigest', () => {
  it('compares in any case and never throws for texts of different length', () => {
    expect(sameDigest('AB12', 'ab12')).toBe(true)
    expect(sameDigest('ab12', 'ab13')).toBe(false)
    expect(sameDigest('ab12', 'ab1')).toBe(false)
    expect(sameDigest('', '')).toBe(true)
  })
})
