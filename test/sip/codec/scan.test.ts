import { describe, expect, it } from 'vitest'
import { HeaderId } from '../../../src/sip/codec/header-id.ts'
import { Field, FOLDED, isStartLine, ScanFault, Slot, STRIDE, scan, statusOf } from '../../../src/sip/codec/scan.ts'

const scanText = (text: string) => scan(Buffer.from(text))

describe('scan', () => {
  it('gives the offsets of the start line, of each header, and of the body', () => {
    const text = 'BYE sip:a SIP/2.0\r\nTo:  x \r\nX-A: 1\r\n 2\r\n\r\nbody'
    const slots = scanText(text)
    const header = (i: number) => [...(slots?.slice(Slot.headers + i * STRIDE, Slot.headers + (i + 1) * STRIDE) ?? [])]
    const at = (part: string) => text.indexOf(part)
    expect(text.slice(slots?.[Slot.targetStart], slots?.[Slot.targetEnd])).toBe('sip:a')
    expect(header(0)).toEqual([HeaderId.to, at('To'), at(':  x'), at('x '), at(' \r\nX'), at('X-A')])
    expect(header(1)).toEqual([HeaderId.other | FOLDED, at('X-A'), at(': 1'), at('1\r'), at('2\r') + 1, at('\r\nbody')])
    expect([slots?.[Slot.headerCount], slots?.[Slot.headersEnd], slots?.[Slot.bodyStart]]).toEqual([
      2,
      at('\r\nbody'),
      at('body'),
    ])
  })

  it('leaves one result alone when it makes the next', () => {
    const first = scanText('BYE sip:a SIP/2.0\r\nTo: x\r\n\r\n')
    const copy = first?.slice()
    scanText('REGISTER sip:b SIP/9.0\r\nFrom: y\r\nCSeq: z\r\n\r\n')
    expect(first).toEqual(copy)
  })

  it('notes which headers were seen, and seen again', () => {
    const slots = scanText('BYE sip:a SIP/2.0\r\nTo: x\r\nt: y\r\nFrom: z\r\n\r\n')
    expect(slots?.[Slot.seen]).toBe((1 << HeaderId.to) | (1 << HeaderId.from))
    expect(slots?.[Slot.repeated]).toBe(1 << HeaderId.to)
  })

  it('leaves lines out that are no headers, and notes the first', () => {
    const slots = scanText('BYE sip:a SIP/2.0\r\nTo: x\r\nrubbish\r\n: more\r\nFrom: y\r\n\r\n')
    expect(slots?.[Slot.headerCount]).toBe(2)
    expect([slots?.[Slot.fault], slots?.[Slot.faultOffset]]).toEqual([ScanFault.header, 26])
  })

  it('grows for more headers than it has place for', () => {
    const slots = scanText(`BYE sip:a SIP/2.0\r\n${'a: b\r\n'.repeat(3000)}\r\n`)
    expect(slots?.[Slot.headerCount]).toBe(3000)
    expect(slots?.at(Slot.headers + 2999 * STRIDE + Field.end)).toBe(slots?.[Slot.headersEnd])
  })
})

describe('isStartLine', () => {
  it.each([
    ['INVITE sip:a SIP/2.0', true],
    ['INVITE sip:a sip/2.0 ', true],
    ['INVITE sip:a SIP/7.0', true],
    ['SIP/2.0 200 OK', true],
    ['SIP/2.0 200', true],
    ['SIP/2.0', false],
    ['INVITE SIP/2.0', true],
    ['INVITE', false],
    ['INVITE sip:a HTTP/1.1', false],
    ['a/b sip:a SIP/2.0', false],
    ['', false],
  ])('%j: %j', (line, expected) => {
    expect(isStartLine(Buffer.from(line), 0, line.length)).toBe(expected)
  })
})

describe('statusOf', () => {
  it.each([
    ['100', 100],
    ['699', 699],
    ['099', 0],
    ['700', 0],
    ['2 0', 0],
    ['20', 0],
  ])('%j is %d', (text, status) => {
    expect(statusOf(Buffer.from(text), 0)).toBe(status)
  })
})
