import { describe, expect, it } from 'vitest'
import { findHeadersEnd, frame } from '../../../src/sip/codec/frame.ts'

const LIMITS = { maxHeaderBytes: 1000, maxMessageBytes: 2000 }
const HEAD = 'OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\n'
const WHOLE = `${HEAD}Content-Length: 4\r\n\r\nbody`

const first = (text: string, start = 0) => {
  const bytes = Buffer.from(text)
  return frame(bytes, start, bytes.length, LIMITS)
}

describe('frame', () => {
  it('finds a message by its Content-Length', () => {
    expect(first(WHOLE)).toEqual({ kind: 'message', end: WHOLE.length })
  })

  it('finds one message after the other', () => {
    expect(first(WHOLE + WHOLE)).toEqual({ kind: 'message', end: WHOLE.length })
    expect(first(WHOLE + WHOLE, WHOLE.length)).toEqual({ kind: 'message', end: 2 * WHOLE.length })
  })

  it('passes over a single line end, and takes two for a ping (RFC 5626 §4.4.1)', () => {
    expect(first(`\r\n${WHOLE}`)).toEqual({ kind: 'message', end: WHOLE.length + 2 })
    expect(first(`\r\n\r\n${WHOLE}`)).toEqual({ kind: 'ping', end: 4 })
  })

  it.each(['', '\r', '\r\n', '\r\n\r', '\n\n'])('has not started with %j', text => {
    expect(first(text)).toMatchObject({ kind: 'incomplete', started: false })
  })

  it('comes to the same end when the bytes come one by one', () => {
    const bytes = Buffer.from(`\r\n${WHOLE}`)
    let resume = 0
    for (let end = 1; end < bytes.length; end++) {
      const found = frame(bytes, 0, end, LIMITS, resume)
      expect(found.kind).toBe('incomplete')
      if (found.kind === 'incomplete') resume = found.resume
    }
    expect(frame(bytes, 0, bytes.length, LIMITS, resume)).toEqual({ kind: 'message', end: bytes.length })
  })

  it('says how far the buffer must reach once the headers are there', () => {
    expect(first(WHOLE.slice(0, -1))).toMatchObject({ kind: 'incomplete', started: true, need: WHOLE.length })
    expect(first(HEAD)).toMatchObject({ kind: 'incomplete', started: true, need: 0 })
  })

  it.each([
    ['l:4\n\nbody', 'message'],
    ['Content-Length\t:\r\n 4\r\n\r\nbody', 'message'],
    ['Content-Length: 4\r\nl: 04\r\n\r\nbody', 'message'],
  ])('reads the length in %j', (rest, kind) => {
    expect(first(HEAD + rest).kind).toBe(kind)
  })

  it.each([
    ['GET / HTTP/1.1\r\n', 'not-sip'],
    ['\x16\x03\x01', 'not-sip'],
    ['INVITE\r\n\r\n', 'not-sip'],
    [`${HEAD}\r\n`, 'no-content-length'],
    [`${HEAD}Content-Length: -1\r\n\r\n`, 'bad-content-length'],
    [`${HEAD}Content-Length: x\r\n\r\n`, 'bad-content-length'],
    [`${HEAD}Content-Length:\r\n\r\n`, 'bad-content-length'],
    [`${HEAD}l: 1\r\nl: 2\r\n\r\n`, 'bad-content-length'],
    [`${HEAD}l: 99999999999999999999\r\n\r\n`, 'bad-content-length'],
    [`${HEAD}l: 2000\r\n\r\n`, 'message-too-large'],
    [`${HEAD}X: ${'x'.repeat(1000)}`, 'headers-too-large'],
    [`${HEAD}X: ${'x'.repeat(1000)}\r\n\r\n`, 'headers-too-large'],
  ])('gives up on %j', (text, reason) => {
    expect(first(text)).toMatchObject({ kind: 'bad', reason })
  })

  it('says where the headers ended, for a reply before closing', () => {
    const text = `${HEAD}\r\nrest`
    expect(first(text)).toMatchObject({ kind: 'bad', headersEnd: HEAD.length + 2 })
    expect(first('GET / HTTP/1.1\r\n')).toMatchObject({ kind: 'bad', headersEnd: -1 })
  })
})

describe('findHeadersEnd', () => {
  it.each([
    ['a\r\n\r\nb', 5],
    ['a\n\nb', 3],
    ['a\n\r\nb', 4],
    ['a\r\n', -1],
    ['a\r\n\r', -1],
    ['', -1],
  ])('of %j is %d', (text, end) => {
    expect(findHeadersEnd(Buffer.from(text), 0, text.length)).toBe(end)
  })
})
