import { describe, expect, it } from 'vitest'
import { HeaderId, headerIdAt, headerIdOf } from '../../../src/sip/codec/header-id.ts'

/** Full spelling and compact form (IANA SIP header fields). */
const COMPACT: readonly (readonly [string, string, number])[] = [
  ['Via', 'v', HeaderId.via],
  ['From', 'f', HeaderId.from],
  ['To', 't', HeaderId.to],
  ['Call-ID', 'i', HeaderId.callId],
  ['Contact', 'm', HeaderId.contact],
  ['Content-Length', 'l', HeaderId.contentLength],
  ['Content-Type', 'c', HeaderId.contentType],
  ['Content-Encoding', 'e', HeaderId.contentEncoding],
  ['Subject', 's', HeaderId.subject],
  ['Supported', 'k', HeaderId.supported],
  ['Event', 'o', HeaderId.event],
  ['Refer-To', 'r', HeaderId.referTo],
  ['Referred-By', 'b', HeaderId.referredBy],
  ['Reject-Contact', 'j', HeaderId.rejectContact],
  ['Allow-Events', 'u', HeaderId.allowEvents],
  ['Request-Disposition', 'd', HeaderId.requestDisposition],
  ['Session-Expires', 'x', HeaderId.sessionExpires],
  ['Accept-Contact', 'a', HeaderId.acceptContact],
  ['Identity', 'y', HeaderId.identity],
  ['Identity-Info', 'n', HeaderId.identityInfo],
]

describe('headerIdOf', () => {
  it.each(COMPACT)('%s and %s are one header, in any case', (full, compact, id) => {
    expect([full, full.toUpperCase(), compact, compact.toUpperCase()].map(headerIdOf)).toEqual([id, id, id, id])
  })

  it.each([
    ['CSEQ', HeaderId.cseq],
    ['max-forwards', HeaderId.maxForwards],
    ['Record-Route', HeaderId.recordRoute],
    ['P-Asserted-Identity', HeaderId.pAssertedIdentity],
    ['authentication-info', HeaderId.authenticationInfo],
  ])('%s is known', (name, id) => {
    expect(headerIdOf(name)).toBe(id)
  })

  it.each(['', 'X-Via', 'Vi', 'Vias', 'q', 'Call_ID', 'Ŷia', 'Ro\u0000te', 'Ünknown'])('%j is none we know', name => {
    expect(headerIdOf(name)).toBe(HeaderId.other)
  })

  it('reads a name in the middle of bytes', () => {
    expect(headerIdAt(Buffer.from('..call-ID: x'), 2, 9)).toBe(HeaderId.callId)
  })
})
