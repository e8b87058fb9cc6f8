import { describe, expect, it } from 'vitest'
import { compileText, contextOf, INVITE, readValue } from './harness.ts'

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 10.0.0.1',
  's=-',
  'c=IN IP4 10.0.0.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 0 8',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'm=video 4002 RTP/AVP 31',
  'c=IN IP4 10.0.0.2',
]
const body = (lines: readonly string[]): string => lines.map(line => `${line}\r\n`).join('')
const withBody = (type = 'application/sdp', text = body(SDP)) =>
  contextOf(
    INVITE.replace('text/plain', type)
      .replace(/Content-Length: *\d+/i, `Content-Length: ${text.length}`)
      .replace(/\n\n[\s\S]*$/, `\n\n${text}`),
  )

/** What `$sdp` is after an assignment, line by line; null where it was refused. */
function after(name: string, value: string | null): readonly string[] | null {
  const m = withBody()
  const { access } = compileText('route { exit; }')
  if (!access.variable(name).set(m, value)) return null
  return String(readValue('$sdp', m))
    .split('\r\n')
    .filter(line => line !== '')
}

describe('the session description', () => {
  it.each([
    ['$sdp', body(SDP)],
    ['$sdp.line(c)', 'c=IN IP4 10.0.0.1'],
    ['$(sdp.line(c)[1])', 'c=IN IP4 10.0.0.2'],
    ['$(sdp.line(c=)[-1])', 'c=IN IP4 10.0.0.2'],
    ['$(sdp.line(a=rtpmap)[1])', 'a=rtpmap:8 PCMA/8000'],
    ['$(sdp.line(a=rtpmap)[*])', 'a=rtpmap:0 PCMU/8000, a=rtpmap:8 PCMA/8000'],
    ['$sdp.line(b)', null],
    ['$sdp.session(c)', 'c=IN IP4 10.0.0.1'],
    ['$(sdp.session(c)[1])', null],
    ['$sdp.stream(video)', body(SDP.slice(8))],
    ['$sdp.stream(0)', body(SDP.slice(5, 8))],
    ['$sdp.stream(1/c)', 'c=IN IP4 10.0.0.2'],
    ['$sdp.stream(audio/a=rtpmap:8)', 'a=rtpmap:8 PCMA/8000'],
    ['$sdp.stream(text)', null],
  ])('%s reads as %j', (name, value) => {
    expect(readValue(name, withBody())).toBe(value)
  })

  it.each<[string, string | null, readonly string[] | null]>([
    ['$sdp', 'v=0\r\n', ['v=0']],
    ['$sdp', null, null],
    ['$sdp.line(s)', 's=call', SDP.with(2, 's=call')],
    ['$(sdp.line(c)[1])', null, SDP.slice(0, 9)],
    ['$sdp.session(c)', 'c=IN IP4 1.1.1.1', SDP.with(3, 'c=IN IP4 1.1.1.1')],
    ['$(sdp.line(a=rtpmap)[append])', 'a=sendrecv', SDP.toSpliced(8, 0, 'a=sendrecv')],
    ['$sdp.line(b)', 'b=AS:64', [...SDP, 'b=AS:64']],
    ['$sdp.stream(audio)', null, SDP.toSpliced(5, 3)],
    ['$sdp.stream(video/c)', null, SDP.slice(0, 9)],
    ['$(sdp.line(c)[*])', 'x', null],
  ])('%s assigned %j leaves %j', (name, value, lines) => {
    expect(after(name, value)).toEqual(lines)
  })

  it('is NULL, and cannot be assigned, where the body is none', () => {
    const m = withBody('text/plain')
    const { access } = compileText('route { exit; }')
    expect(['$sdp', '$sdp.line(c)', '$sdp.stream(audio)'].map(name => readValue(name, m))).toEqual([null, null, null])
    expect(access.variable('$sdp').set(m, 'v=0')).toBe(false)
    expect(access.variable('$sdp.line(c)').set(m, 'c=x')).toBe(false)
  })
})
