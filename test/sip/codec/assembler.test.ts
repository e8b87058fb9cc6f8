import { describe, expect, it } from 'vitest'
import { assemble } from '../../../src/sip/codec/assembler.ts'

const LONG = 'x'.repeat(100)

describe('putting a message together', () => {
  it('writes pieces and text in the order they came, short and long ones', () => {
    const out = assemble()
    const bytes = Buffer.from(`0123456789${LONG}`)
    out.text('a')
    out.copy(bytes, 2, 5)
    out.put(LONG)
    out.copy(bytes, 0, bytes.length)
    out.put(Buffer.from('z'))
    expect(out.take().toString()).toBe(`a234${LONG}0123456789${LONG}z`)
  })

  it.each(['é', `é${LONG}`, '\u{1f4de}', '\u0080'])('writes text that is not US-ASCII as UTF-8: %s', text => {
    const out = assemble()
    out.text(text)
    expect(out.take()).toEqual(Buffer.from(text, 'utf8'))
  })

  it('copies bytes that are no UTF-8 as they are', () => {
    const out = assemble()
    out.copy(Buffer.from([0xff, 0x80, 0x00]), 0, 3)
    expect([...out.take()]).toEqual([0xff, 0x80, 0x00])
  })

  it('leaves out what is empty', () => {
    const out = assemble()
    out.text('')
    out.copy(Buffer.from('abc'), 2, 1)
    expect(out.take()).toHaveLength(0)
  })

  it('begins anew, whatever was left unfinished', () => {
    assemble().text('left over')
    const out = assemble()
    out.text('new')
    expect(out.take().toString()).toBe('new')
  })
})
