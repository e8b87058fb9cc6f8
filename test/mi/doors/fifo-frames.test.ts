import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FifoFrames } from '../../../src/mi/doors/fifo-frames.ts'

function collect(maxLength = 1000) {
  const requests: [string, string][] = []
  const garbage: string[] = []
  const frames = new FifoFrames(
    maxLength,
    ({ replyName, form, text }) => requests.push([form === 'json' ? replyName : `text ${replyName}`, text]),
    text => garbage.push(text),
  )
  return { frames, requests, garbage }
}

function read(...pieces: string[]): { requests: [string, string][]; garbage: string[] } {
  const { frames, requests, garbage } = collect()
  for (const piece of pieces) frames.push(piece)
  return { requests, garbage }
}

describe('requests of the FIFO', () => {
  it.each<[string, string[], [string, string][]]>([
    ['with a reply name', [':r1:{"a":1}'], [['r1', '{"a":1}']]],
    ['without a reply name', ['::{}'], [['', '{}']]],
    ['with blanks around', [' \n:r1: {} \n'], [['r1', ' {}']]],
    [
      'back to back',
      [':a:{}:b:[1]::{}'],
      [
        ['a', '{}'],
        ['b', '[1]'],
        ['', '{}'],
      ],
    ],
    ['in pieces', [':r', '1', ':', '{"x', '":"}', '"', '}'], [['r1', '{"x":"}"}']]],
    [
      'in text form',
      [':uptime:r1\n\n:ok:{}'],
      [
        ['text r1', ':uptime:r1\n\n'],
        ['ok', '{}'],
      ],
    ],
    [
      'in text form, without a reply, with arguments',
      [':lb_resize:\n11\nvoice', 'mail\n\n'],
      [['text ', ':lb_resize:\n11\nvoicemail\n\n']],
    ],
    [
      'in text form, quoted over lines',
      [':x:r\n', 'a::"b\n\n:y:z\n\\""\n\n'],
      [['text r', ':x:r\na::"b\n\n:y:z\n\\""\n\n']],
    ],
    [
      'in text form one behind the other, letter by letter',
      [...':a:r\n::1\n\n:b:\n\n'],
      [
        ['text r', ':a:r\n::1\n\n'],
        ['text ', ':b:\n\n'],
      ],
    ],
    ['that hold something like a request in a string', [':r:{"s":":x:{}"}'], [['r', '{"s":":x:{}"}']]],
  ])('%s', (_title, pieces, requests) => {
    expect(read(...pieces)).toEqual({ requests, garbage: [] })
  })

  it.each<[string, string[]]>([
    ['half a request and a line end', [':r1:{"method"\n', ':ok:{"a":1}']],
    ['half a request without one', [':r1:{"method"', ':ok:{"a":1}']],
    ['half a string', [':r1:{"meth', ':ok:{"a":1}']],
    ['half a value', [':r1:{"method":', ':ok:{"a":1}']],
    ['half a reply name', [':r1', ':ok:{"a":1}']],
    ['a lone colon', [':', ':ok:{"a":1}']],
    ['what is no request', ['hello\n', ':ok:{"a":1}']],
    ['what is no JSON', [':r1:hello', ':ok:{"a":1}']],
    ['a bare value', [':r1:5', ':ok:{"a":1}']],
    ['half a request in text form', [':uptime:reply\nx', '\n:ok:{"a":1}']],
    ['the head of one', [':uptime:reply\n', ':ok:{"a":1}']],
    ['half a head of one', [':uptime:rep', ':ok:{"a":1}']],
    ['a next request that comes letter by letter', [':r1:{"a"x', ...':ok:{"a":1}']],
  ])('%s spoils nothing behind it', (_title, pieces) => {
    const { requests, garbage } = read(...pieces)
    expect(requests.at(-1)).toEqual(['ok', '{"a":1}'])
    expect(garbage.length).toBeGreaterThan(0)
  })

  it('a reply name that goes on for ever is dropped', () => {
    const { frames, garbage, requests } = collect()
    frames.push(`:${'x'.repeat(200)}`)
    expect(garbage).toHaveLength(1)
    frames.push(':ok:{}')
    expect(requests).toEqual([['ok', '{}']])
  })

  it('a request longer than the limit is dropped, and the next one is read', () => {
    const { frames, garbage, requests } = collect(1000)
    frames.push(`:r:{"a":"${'x'.repeat(1100)}`)
    expect(garbage).toHaveLength(1)
    frames.push('"}\n:ok:{}')
    expect(requests).toEqual([['ok', '{}']])
  })

  it('any pieces of any input end in requests, garbage or waiting, never in an exception', () => {
    const piece = fc.string({ unit: fc.constantFrom(...':{}[]"\\ \nau01,') })
    fc.assert(
      fc.property(fc.array(piece), pieces => {
        for (const [, text] of read(...pieces).requests) expect(text.trimStart()).toMatch(/^[[{:]/)
      }),
    )
  })
})
