import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeFrame,
  type Frame,
  FrameKind,
  FrameReader,
  MAX_HELLO_BYTES,
  MAX_PAYLOAD_BYTES,
} from '../../src/cluster/frame.ts'

function read(
  pieces: readonly Buffer[],
  maxPayloadBytes = MAX_PAYLOAD_BYTES,
): { frames: Frame[]; fault: string | null } {
  const reader = new FrameReader()
  reader.maxPayloadBytes = maxPayloadBytes
  const frames: Frame[] = []
  let fault: string | null = null
  for (const piece of pieces)
    fault ??= reader.push(piece, frame => {
      frames.push(frame)
      return true
    })
  return { frames, fault }
}

describe('frames', () => {
  it('are the same however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 60 }),
        (payloads, size) => {
          const bytes = Buffer.concat(payloads.map(payload => encodeFrame(FrameKind.message, Buffer.from(payload))))
          const pieces: Buffer[] = []
          for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
          const { frames, fault } = read(pieces)
          expect(fault).toBeNull()
          expect(frames.map(({ payload }) => payload.toString('hex'))).toEqual(
            payloads.map(payload => Buffer.from(payload).toString('hex')),
          )
        },
      ),
    )
  })

  it('begin with FF, version, kind and length', () => {
    expect(encodeFrame(FrameKind.hello, Buffer.from('abc')).toString('latin1')).toBe('FF\x01\x01\0\0\0\x03abc')
  })

  it.each([
    ['XX\x01\x01\0\0\0\0', /not the protocol/],
    ['FF\x02\x01\0\0\0\0', /version 2 of the protocol, expected 1/],
    ['FF\x01\x07\0\0\0\0', /unknown kind of frame 7/],
    ['FF\x01\x01\0\0\x04\x01', /a frame of 1025 bytes, at most 1024/],
  ])('%j is a fault', (text, message) => {
    expect(read([Buffer.from(text, 'latin1')], MAX_HELLO_BYTES).fault).toMatch(message)
  })

  it('nothing is read of what follows once the taker has had enough', () => {
    const reader = new FrameReader()
    let taken = 0
    const two = Buffer.concat([encodeFrame(FrameKind.hello, Buffer.from('a')), Buffer.from('nonsense')])
    const fault = reader.push(two, () => {
      taken++
      return false
    })
    expect([taken, fault]).toEqual([1, null])
  })
})
