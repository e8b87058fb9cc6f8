import { describe, expect, it } from 'vitest'
import { readEvent } from '../../../src/modules/freeswitch/event.ts'
import { FrameReader } from '../../../src/modules/freeswitch/frame-reader.ts'
import { parseFreeSwitchUrl } from '../../../src/modules/freeswitch/url.ts'

const STREAM =
  'Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK a: b\n\n\n' +
  'Content-Length: 7\nContent-Type: api/response\n\nä\n\nend\nContent-Type: command/reply\nReply-Text: -ERR\n\n'
const FRAMES = [
  ['auth/request', ''],
  ['command/reply', ''],
  ['api/response', 'ä\n\nend'],
  ['command/reply', ''],
]

const push = (reader: FrameReader, bytes: string | Buffer) =>
  reader.push(Buffer.from(bytes)).map(({ headers, body }) => [headers.get('content-type'), body])

describe('frames of the event socket', () => {
  it.each([1, 2, 3, 7, 1000])('come out the same in pieces of %i bytes', size => {
    const reader = new FrameReader()
    const bytes = Buffer.from(STREAM)
    const frames: unknown[] = []
    for (let at = 0; at < bytes.length; at += size) frames.push(...push(reader, bytes.subarray(at, at + size)))
    expect(frames).toEqual(FRAMES)
  })

  it.each([
    ['a huge Content-Length', 'Content-Length: 99999999999\n\n'],
    ['a Content-Length that is no number', 'Content-Length: -1\n\n'],
    ['a line without colon', 'garbage\n\n'],
    ['binary noise', Buffer.from([0, 255, 10, 10])],
    ['endless headers', 'x'.repeat(70_000)],
  ])('%s is refused', (_what, bytes) => {
    expect(() => push(new FrameReader(), bytes)).toThrow()
  })

  it('a megabyte that comes byte by byte is read in time proportional to it', () => {
    const reader = new FrameReader()
    const body = 'x'.repeat(1_000_000)
    const bytes = Buffer.from(`Content-Type: api/response\nContent-Length: ${body.length}\n\n${body}`)
    const frames: unknown[] = []
    for (let at = 0; at < bytes.length; at++) frames.push(...reader.push(bytes.subarray(at, at + 1)))
    expect(frames).toHaveLength(1)
  })
})

describe('events', () => {
  const frame = (type: string, body: string) => ({ headers: new Map([['content-type', type]]), body })

  it('JSON events keep their text', () => {
    const body = '{"Event-Name":"CUSTOM","Event-Subclass":"sofia::register"}'
    expect(readEvent(frame('text/event-json', body))).toMatchObject({
      name: 'CUSTOM',
      subclass: 'sofia::register',
      body,
    })
  })

  it('plain events become JSON, their values decoded, a body with them', () => {
    const body = 'Event-Name: DTMF\nDTMF-Digit: %23\nOdd: %zz\nContent-Length: 4\n\nbody'
    expect(JSON.parse(readEvent(frame('text/event-plain', body))?.body ?? '')).toEqual({
      'Event-Name': 'DTMF',
      'DTMF-Digit': '#',
      Odd: '%zz',
      'Content-Length': '4',
      _body: 'body',
    })
  })

  it.each([
    ['text/event-json', '{'],
    ['text/event-json', '[1]'],
    ['text/event-json', 'null'],
    ['text/event-json', '{"Event-Name":{}}'],
    ['text/event-plain', 'no colon'],
    ['text/event-plain', ''],
  ])('%s %j is none', (type, body) => {
    expect(readEvent(frame(type, body))).toBeNull()
  })
})

describe('URLs', () => {
  it.each([
    ['fs://:ClueCon@127.0.0.1?DTMF, HEARTBEAT,DTMF', ['', 'ClueCon', '127.0.0.1', 8021, ['DTMF', 'HEARTBEAT']]],
    ['user:p:w@Box:8022', ['user', 'p:w', 'box', 8022, []]],
    ['10.0.0.1', ['', '', '10.0.0.1', 8021, []]],
    ['fs://:x@[::1]:1?CUSTOM sofia::register', ['', 'x', '::1', 1, ['CUSTOM sofia::register']]],
  ])('%s', (text, expected) => {
    const { user, password, host, port, events } = parseFreeSwitchUrl(text)
    expect([user, password, host, port, events]).toEqual(expected)
  })

  it.each(['', 'fs://', 'fs://:secret@', 'fs://:secret@h:0', 'h:99999', 'h?A\nexit', 'a b', 'fs://:se cret@h'])(
    '%j is none, and its password is not told',
    text => {
      let message = ''
      expect(() => {
        try {
          parseFreeSwitchUrl(text)
        } catch (error) {
          message = String(error)
          throw error
        }
      }).toThrow('expected')
      expect(message).not.toContain('secret')
    },
  )
})
