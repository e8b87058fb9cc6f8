import { describe, expect, it } from 'vitest'
import { ResponseSizes } from '../../../transports/kafka/guarded-socket.ts'

/** A response of so many bytes, its size before it. */
function response(size: number): Buffer {
  const bytes = Buffer.alloc(4 + size, 0xff)
  bytes.writeInt32BE(size)
  return bytes
}

const size = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

describe('the sizes of what a Kafka broker answers', () => {
  it('are followed however the bytes are cut', () => {
    const bytes = Buffer.concat([response(10), response(0), response(300), response(4)])
    for (let step = 1; step < bytes.length; step++) {
      const sizes = new ResponseSizes()
      for (let at = 0; at < bytes.length; at += step) expect(sizes.accepts(bytes.subarray(at, at + step))).toBe(true)
      expect(sizes.accepts(size(-1))).toBe(false)
    }
  })

  it.each([
    ['negative', size(-4)],
    ['more than any answer has', size(2 ** 30)],
    ['text', Buffer.from('HTTP/1.1 400 Bad Request')],
  ])('that are %s are refused', (_, bytes) => {
    expect(new ResponseSizes().accepts(bytes)).toBe(false)
  })
})
