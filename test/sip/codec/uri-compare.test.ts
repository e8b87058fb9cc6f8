import { describe, expect, it } from 'vitest'
import { sameUri } from '../../../src/sip/codec/uri.ts'

const SAME: readonly (readonly [string, string])[] = [
  ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
  ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
  [
    'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
    'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
  ],
  [
    'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
  ],
]

const DIFFERENT: readonly (readonly [string, string])[] = [
  ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
  ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
  ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
]

describe('sameUri, by the examples of RFC 3261 §19.1.4', () => {
  it.each(SAME)('%s is %s', (a, b) => {
    expect([sameUri(a, b), sameUri(b, a)]).toEqual([true, true])
  })
  it.each(DIFFERENT)('%s is not %s', (a, b) => {
    expect([sameUri(a, b), sameUri(b, a)]).toEqual([false, false])
  })
})

describe('sameUri, by the rules of RFC 3261 §19.1.4', () => {
  it.each([
    ['sip:a@h', 'sips:a@h'],
    ['sip:a:x@h', 'sip:a:X@h'],
    ['sip:a@h', 'sip:a@h;user=phone'],
    ['sip:a@h', 'sip:a@h;ttl=1'],
    ['sip:a@h', 'sip:a@h;maddr=h'],
    ['sip:a@h', 'sip:a@h;method=INVITE'],
    ['sip:a;b@h', 'sip:a%3Bb@h'],
    ['sip:%00@h', 'sip:%00%00@h'],
    ['sip:a@h?x=1', 'sip:a@h?x=2'],
    ['sip:a@h', 'tel:1'],
    ['sip:a@h', 'sip:a@'],
  ])('%s is not %s', (a, b) => {
    expect([sameUri(a, b), sameUri(b, a)]).toEqual([false, false])
  })

  it.each([
    ['sip:a%2dB@H', 'sip:a-B@h'],
    ['sip:%c3%a9@h', 'sip:é@h'],
    ['sip:a%3bb@h', 'sip:a%3Bb@h'],
    ['sip:a@h;lr', 'sip:a@h;lr='],
    ['sip:a@h?X=1', 'sip:a@h?x=1'],
  ])('%s is %s', (a, b) => {
    expect([sameUri(a, b), sameUri(b, a)]).toEqual([true, true])
  })
})

describe('sameUri of other schemes', () => {
  it.each([
    ['tel:+1-201-555-0123', 'TEL:+12015550123'],
    ['tel:7042;phone-context=EXAMPLE.com;ext=1-2', 'tel:7042;ext=12;phone-context=example.com'],
    ['urn:service:sos', 'URN:service:sos'],
  ])('%s is %s', (a, b) => {
    expect(sameUri(a, b)).toBe(true)
  })
  it.each([
    ['tel:7042;phone-context=a.example', 'tel:7042'],
    ['tel:7042', 'tel:7043'],
    ['urn:a', 'urn:A'],
  ])('%s is not %s', (a, b) => {
    expect(sameUri(a, b)).toBe(false)
  })
})
