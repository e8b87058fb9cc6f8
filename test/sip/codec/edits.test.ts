import { describe, expect, it } from 'vitest'
import { Edits, removeElement } from '../../../src/sip/codec/edits.ts'
import { SipMessage } from '../../../src/sip/codec/message.ts'

const TEXT = Buffer.from('0123456789')

function applied(make: (edits: Edits) => void, from = 0, to = TEXT.length): string {
  const edits = new Edits()
  make(edits)
  return edits.apply(TEXT, from, to).toString()
}

describe('Edits', () => {
  it('give the same bytes when there are none', () => {
    const edits = new Edits()
    expect(edits.isEmpty).toBe(true)
    expect(edits.apply(TEXT, 0, 10).buffer).toBe(TEXT.buffer)
  })

  it('insert several texts at one place in their order', () => {
    const three = (edits: Edits) => {
      for (const text of ['a', 'b', 'c']) edits.insert(5, text)
    }
    expect(applied(three)).toBe('01234abc56789')
  })

  it('insert bytes and text that is not ASCII', () => {
    const edits = new Edits()
    edits.insert(0, 'é')
    edits.insert(0, Buffer.from([0xff]))
    expect(edits.apply(TEXT, 0, 1)).toEqual(Buffer.from([0xc3, 0xa9, 0xff, 0x30]))
  })

  it('merge removals that overlap or touch', () => {
    const removals = (edits: Edits) => {
      edits.remove(4, 8)
      edits.remove(2, 5)
      edits.remove(8, 9)
    }
    expect(applied(removals)).toBe('019')
  })

  it('replace', () => {
    expect(applied(edits => edits.replace(2, 4, 'xyz'))).toBe('01xyz456789')
    expect(applied(edits => edits.replace(2, 4, ''))).toBe('01456789')
  })

  it('drop what is inserted inside a removed part, keep what stands at its edges', () => {
    const around = (edits: Edits) => {
      edits.insert(3, 'in')
      edits.remove(2, 5)
      edits.insert(2, '<')
      edits.insert(5, '>')
    }
    expect(applied(around)).toBe('01<>56789')
  })

  it('keep what is inserted between two removals that touch', () => {
    const between = (edits: Edits) => {
      edits.remove(0, 5)
      edits.remove(5, 10)
      edits.insert(5, 'kept')
    }
    expect(applied(between)).toBe('kept')
  })

  it('apply only within the range, its end left to what follows', () => {
    const make = (edits: Edits) => {
      edits.insert(2, 'a')
      edits.insert(6, 'b')
    }
    expect(applied(make, 2, 6)).toBe('a2345')
    expect(applied(make, 6, 10)).toBe('b6789')
    expect(applied(edits => edits.insert(10, 'end'))).toBe('0123456789end')
  })

  it('clone into something that changes by itself', () => {
    const edits = new Edits()
    edits.insert(0, 'a')
    const copy = edits.clone()
    copy.insert(0, 'b')
    copy.setBody(null)
    expect([edits.apply(TEXT, 0, 1).toString(), copy.apply(TEXT, 0, 1).toString()]).toEqual(['a0', 'ab0'])
    expect([edits.changesBody, copy.changesBody, copy.newBody?.length]).toEqual([false, true, 0])
  })

  it('know the header lines they insert', () => {
    const edits = new Edits()
    edits.insert(3, 'X-A: 1\r\nMax-Forwards : 10\r\n')
    expect([edits.insertsHeader('max-forwards'), edits.insertsHeader('x-b')]).toEqual([true, false])
  })
})

describe('removeElement', () => {
  const message = (...routes: string[]) => {
    const parsed = SipMessage.parse(
      Buffer.from(`INVITE sip:a SIP/2.0\r\nX: 1\r\n${routes.join('\r\n')}\r\nY: 2\r\n\r\n`),
    )
    if (parsed === null) throw new Error('not taken for SIP')
    return parsed
  }
  const without = (parsed: SipMessage, ...indexes: number[]) => {
    const edits = new Edits()
    for (const i of indexes) removeElement(parsed, edits, parsed.routes[i] ?? { header: 0, start: 0, end: 0 })
    const text = edits.apply(parsed.bytes, 0, parsed.bytes.length).toString()
    return text.slice(text.indexOf('X: 1\r\n') + 6, text.indexOf('Y: 2'))
  }
  const three = message('Route: <sip:a> , <sip:b>;x, <sip:c>')

  it.each([
    [[0], 'Route: <sip:b>;x, <sip:c>\r\n'],
    [[1], 'Route: <sip:a> , <sip:c>\r\n'],
    [[2], 'Route: <sip:a> , <sip:b>;x\r\n'],
    [[0, 1], 'Route: <sip:c>\r\n'],
    [[1, 0], 'Route: <sip:c>\r\n'],
    [[0, 2], 'Route: <sip:b>;x\r\n'],
    [[1, 2], 'Route: <sip:a>\r\n'],
    [[2, 1], 'Route: <sip:a>\r\n'],
    [[0, 1, 2], ''],
    [[2, 0, 1], ''],
    [[1, 1], 'Route: <sip:a> , <sip:c>\r\n'],
  ])('of the values %j leaves %j', (indexes, left) => {
    expect(without(three, ...indexes)).toBe(left)
  })

  it('takes the line of a single value away, folded or not, and no other', () => {
    expect(without(message('Route:\r\n <sip:a>', 'Route: <sip:b>'), 0)).toBe('Route: <sip:b>\r\n')
  })
})
