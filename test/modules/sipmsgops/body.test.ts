import { describe, expect, it } from 'vitest'
import { headerOf, TestVariable } from '../usrloc/module-rig.ts'
import { messageRig, SDP } from './rig.ts'

const withSdp = { headers: ['Content-Type: application/sdp'], body: SDP }
const MULTIPART = [
  '--b1',
  'Content-Type: application/sdp',
  '',
  'v=0',
  '--b1',
  'Content-Type: application/isup;version=x',
  'Content-Disposition: signal',
  '',
  '\u0001\u0002',
  '--b1--',
  '',
].join('\r\n')
const withParts = { headers: ['Content-Type: multipart/mixed;boundary=b1'], body: MULTIPART }

describe('has_body and has_body_part', () => {
  it.each([
    ['no body', {}, undefined, -1, -1],
    ['any body', withSdp, undefined, 1, 1],
    ['a type', withSdp, 'Application/SDP', 1, 1],
    ['another type', withSdp, 'text/plain', -1, -1],
    ['a part', withParts, 'application/isup', -1, 1],
    ['the type of the whole', withParts, 'multipart/mixed', 1, -1],
  ])('%s', (_, facts, mime, whole, part) => {
    const { run } = messageRig(facts)
    expect([run('has_body', mime), run('has_body_part', mime)]).toEqual([whole, part])
  })
})

describe('remove_body_part', () => {
  it('takes the whole body and its Content-Type away', () => {
    const { run, out, body } = messageRig(withSdp)
    expect(run('remove_body_part')).toBe(1)
    expect([body(), headerOf(out(), 'Content-Type'), headerOf(out(), 'Content-Length')]).toEqual(['', null, '0'])
    expect(run('remove_body_part')).toBe(-1)
  })

  it('takes parts of one type, or with revert all others', () => {
    const one = messageRig(withParts)
    expect(one.run('remove_body_part', 'application/isup')).toBe(1)
    expect(one.body()).toBe('--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1--\r\n')
    const others = messageRig(withParts)
    expect(others.run('remove_body_part', 'application/isup', 'revert')).toBe(1)
    expect(others.body()).toMatch(
      /^--b1\r\nContent-Type: application\/isup;version=x\r\nContent-Disposition: signal\r\n\r\n/,
    )
  })

  it('finds nothing to remove', () => {
    expect(messageRig(withSdp).run('remove_body_part', 'text/plain')).toBe(-1)
    expect(messageRig().run('remove_body_part')).toBe(-1)
  })
})

describe('add_body_part', () => {
  it('gives a message without body one', () => {
    const { run, out, body } = messageRig()
    expect(run('add_body_part', 'hello', 'text/plain')).toBe(1)
    expect([body(), headerOf(out(), 'Content-Type'), headerOf(out(), 'Content-Length')]).toEqual([
      'hello',
      'text/plain',
      '5',
    ])
  })

  it('makes one body of two a multipart body, and adds to that', () => {
    const { run, out, body } = messageRig(withSdp)
    expect(run('add_body_part', 'hello', 'text/plain', 'Content-Disposition: render')).toBe(1)
    expect(run('add_body_part', 'more', 'text/html')).toBe(1)
    expect(out().match(/^Content-Type: multipart/gm)?.length).toBe(1)
    const boundary = /^Content-Type: multipart\/mixed;boundary=(\S+)/m.exec(out())![1]
    const rest = `Content-Disposition: render\r\n\r\nhello\r\n--${boundary}\r\nContent-Type: text/html\r\n\r\nmore\r\n--${boundary}--\r\n`
    expect(body()).toBe(
      `--${boundary}\r\nContent-Type: application/sdp\r\n\r\n${SDP}\r\n--${boundary}\r\nContent-Type: text/plain\r\n${rest}`,
    )
    expect(headerOf(out(), 'Content-Length')).toBe(String(body().length))
  })

  it('replaces the body after it was removed', () => {
    const { run, out, body } = messageRig(withSdp)
    run('remove_body_part')
    expect(run('add_body_part', 'hello', 'text/plain')).toBe(1)
    expect([body(), out().match(/^Content-Type: .*/gm)]).toEqual(['hello', ['Content-Type: text/plain']])
  })

  it('says so where it cannot', () => {
    const { run, body, log } = messageRig()
    run('add_body_part', 'hello', 'text/plain')
    expect(run('add_body_part', 'again', 'text/plain')).toBe(-1)
    expect([body(), log.lines.length]).toEqual(['hello', 1])
  })

  it('get_updated_body_part sees the changes', () => {
    const { run } = messageRig(withSdp)
    const out = new TestVariable('$var(b)')
    run('add_body_part', 'hello', 'text/plain')
    expect(run('get_updated_body_part', 'text/plain', out)).toBe(1)
    expect(out.values).toEqual(['hello'])
    expect(run('get_updated_body_part', 'text/none', out)).toBe(-1)
  })
})

