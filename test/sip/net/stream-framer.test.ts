import { describe, expect, it } from 'vitest'
import { type FramerSink, type StreamFault, StreamFramer } from '../../../src/sip/net/stream-framer.ts'

const BODY = 'v=0\r\n\r\no=\n\n'
const INVITE = `INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP a\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
const OPTIONS = 'OPTIONS sip:example.com SIP/2.0\r\nl:0\r\nSubject: folded\r\n value\r\n\r\n'
const REPLY = 'SIP/2.0 200 OK\r\nCONTENT-LENGTH : 3\r\n\r\nabc'

class Collector implements FramerSink {
  readonly messages: string[] = []
  pinged = 0
  readonly faults: { head: string; fault: StreamFault }[] = []
  message(bytes: Buffer): void {
    this.messages.push(bytes.toString('latin1').replace(/^[\r\n]+/, ''))
  }
  pings(count: number): void {
    this.pinged += count
  }
  fault(head: Buffer, fault: StreamFault): void {
    this.faults.push({ head: head.toString('latin1'), fault })
  }
}

function framed(segments: readonly string[], limits = { maxHeaderBytes: 4096, maxMessageBytes: 8192 }) {
  const collector = new Collector()
  const framer = new StreamFramer(collector, limits)
  for (const segment of segments) framer.push(Buffer.from(segment, 'latin1'))
  return { collector, framer }
}

describe('stream framer', () => {
  it('gives a message whole, wherever the stream is cut in two', () => {
    for (let cut = 1; cut < INVITE.length; cut++) {
      const { collector, framer } = framed([INVITE.slice(0, cut), INVITE.slice(cut)])
      expect(collector.messages, `cut at ${cut}`).toEqual([INVITE])
      expect(framer.isInMessage).toBe(false)
    }
  })

  it('gives three messages whole, wherever the stream is cut in three', () => {
    const stream = `${INVITE}\r\n${OPTIONS}${REPLY}`
    for (let first = 1; first < stream.length - 1; first += 7) {
      for (let second = first + 1; second < stream.length; second += 5) {
        const { collector } = framed([stream.slice(0, first), stream.slice(first, second), stream.slice(second)])
        expect(collector.messages, `cut at ${first} and ${second}`).toEqual([INVITE, OPTIONS, REPLY])
      }
    }
  })

  it('gives a message whole that comes byte by byte', () => {
    const { collector } = framed([...(INVITE + OPTIONS)])
    expect(collector.messages).toEqual([INVITE, OPTIONS])
  })

  it('gives several messages of one segment, in order', () => {
    const { collector } = framed([INVITE + OPTIONS + REPLY])
    expect(collector.messages).toEqual([INVITE, OPTIONS, REPLY])
  })

  it('does not change a message it has handed on', () => {
    const kept: Buffer[] = []
    const sink = { message: (bytes: Buffer) => void kept.push(bytes), pings: () => {}, fault: () => {} }
    const framer = new StreamFramer(sink, { maxHeaderBytes: 4096, maxMessageBytes: 8192 })
    const stream = INVITE.repeat(20)
    for (let at = 0; at < stream.length; at += 150) framer.push(Buffer.from(stream.slice(at, at + 150)))
    expect(kept.map(String)).toEqual(new Array(20).fill(INVITE))
  })

  it('counts a pair of CRLFs between messages as a ping, and a single one as nothing (RFC 5626 §4.4.1)', () => {
    expect(framed(['\r\n\r\n']).collector.pinged).toBe(1)
    expect(framed(['\r\n']).collector.pinged).toBe(0)
    expect(framed(['\r', '\n', '\r', '\n']).collector.pinged).toBe(1)
    const between = framed([`${OPTIONS}\r\n\r\n${OPTIONS}`]).collector
    expect([between.pinged, between.messages]).toEqual([1, [OPTIONS, OPTIONS]])
  })

  it('is not inside a message while only line ends have come', () => {
    expect(framed(['\r\n']).framer.isInMessage).toBe(false)
    expect(framed(['\r']).framer.isInMessage).toBe(false)
    expect(framed(['\r\nO']).framer.isInMessage).toBe(true)
  })

  it.each([
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 0],
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 0],
    ['OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n', 400],
    ['OPTIONS sip:a SIP/2.0\r\nContent-Length: -7\r\n\r\n', 400],
    ['OPTIONS sip:a SIP/2.0\r\nContent-Length: seven\r\n\r\n', 400],
    ['OPTIONS sip:a SIP/2.0\r\nContent-Length: 9000\r\n\r\n', 513],
    [`OPTIONS sip:a SIP/2.0\r\nX: ${'x'.repeat(5000)}`, 0],
  ])('ends the stream at %j', (text, status) => {
    const { collector } = framed([text, INVITE])
    expect(collector.messages).toEqual([])
    expect(collector.faults.map(({ fault }) => fault.status)).toEqual([status])
    if (status > 0) expect(text.startsWith(collector.faults[0]!.head)).toBe(true)
  })

  it('still finds a message and a ping after line ends without number', () => {
    const { collector } = framed([...new Array(1000).fill('\n\r\n\n'), '\r\n', '\r\n', OPTIONS])
    expect(collector.messages).toEqual([OPTIONS])
    expect(collector.pinged).toBe(1)
  })

  it('hands on what came before the break', () => {
    const { collector } = framed([`${OPTIONS}rubbish\r\n\r\n`])
    expect(collector.messages).toEqual([OPTIONS])
    expect(collector.faults).toHaveLength(1)
  })

  it('hands on nothing after stop, also not from the segment at hand', () => {
    const seen: string[] = []
    const framer: StreamFramer = new StreamFramer(
      {
        message: bytes => {
          seen.push(bytes.toString())
          framer.stop()
        },
        pings: () => {},
        fault: () => {},
      },
      { maxHeaderBytes: 4096, maxMessageBytes: 8192 },
    )
    framer.push(Buffer.from(OPTIONS + OPTIONS))
    framer.push(Buffer.from(OPTIONS))
    expect(seen).toEqual([OPTIONS])
  })
})
