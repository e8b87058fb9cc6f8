import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerableChallenge, formatChallenge, parseChallenge } from '../../../src/sip/digest/challenge.ts'
import { answerChallenge, formatCredentials, readCredentials } from '../../../src/sip/digest/credentials.ts'
import { digestResponse, passwordHash } from '../../../src/sip/digest/response.ts'

const FULL = 'Digest username="bob", realm="r", nonce="n", uri="sip:r", response="00"'

describe('readCredentials', () => {
  it('reads every field, names in any case, blanks anywhere', () => {
    const header = `dIgEsT  UserName = "bob" ,, REALM="a, \\"b\\"",nonce="n",uri=sip:r;x=1,response="00",qop="auth",nc=00000001,cnonce="c",opaque="",algorithm=sha-256,unknown=1`
    expect(readCredentials(header)).toEqual({
      kind: 'digest',
      credentials: {
        username: 'bob',
        realm: 'a, \\"b\\"',
        nonce: 'n',
        uri: 'sip:r;x=1',
        response: '00',
        algorithm: 'SHA-256',
        algorithmText: 'sha-256',
        qop: 'auth',
        nc: '00000001',
        cnonce: 'c',
        opaque: '',
      },
    })
  })

  it.each([
    ['no response', 'Digest username="bob", realm="r", nonce="n", uri="sip:r"'],
    ['no user name', 'Digest realm="r", nonce="n", uri="sip:r", response="00"'],
    ['a bare token', `${FULL}, bare`],
    ['an open quote', `${FULL}, opaque="x`],
    ['an open quote that ends in a backslash', `${FULL}, opaque="x\\`],
    ['a missing value', `${FULL}, opaque=`],
    ['a missing comma', 'Digest realm="r" username="bob"'],
    ['a repeated parameter', `${FULL}, realm="r"`],
    ['qop without cnonce', `${FULL}, qop=auth, nc=00000001`],
    ['qop without nc', `${FULL}, qop=auth, cnonce="c"`],
    ['a huge nc', `${FULL}, qop=auth, cnonce="c", nc=${'9'.repeat(5000)}`],
    ['an unknown qop', `${FULL}, qop=auth-conf, cnonce="c", nc=00000001`],
    ['a session algorithm without cnonce', `${FULL}, algorithm=MD5-sess`],
    ['too many parameters', `${FULL}${Array.from({ length: 100 }, (_, i) => `, p${i}=1`).join('')}`],
  ])('calls it malformed: %s', (_, header) => {
    expect(readCredentials(header)).toMatchObject({ kind: 'malformed', realm: 'r' })
  })

  it('leaves other schemes alone', () => {
    expect(readCredentials('NoOneKnowsThisScheme opaque-data=here')).toEqual({ kind: 'other' })
    expect(readCredentials('')).toEqual({ kind: 'other' })
    expect(readCredentials('DigestX realm="r"')).toEqual({ kind: 'other' })
  })

  it('never throws, whatever stands there', () => {
    fc.assert(fc.property(fc.string(), tail => void readCredentials(`Digest ${tail}`)))
  })

  it('reads a long hostile header in one pass', () => {
    expect(readCredentials(`Digest ${'realm="\\'.repeat(20_000)}`).kind).toBe('malformed')
  })
})

describe('parseChallenge', () => {
  it('reads what formatChallenge wrote, the realm escaped', () => {
    const header = formatChallenge({
      realm: 'a "b"',
      nonce: 'n',
      qops: ['auth', 'auth-int'],
      stale: true,
      algorithm: 'SHA-256',
    })
    expect(header).toBe('Digest realm="a \\"b\\"", nonce="n", qop="auth,auth-int", stale=true, algorithm=SHA-256')
    expect(parseChallenge(header)).toEqual({
      realm: 'a \\"b\\"',
      nonce: 'n',
      opaque: null,
      stale: true,
      algorithm: 'SHA-256',
      algorithmText: 'SHA-256',
      qops: ['auth', 'auth-int'],
      hasQop: true,
    })
  })

  it.each(['Basic realm="r"', 'Digest nonce="n"', 'Digest realm="r"', 'Digest realm="r", nonce="n'])(
    'gives null for %s',
    header => {
      expect(parseChallenge(header)).toBeNull()
    },
  )
})

describe('answering a challenge', () => {
  const secret = { password: 'zanzibar' }
  const answer = { username: 'bob', secret, method: 'INVITE', uri: 'sip:r', body: '', cnonce: 'c', count: 17 }
  const challenges = (...headers: string[]) =>
    headers.flatMap(header => {
      const challenge = parseChallenge(header)
      return challenge === null ? [] : [challenge]
    })

  it('takes the first challenge that can be answered (RFC 8760 §2.4)', () => {
    const found = answerableChallenge(
      challenges(
        'Digest realm="r", nonce="1", algorithm=SHA-3',
        'Digest realm="r", nonce="2", qop="other"',
        'Digest realm="r", nonce="3", algorithm=SHA-256, qop="auth-int,auth"',
        'Digest realm="r", nonce="4"',
      ),
    )
    expect(found?.nonce).toBe('3')
  })

  it('gives credentials that the server reads and computes alike', () => {
    const [challenge] = challenges('Digest realm="r", nonce="n", algorithm=sha-256, qop="auth-int,auth", opaque="o"')
    const given = answerChallenge(challenge!, answer)
    expect(given).toMatchObject({ qop: 'auth', nc: '00000011', cnonce: 'c', opaque: 'o', algorithmText: 'sha-256' })
    expect(readCredentials(formatCredentials(given!))).toEqual({ kind: 'digest', credentials: given })
    const ha1 = passwordHash('SHA-256', 'bob', 'r', 'zanzibar')
    expect(given?.response).toBe(
      digestResponse({ ...answer, algorithm: 'SHA-256', ha1, nonce: 'n', qop: 'auth', nc: '00000011' }),
    )
  })

  it('answers without qop and cnonce where none is offered, and by a stored hash', () => {
    const [challenge] = challenges('Digest realm="r", nonce="n"')
    const byPassword = answerChallenge(challenge!, answer)
    const ha1 = passwordHash('MD5', 'bob', 'r', 'zanzibar')
    expect(answerChallenge(challenge!, { ...answer, secret: { ha1 } })).toEqual(byPassword)
    expect(formatCredentials(byPassword!)).toBe(
      `Digest username="bob", realm="r", nonce="n", uri="sip:r", response="${byPassword?.response}"`,
    )
  })

  it('gives null where it does not know the algorithm or any qop', () => {
    const [unknown, strange] = challenges(
      'Digest realm="r", nonce="n", algorithm=SHA-3',
      'Digest realm="r", nonce="n", qop="conf"',
    )
    expect(answerChallenge(unknown!, answer)).toBeNull()
    expect(answerChallenge(strange!, answer)).toBeNull()
  })
})