describe('codecs', () => {
  const audio = (body: string) => body.match(/^m=audio .*/m)?.[0]

  it.each([
    ['pcmu', undefined, 1],
    ['OPUS', undefined, 1],
    ['opus', '48000', 1],
    ['opus', '8000', -1],
    ['G729', undefined, -1],
  ])('codec_exists %s %s: %i', (name, clock, verdict) => {
    expect(messageRig(withSdp).run('codec_exists', name, clock)).toBe(verdict)
  })

  it('codec_delete takes the codec and its attributes out', () => {
    const { run, body } = messageRig(withSdp)
    expect([run('codec_delete', 'opus'), run('codec_delete', 'PCMU'), run('codec_delete', 'GSM')]).toEqual([1, 1, -1])
    expect(audio(body())).toBe('m=audio 4000 RTP/AVP 8 101')
    expect(body()).not.toMatch(/97/)
  })

  it('codec_move_up and codec_move_down change the order only', () => {
    const { run, body } = messageRig(withSdp)
    run('codec_move_up', 'opus')
    run('codec_move_down', 'PCMU')
    expect(audio(body())).toBe('m=audio 4000 RTP/AVP 97 8 101 0')
    expect(body()).toContain('a=rtpmap:97 opus/48000/2\r\n')
  })

  it('patterns choose several', () => {
    const { run, body } = messageRig(withSdp)
    expect(run('codec_delete_except_re', '^(pcm[au]|telephone-event)$')).toBe(1)
    expect(audio(body())).toBe('m=audio 4000 RTP/AVP 0 8 101')
    expect(run('codec_exists_re', 'opus')).toBe(-1)
    run('codec_move_down_re', 'pcm')
    expect(audio(body())).toBe('m=audio 4000 RTP/AVP 101 0 8')
  })

  it('of a part of a multipart body are changed there', () => {
    const body = `--b1\r\nContent-Type: application/sdp\r\n\r\n${SDP}\r\n--b1\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b1--\r\n`
    const rig = messageRig({ headers: withParts.headers, body })
    expect(rig.run('codec_delete', 'opus')).toBe(1)
    expect(rig.body()).toContain('m=audio 4000 RTP/AVP 0 8 101')
    expect(rig.body()).toContain('\r\n\r\nhi\r\n--b1--\r\n')
  })

  it('are not found without a session description', () => {
    expect(messageRig().run('codec_exists', 'PCMU')).toBe(-1)
  })
})

describe('media', () => {
  it('stream_exists and stream_delete go by medium and transport', () => {
    const { run, body } = messageRig(withSdp)
    expect([
      run('stream_exists', 'video'),
      run('stream_exists', 'video', 'AVP$'),
      run('stream_exists', 'image'),
    ]).toEqual([1, 1, -1])
    expect(run('stream_exists', 'audio', 'SAVP')).toBe(-1)
    expect([run('stream_delete', 'video'), run('stream_delete', 'video')]).toEqual([1, -1])
    expect(body()).not.toContain('m=video')
  })

  it.each([
    [SDP, -1],
    [SDP.replace('c=IN IP4 192.0.2.1', 'c=IN IP4 0.0.0.0'), 1],
    [SDP.replace('a=sendrecv', 'a=sendonly'), 2],
    [SDP.replace('a=sendrecv', 'a=inactive'), 2],
  ])('is_audio_on_hold', (body, verdict) => {
    expect(messageRig({ ...withSdp, body }).run('is_audio_on_hold')).toBe(verdict)
  })
})
