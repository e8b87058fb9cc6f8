import { describe, expect, it } from 'vitest'
import { Edits } from '../../src/sip/codec/edits.ts'
import { SipMessage } from '../../src/sip/codec/message.ts'
import { forwardRequest } from '../../src/sip/codec/write.ts'
import { exercise } from './exercise.ts'
import { MESSAGES, mutate, randomFrom } from './mutate.ts'

/** What the writers may add to a message: our headers, tags and stamps. */
const ADDED_BYTES = 500

describe('mutated torture messages', () => {
  it('never make the codec throw, nor write more than they brought', () => {
    const random = randomFrom(4475)
    let parsed = 0
    for (let round = 0; round < 4000; round++) {
      const bytes = mutate(MESSAGES[round % MESSAGES.length] ?? Buffer.alloc(0), random)
      const done = exercise(bytes)
      if (done === null) continue
      parsed++
      expect(done.written).toBeLessThanOrEqual(bytes.length * 2 + ADDED_BYTES)
      const { message } = done
      expect(message.headersStart).toBeLessThanOrEqual(message.headersEnd)
      expect(message.bodyStart).toBeLessThanOrEqual(message.bytes.length)
    }
    expect(parsed).toBeGreaterThan(2000)
  })
})

describe('mutated torture messages without fault', () => {
  it('are still without fault, with the same body and one more Via, when they went on', () => {
    const random = randomFrom(3261)
    let forwarded = 0
    for (let round = 0; round < 4000; round++) {
      const message = SipMessage.parse(mutate(MESSAGES[round % MESSAGES.length] ?? Buffer.alloc(0), random))
      if (message === null || !message.isRequest || message.fault !== null) continue
      const plan = {
        edits: new Edits(),
        uri: 'sip:next@example.org',
        via: 'SIP/2.0/UDP us',
        headersOnTop: '',
        routes: '',
      }
      const stamp = { received: '192.0.2.1', rport: 5060 }
      const next = SipMessage.parse(forwardRequest(message, { ...plan, stamp, maxForwards: 70 }))
      expect(next?.fault).toBeNull()
      expect(next?.requestUri).toBe('sip:next@example.org')
      expect(next?.vias[1]).toMatchObject({ received: '192.0.2.1', rport: 5060 })
      expect(next?.vias).toHaveLength(message.vias.length + 1)
      expect(next?.body).toEqual(message.body)
      forwarded++
    }
    expect(forwarded).toBeGreaterThan(300)
  })
})

describe('hostile sizes', () => {
  const START = 'INVITE sip:a@b SIP/2.0\r\n'
  const CORE =
    'Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n'
  const message = (headers: string) => exercise(Buffer.from(`${START}${CORE}${headers}\r\n`))?.message

  it('70 Vias and 200 headers are all read, in order', () => {
    const vias = Array.from({ length: 70 }, (_, i) => `Via: SIP/2.0/UDP h${i}\r\n`).join('')
    const others = Array.from({ length: 200 }, (_, i) => `X-${i}: ${i}\r\n`).join('')
    const read = message(vias + others)
    expect(read?.vias.slice(1).map(via => via.host)).toEqual(Array.from({ length: 70 }, (_, i) => `h${i}`))
    expect(read?.headerCount).toBe(5 + 70 + 200)
    expect(read?.headerValue(read.headerCount - 1)).toBe('199')
  })

  it('a header line of 64 KiB is read whole', () => {
    expect(message(`X-Long: ${'x'.repeat(65_536)}\r\n`)?.headerValue(5)).toHaveLength(65_536)
  })

  it.each([
    ['parameters', `Contact: <sip:a@b${';p=1'.repeat(10_000)}>${';q=1'.repeat(10_000)}\r\n`],
    ['empty parameters', `Contact: <sip:a@b>${';'.repeat(60_000)}\r\n`],
    ['list elements', `Route: ${'<sip:a@b;lr>,'.repeat(5_000)}<sip:c>\r\n`],
    ['commas', `Via: ${','.repeat(60_000)}\r\n`],
    ['open brackets', `Contact: ${'<'.repeat(60_000)}\r\n`],
    ['open quotes', `Contact: ${'"\\'.repeat(30_000)}\r\n`],
    ['open comments', `Via: SIP/2.0/UDP h ${'('.repeat(60_000)}\r\n`],
    ['folds', `X-Folded: a${'\r\n '.repeat(20_000)}\r\n`],
    ['headers', 'a:\r\n'.repeat(15_000)],
    ['digits', `Content-Length: ${'9'.repeat(60_000)}\r\n`],
    ['escapes', `Contact: <sip:${'%41'.repeat(20_000)}@b>\r\n`],
  ])('tens of thousands of %s are read in one go', (_name, headers) => {
    expect(message(headers)).toBeInstanceOf(SipMessage)
  })
})
