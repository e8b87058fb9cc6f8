import { describe, expect, it } from 'vitest'
import { redirectContacts } from '../../../src/sip/tx/redirect.ts'

const at = (uri: string, q = -1) => ({ uri, q })

describe('Contact of a 3xx (RFC 3261 §8.3)', () => {
  it('names the changed Request-URI and the branches, with their q values', () => {
    const line = redirectContacts('sip:bob@a', at('sip:bob@b', 700), [at('sip:bob@c'), at('sip:bob@d', 1000)])
    expect(line).toBe('Contact: <sip:bob@b>;q=0.7, <sip:bob@c>, <sip:bob@d>;q=1\r\n')
  })

  it('leaves the received Request-URI out', () => {
    expect(redirectContacts('sip:bob@a', at('sip:bob@a'), [at('sip:bob@c')])).toBe('Contact: <sip:bob@c>\r\n')
  })

  it('is nothing when there is nowhere else', () => {
    expect(redirectContacts('sip:bob@a', at('sip:bob@a'), [])).toBe('')
  })
})
