import { describe, expect, it } from 'vitest'
import { isSecret, signatures, signingKey } from '../../../transports/http/signature.ts'

/** The example that libraries of Standard Webhooks verify themselves by. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const BODY = Buffer.from('{"test": 2432232314}')
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='

describe('the signature of a webhook', () => {
  it('is that of the published example', () => {
    expect(signatures([signingKey(SECRET)], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, BODY)).toBe(SIGNATURE)
  })

  it('is one for each secret, with blanks between', () => {
    const other = signingKey('whsec_AAAA')
    const both = signatures([signingKey(SECRET), other], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, BODY)
    expect(both.split(' ')).toEqual([SIGNATURE, expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/)])
  })

  it.each([
    [SECRET, true],
    ['whsec_AAAA', true],
    ['whsec_AA==', true],
    ['whsec_', false],
    ['whsec_a', false],
    ['whsec_A-_A', false],
    ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', false],
  ])('a secret is whsec_ and base64: %s', (text, is) => {
    expect(isSecret(text)).toBe(is)
  })
})
